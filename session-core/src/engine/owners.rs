//! The sessions of an owner, from what the store's index lists and what the records say.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::time::SystemTime;

use async_trait::async_trait;

use super::find::{Found, Live};
use super::{Origin, ServerSideSessions, expiry};
use crate::{Error, ErrorKind, OwnedSession, OwnerIndex, OwnerSessions, Session};

/// A record that bears the owner.
struct Listed {
    live: Live,
    handle: String,
    /// Whether it is what a rotation left that was not finished: nobody has its id.
    is_orphan: bool,
}

#[async_trait]
impl<S: OwnerIndex> OwnerSessions for ServerSideSessions<S> {
    async fn sessions_of(&self, owner: &str) -> Result<Vec<OwnedSession>, Error> {
        let now = self.config.now();
        let mut sessions = self.listed(owner, now).await?;
        sessions.retain(|session| !session.is_orphan);
        sessions.sort_by_key(|session| Reverse((session.last_seen(now), session.live.handle.created_at)));
        // A session that is just being rotated may be under two ids.
        let mut handles = HashSet::new();
        sessions.retain(|session| handles.insert(session.handle.clone()));
        Ok(sessions.into_iter().map(|session| session.shown(now)).collect())
    }

    fn handle_of(&self, session: &Session) -> Option<String> {
        let owner = session.owner()?;
        match &*session.slot::<Origin>()? {
            Origin::Live(handle) => Some(handle.lineage.handle(&owner)),
            Origin::Moved { .. } => None,
        }
    }

    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error> {
        Ok(self.end_where(owner, |other| other == handle).await? > 0)
    }

    async fn end_others(&self, session: &Session) -> Result<usize, Error> {
        if session.is_anonymous() {
            let message =
                "the session store could not be reached when this request began: which session is its own is unknown";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let Some(owner) = session.owner() else { return Ok(0) };
        let own = self.handle_of(session);
        self.end_where(&owner, |other| Some(other) != own.as_deref()).await
    }

    async fn end_all(&self, owner: &str) -> Result<usize, Error> {
        self.end_where(owner, |_| true).await
    }
}

impl<S: OwnerIndex> ServerSideSessions<S> {
    /// Ends the sessions with such handles, what unfinished rotations left of them as well, and says how many those were.
    async fn end_where(&self, owner: &str, is_wanted: impl Fn(&str) -> bool + Send + Sync) -> Result<usize, Error> {
        let now = self.config.now();
        let mut ended = HashSet::new();
        for session in self.listed(owner, now).await? {
            if !is_wanted(&session.handle) {
                continue;
            }
            self.end_record(&session.live.handle, Some(owner), now).await?;
            if !session.is_orphan {
                ended.insert(session.handle);
            }
        }
        Ok(ended.len())
    }

    /// Every record that bears the owner. What was rotated since the index was asked is followed.
    async fn listed(&self, owner: &str, now: SystemTime) -> Result<Vec<Listed>, Error> {
        let mut listed: Vec<Listed> = Vec::new();
        for key in self.store.keys_of(owner).await? {
            let (found, followed) = match self.find(&key, &self.config, now).await? {
                Found::Live(live) => (Some(live), false),
                Found::Moved(moved) => (self.find_successor(moved, false, &self.config, now).await?, true),
                Found::Gone => (None, false),
            };
            let Some(live) = found.filter(|live| live.handle.owner.as_deref() == Some(owner)) else { continue };
            let known = listed.iter_mut().find(|known| known.live.handle.key == live.handle.key);
            if let Some(known) = known {
                known.is_orphan &= !followed;
                continue;
            }
            let is_orphan = !followed && self.is_orphan(&live, now).await?;
            listed.push(Listed { handle: live.handle.lineage.handle(owner), live, is_orphan });
        }
        Ok(listed)
    }

    /// Whether the record's rotation did not come to its end: what it was to replace is alive, or has gone another way.
    ///
    /// A tombstone that has expired cannot be told from a session that was ended. Then the record counts: better one session
    /// too many on a list than one too few.
    async fn is_orphan(&self, live: &Live, now: SystemTime) -> Result<bool, Error> {
        let Some(predecessor) = live.head.predecessor else { return Ok(false) };
        Ok(match self.find(&predecessor, &self.config, now).await? {
            Found::Live(_) => true,
            Found::Moved(moved) => moved.successor != live.handle.key,
            Found::Gone => false,
        })
    }
}

impl Listed {
    fn last_seen(&self, now: SystemTime) -> SystemTime {
        expiry::last_seen(&self.live.head, self.live.handle.expires_at, now)
    }

    fn shown(self, now: SystemTime) -> OwnedSession {
        let last_seen = self.last_seen(now);
        let label = Session::from_payload(self.live.payload).ok().and_then(|session| session.label());
        OwnedSession::new(self.handle, self.live.handle.created_at, last_seen).with_label(label)
    }
}
