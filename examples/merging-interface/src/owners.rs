//! The sessions of an owner.

use std::cmp::Reverse;

use session_core::interface::{Opened, SessionPage, state_of};
use session_core::{Error, ErrorKind, OwnedSession, OwnerSessions, Session, async_trait};

use crate::table::Record;
use crate::{MergingSessions, Place};

#[async_trait]
impl OwnerSessions for MergingSessions {
    /// Pages are in the order of the handles. The position after a page is the last handle of the
    /// page.
    async fn page(
        &self,
        owner: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<SessionPage, Error> {
        let mut found = self.table.owned_by(owner, self.config.now());
        found.retain(|(handle, _)| after.is_none_or(|after| **handle > *after));
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let limit = limit.clamp(1, SessionPage::LIMIT);
        let next = (found.len() > limit).then(|| found[limit - 1].0.clone());
        found.truncate(limit);
        found.sort_by_key(|(_, record)| Reverse((record.last_seen, record.created_at)));
        Ok(SessionPage::new(found.into_iter().map(shown).collect(), next))
    }

    fn handle_of(&self, session: &Session) -> Option<String> {
        let state = state_of(session);
        state.owner()?;
        let place = state.backend_state::<Place>()?;
        (!place.is_late).then(|| place.handle.clone())
    }

    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error> {
        Ok(self.end_where(owner, |other| other == handle) > 0)
    }

    async fn end_others(&self, session: &Session) -> Result<usize, Error> {
        if session.is_anonymous() {
            let message = "session of the request is unknown, because it could not be opened";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let Some(owner) = session.owner() else { return Ok(0) };
        let own = self.handle_of(session);
        Ok(self.end_where(&owner, |other| Some(other) != own.as_deref()))
    }

    async fn end_all(&self, owner: &str) -> Result<usize, Error> {
        Ok(self.end_where(owner, |_| true))
    }
}

impl MergingSessions {
    /// Removes the sessions of the owner whose handles `is_wanted` selects. Requests in progress do
    /// not find a removed session, and therefore do not revive it.
    fn end_where(&self, owner: &str, is_wanted: impl Fn(&str) -> bool) -> usize {
        let now = self.config.now();
        let ends =
            |handle: &str, record: &Record| record.is_owned_by(owner, now) && is_wanted(handle);
        self.table.remove_where(ends)
    }
}

fn shown((handle, record): (String, Record)) -> OwnedSession {
    let session = Opened::from_payload(record.payload).map(Opened::into_session);
    let label = session.and_then(|session| session.get::<String>("_label")).ok().flatten();
    OwnedSession::new(handle, record.created_at, record.last_seen).with_label(label)
}
