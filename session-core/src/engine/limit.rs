//! A maximum number of sessions per owner.

use std::collections::HashSet;
use std::time::SystemTime;

use super::deadline::Deadline;
use super::end::BATCH;
use super::listing::Listed;
use super::position::EndedBy;
use super::sessions::ServerSideSessions;
use crate::events::{Event, EventSession};
use crate::login::Login;
use crate::store::SessionStore;
use crate::{Error, ErrorKind, OwnedSession};

impl<S: SessionStore> ServerSideSessions<S> {
    /// Ends all sessions of an owner except the `limit` sessions with the latest logins. Returns
    /// the remaining sessions, the latest login first.
    pub(super) async fn limit(
        &self,
        owner: &str,
        limit: usize,
    ) -> Result<Vec<OwnedSession>, Error> {
        let Some(index) = self.store.inner.owner_index() else {
            let message = "store has no owner index, which a maximum number of sessions needs";
            return Err(Error::new(ErrorKind::Configuration, message));
        };
        let keys = self.store.keys_of(index, owner).await?;
        let now = self.config.now();
        let (mut last, mut ended) = (Vec::<Listed>::new(), HashSet::new());
        for keys in keys.chunks(BATCH) {
            let mut listing = self.listed(owner, keys, now).await?;
            if let Some((_, error)) = listing.unread.pop() {
                return Err(error);
            }
            last.append(&mut listing.sessions);
            last.retain(|session| !session.is_orphan);
            last.sort_by(|one, other| other.rank().cmp(&one.rank()));
            // A session that is being rotated may have two records. Both are ended.
            let mut handles = HashSet::new();
            let is_kept = |session: &&Listed| {
                handles.insert(session.handle.clone());
                handles.len() <= limit
            };
            let kept = last.iter().take_while(is_kept).count();
            for session in last.drain(kept..) {
                let mut deadline = Deadline::start(&self.config);
                self.end_record(&session.live.record, EndedBy::Owner(owner), &mut deadline).await?;
                if ended.insert(session.handle.clone()) {
                    let session = EventSession::new(Some(owner), Some(&session.handle));
                    self.store.events.report(Event::Ended { session });
                }
            }
        }
        let mut handles = HashSet::new();
        last.retain(|session| handles.insert(session.handle.clone()));
        Ok(last.into_iter().map(|session| session.shown(now)).collect())
    }
}

impl Listed {
    /// Returns the sort key, which is the same in all processes.
    fn rank(&self) -> (Option<SystemTime>, &str) {
        let login = self.live.record.login.as_ref();
        (login.map(Login::authenticated_at), &self.handle)
    }
}
