//! The session interface.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::Duration;

use session_core::interface::{OpenContext, Opened, Save, Saved, SessionState, SessionView};
use session_core::request::RequestView;
use session_core::store::SessionStore;
use session_core::{
    CookieAttributes, Error, ErrorKind, OwnedSession, SessionConfig, SessionInterface, async_trait,
};

use crate::place::{NEW, Place};
use crate::{MigratingSessions, OldSessions};

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: SessionStore, O: OldSessions> SessionInterface for MigratingSessions<S, O> {
    fn config(&self) -> &SessionConfig {
        self.new.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        self.find(context).await
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let place = save.backend_state::<Place>();
        let has_copies = match place.as_deref() {
            Some(Place::Old(place)) => return Box::pin(self.save_old(place, save)).await,
            Some(Place::Rotated) => return Box::pin(self.save_rotated(save)).await,
            Some(Place::New { has_copies }) => *has_copies,
            None => false,
        };
        let saved = self.new.save(&save.nested(NEW)).await?;
        Ok(self.with_copies(has_copies, saved, save))
    }

    fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
        self.new.cookie_name(request)
    }

    fn cookie_attributes(
        &self,
        request: &RequestView,
        session: &SessionView<'_>,
    ) -> Cow<'_, CookieAttributes> {
        self.new.cookie_attributes(request, session)
    }

    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        self.new.lifetime(session)
    }

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        self.new.should_set_cookie(session)
    }

    /// Limits the sessions of both backends together.
    async fn limit_sessions(&self, owner: &str, limit: usize) -> Result<Vec<OwnedSession>, Error> {
        let new = self.new.limit_sessions(owner, limit).await?;
        if self.is_over(self.config().now()) {
            return Ok(new);
        }
        let old = match self.old.limit_sessions(owner, limit).await {
            Err(error) if error.kind() == ErrorKind::Configuration => return Ok(new),
            old => old?,
        };
        let mut handles = HashSet::new();
        let both = new.into_iter().map(|session| (true, session));
        let mut both: Vec<_> =
            both.chain(old.into_iter().map(|session| (false, session))).collect();
        both.retain(|(_, session)| handles.insert(session.handle().to_owned()));
        both.sort_by_cached_key(|(_, session)| {
            Reverse((session.authenticated_at(), session.handle().to_owned()))
        });
        let is_more = both.len() > limit;
        both.truncate(limit);
        if is_more {
            let of_new = both.iter().filter(|(is_new, _)| *is_new).count();
            self.new.limit_sessions(owner, of_new).await?;
            self.old.limit_sessions(owner, both.len() - of_new).await?;
        }
        Ok(both.into_iter().map(|(_, session)| session).collect())
    }

    /// Checks both backends. After the end date, checks only the new backend.
    async fn check(&self) -> Result<(), Error> {
        self.new.check().await?;
        if self.is_over(self.config().now()) { Ok(()) } else { self.old.check().await }
    }

    fn lineage(&self, session: &SessionState) -> Option<[u8; 16]> {
        match session.backend_state::<Place>().as_deref() {
            Some(Place::Old(place)) => Some(place.lineage),
            Some(Place::Rotated) => None,
            Some(Place::New { .. }) | None => self.new.lineage(&session.nested(NEW)),
        }
    }
}
