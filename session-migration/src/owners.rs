//! The sessions of an owner, in both backends.

use std::cmp::Reverse;
use std::collections::HashSet;

use session_core::interface::{SessionPage, session_handle, state_of};
use session_core::store::OwnerIndex;
use session_core::{Error, ErrorKind, OwnerSessions, Session, SessionInterface as _, async_trait};

use crate::place::{NEW, OLD, Place};
use crate::{MigratingSessions, OldSessions};

/// The start of a position in the old backend.
const IN_OLD: &str = "old.";
/// The start of a position in the new backend.
const IN_NEW: &str = "new.";

/// A session may move from the old backend to the new backend during a call. Therefore each method
/// starts with the old backend.
#[async_trait]
impl<S: OwnerIndex, O: OldSessions + OwnerSessions> OwnerSessions for MigratingSessions<S, O> {
    async fn page(
        &self,
        owner: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<SessionPage, Error> {
        let limit = limit.clamp(1, SessionPage::LIMIT);
        let in_new = after.map(|after| after.strip_prefix(IN_NEW).filter(|at| !at.is_empty()));
        let in_old = after.and_then(|after| after.strip_prefix(IN_OLD));
        let mut sessions = Vec::new();
        if !self.is_over(self.new.config().now()) && (after.is_none() || in_old.is_some()) {
            let page = self.old.page(owner, in_old, limit).await?;
            sessions = page.sessions;
            if let Some(next) = page.next {
                return Ok(SessionPage::new(sessions, Some(format!("{IN_OLD}{next}"))));
            }
            if sessions.len() == limit {
                return Ok(SessionPage::new(sessions, Some(IN_NEW.to_owned())));
            }
        } else if after.is_some_and(|after| !after.starts_with(IN_NEW)) {
            let message = "page position was not returned by an earlier page";
            return Err(Error::new(ErrorKind::Malformed, message));
        }
        let after = in_new.flatten().filter(|_| in_old.is_none());
        let page = self.new.page(owner, after, limit - sessions.len()).await?;
        sessions.extend(page.sessions);
        sessions.sort_by_key(|session| Reverse((session.last_seen(), session.created_at())));
        let mut handles = HashSet::new();
        sessions.retain(|session| handles.insert(session.handle().to_owned()));
        Ok(SessionPage::new(sessions, page.next.map(|next| format!("{IN_NEW}{next}"))))
    }

    fn handle_of(&self, session: &Session) -> Option<String> {
        let state = state_of(session);
        match state.backend_state::<Place>().as_deref() {
            // A session has the same handle after its move.
            Some(Place::Old(place)) => Some(session_handle(&place.lineage, Some(state.owner()?))),
            Some(Place::Rotated) => None,
            Some(Place::New { .. }) | None => self.new.handle_of(&state.nested(NEW).into_session()),
        }
    }

    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error> {
        let in_old = !self.is_over(self.new.config().now()) && self.old.end(owner, handle).await?;
        Ok(self.new.end(owner, handle).await? || in_old)
    }

    async fn end_others(&self, session: &Session) -> Result<usize, Error> {
        if session.is_anonymous() {
            let message = "session of the request is unknown, because it could not be opened";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let Some(owner) = session.owner() else { return Ok(0) };
        let state = state_of(session);
        let mut ended = 0;
        if !self.is_over(self.new.config().now()) {
            ended += self.old.end_others(&state.nested(OLD).into_session()).await?;
        }
        let is_in_old = matches!(state.backend_state::<Place>().as_deref(), Some(Place::Old(_)));
        if !is_in_old {
            return Ok(ended + self.new.end_others(&state.nested(NEW).into_session()).await?);
        }
        // Another request may have moved this session in the meantime.
        Ok(ended + self.end_where(&owner, self.handle_of(session).as_deref()).await?)
    }

    async fn end_all(&self, owner: &str) -> Result<usize, Error> {
        let is_over = self.is_over(self.new.config().now());
        let in_old = if is_over { 0 } else { self.old.end_all(owner).await? };
        Ok(self.new.end_all(owner).await? + in_old)
    }
}

impl<S: OwnerIndex, O: OldSessions> MigratingSessions<S, O> {
    /// Ends the sessions of the owner in the new backend, except the session with this handle.
    async fn end_where(&self, owner: &str, spared: Option<&str>) -> Result<usize, Error> {
        let (mut after, mut ended, mut failure) = (None, 0, None);
        loop {
            let page = self.new.page(owner, after.as_deref(), SessionPage::LIMIT).await?;
            for session in page.sessions.iter().filter(|other| Some(other.handle()) != spared) {
                match self.new.end(owner, session.handle()).await {
                    Ok(has_ended) => ended += usize::from(has_ended),
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            after = page.next;
            if after.is_none() {
                return failure.map_or(Ok(ended), Err);
            }
        }
    }
}
