//! Flask-Session's sessions as the old backend of a migration.

use session_core::interface::{Departure, OpenContext, Opened, SessionPage, state_of};
use session_core::{Error, OwnerSessions, Session, SessionInterface as _, async_trait};
use session_migration::{OldSessions, kept_id};

use crate::FlaskSessionRedis;
use crate::sessions::Stored;

#[async_trait]
impl OldSessions for FlaskSessionRedis {
    /// Returns the id without its signature. The ids of Flask-Session have 256 bits, so they stay
    /// the same.
    fn new_id(&self, cookie: &str) -> Option<[u8; 32]> {
        self.read_cookie(cookie).map(kept_id)
    }

    async fn departure(&self, context: &OpenContext<'_>) -> Result<Departure, Error> {
        let opened = self.open(context).await?;
        if !opened.is_new() {
            return Ok(Departure::Session(Box::new(opened)));
        }
        // `depart` removes the session and marks its id as moved in one step.
        let id = context.cookie().and_then(|cookie| self.read_cookie(cookie));
        let has_departed = match id {
            Some(id) => self.keys.has_departed(id).await?,
            None => false,
        };
        Ok(if has_departed { Departure::Departed } else { Departure::None })
    }

    async fn depart(&self, session: &Opened) -> Result<bool, Error> {
        match state_of(&session.clone().into_session()).backend_state::<Stored>() {
            Some(stored) => self.keys.depart(&stored.id, &stored.bytes).await,
            None => Ok(false),
        }
    }
}

/// Flask-Session has no index of owners, so these methods find no session.
#[async_trait]
impl OwnerSessions for FlaskSessionRedis {
    async fn page(&self, _: &str, _: Option<&str>, _: usize) -> Result<SessionPage, Error> {
        Ok(SessionPage::default())
    }

    fn handle_of(&self, _: &Session) -> Option<String> {
        None
    }

    async fn end(&self, _: &str, _: &str) -> Result<bool, Error> {
        Ok(false)
    }

    async fn end_others(&self, _: &Session) -> Result<usize, Error> {
        Ok(0)
    }

    async fn end_all(&self, _: &str) -> Result<usize, Error> {
        Ok(0)
    }
}
