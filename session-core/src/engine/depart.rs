//! Sessions that move from this store to another backend; see
//! [`Import`](crate::interface::Import).

use super::content;
use super::find::{DEPARTED, Found, tombstone_expiry};
use super::id::SessionId;
use super::opening::opened;
use super::position::{Position, RecordRef};
use super::sessions::ServerSideSessions;
use crate::Error;
use crate::interface::{Departure, OpenContext, Opened, state_of};
use crate::store::{NewRecord, Replaced, SessionStore};

/// Sessions that move from this store to another backend, for interfaces such as
/// `MigratingSessions` of `session-migration`; see [`Import`](crate::interface::Import).
impl<S: SessionStore> ServerSideSessions<S> {
    /// Returns the current state of a session that may have moved to another backend.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store.
    pub async fn departure(&self, context: &OpenContext<'_>) -> Result<Departure, Error> {
        let cookie = context.cookie().unwrap_or_default();
        let (id, found) = if let Some(id) = SessionId::parse(cookie) {
            (id, self.find(&self.key_of(id), context.now()).await?)
        } else if let Some(id) = SessionId::parse_unconfirmed(cookie) {
            (id, Box::pin(self.confirm(&self.key_of(id))).await?)
        } else {
            return Ok(Departure::None);
        };
        Ok(match found {
            Found::Moved(moved) if moved.successor == DEPARTED => Departure::Departed,
            Found::Moved(moved) if !moved.is_old => {
                Departure::Rotated(Box::new(opened(context, id, found)))
            }
            Found::Live(_) => {
                let opened = opened(context, id, found);
                if opened.is_new() { Departure::None } else { Departure::Session(Box::new(opened)) }
            }
            Found::Moved(_) | Found::Gone => Departure::None,
        })
    }

    /// Marks a session as moved if its state is still the state that [`departure`](Self::departure)
    /// returned. Returns `false` and changes nothing if the session was changed, has moved or has
    /// ended.
    ///
    /// The mark expires when the session would have expired, but not within the first ten minutes.
    /// During these ten minutes, a process without the migration drops the changes of a request
    /// with this id and sets no cookie. After that, this process starts a new session.
    ///
    /// # Errors
    ///
    /// Returns the errors of the store.
    pub async fn depart(&self, session: &Opened) -> Result<bool, Error> {
        let state = state_of(&session.clone().into_session());
        let Some(position) = state.backend_state::<Position>() else { return Ok(false) };
        let Position::Live(record) = &*position else { return Ok(false) };
        self.mark_departed(record).await
    }

    /// Marks the session of a record as moved; see [`depart`](Self::depart).
    pub(super) async fn mark_departed(&self, record: &RecordRef) -> Result<bool, Error> {
        let now = self.config.now();
        let bytes = content::tombstone(&DEPARTED, true);
        let expires_at = tombstone_expiry(now).max(record.expires_at);
        let mark = NewRecord::new(&bytes, now, expires_at);
        let replaced = self.store.replace(&record.key, record.version.clone(), &mark).await?;
        Ok(matches!(replaced, Replaced::Done(_)))
    }
}
