//! A wrapper in which every session is created by the old backend.

use std::borrow::Cow;
use std::time::Duration;

use session_core::interface::{
    OpenContext, Opened, Save, Saved, SessionPage, SessionState, SessionView, state_of,
};
use session_core::request::RequestView;
use session_core::{
    CookieAttributes, Error, OwnedSession, OwnerSessions, Session, SessionConfig, SessionInterface,
    async_trait,
};
use session_memory::MemoryStore;
use session_migration::{MigratingSessions, OldSessions};

const MIGRATING: u8 = 0;
const OLD: u8 = 1;

/// Creates sessions in the old backend. The next request opens them from there.
#[derive(Debug)]
pub(crate) struct StartingInOld<O>(pub(crate) MigratingSessions<MemoryStore, O>);

/// Where a session of this request is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Start {
    /// The client has none.
    None,
    /// This request created it.
    InOld,
    /// Another request created it.
    Before,
}

#[async_trait]
impl<O: OldSessions> SessionInterface for StartingInOld<O> {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let opened = self.0.open(context).await?;
        let start = if context.cookie().is_none() { Start::None } else { Start::Before };
        Ok(opened.nested(MIGRATING).with_backend_state(start))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let begins = save.is_modified() && !save.is_empty() && !save.is_detached();
        match save.backend_state::<Start>().as_deref() {
            Some(Start::InOld) => {}
            Some(Start::None) if begins => save.remember(Start::InOld),
            _ => return self.0.save(&save.nested(MIGRATING)).await,
        }
        self.0.old_backend().save(&save.nested(OLD)).await
    }

    fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
        self.0.cookie_name(request)
    }

    fn cookie_attributes(
        &self,
        request: &RequestView,
        session: &SessionView<'_>,
    ) -> Cow<'_, CookieAttributes> {
        self.0.cookie_attributes(request, session)
    }

    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        self.0.lifetime(session)
    }

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        self.0.should_set_cookie(session)
    }

    async fn limit_sessions(&self, owner: &str, limit: usize) -> Result<Vec<OwnedSession>, Error> {
        self.0.limit_sessions(owner, limit).await
    }

    fn lineage(&self, session: &SessionState) -> Option<[u8; 16]> {
        match session.backend_state::<Start>().as_deref() {
            Some(Start::InOld) => self.0.old_backend().lineage(&session.nested(OLD)),
            _ => self.0.lineage(&session.nested(MIGRATING)),
        }
    }
}

impl<O: OldSessions> StartingInOld<O> {
    /// Returns the session as the old backend sees it, if this request created it there.
    fn in_old(session: &Session) -> Option<Session> {
        let state = state_of(session);
        let start = state.backend_state::<Start>();
        (start.as_deref() == Some(&Start::InOld)).then(|| state.nested(OLD).into_session())
    }
}

#[async_trait]
impl<O: OldSessions + OwnerSessions> OwnerSessions for StartingInOld<O> {
    async fn page(
        &self,
        owner: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<SessionPage, Error> {
        self.0.page(owner, after, limit).await
    }

    fn handle_of(&self, session: &Session) -> Option<String> {
        match Self::in_old(session) {
            Some(session) => self.0.old_backend().handle_of(&session),
            None => self.0.handle_of(&state_of(session).nested(MIGRATING).into_session()),
        }
    }

    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error> {
        self.0.end(owner, handle).await
    }

    async fn end_others(&self, session: &Session) -> Result<usize, Error> {
        let (Some(in_old), Some(owner)) = (Self::in_old(session), session.owner()) else {
            if session.is_anonymous() {
                return self.0.end_others(session).await;
            }
            let session = state_of(session).nested(MIGRATING).into_session();
            return self.0.end_others(&session).await;
        };
        let ended = self.0.old_backend().end_others(&in_old).await?;
        Ok(ended + self.0.new_backend().end_all(&owner).await?)
    }

    async fn end_all(&self, owner: &str) -> Result<usize, Error> {
        self.0.end_all(owner).await
    }
}
