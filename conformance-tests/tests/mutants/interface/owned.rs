//! What the original knows of each session for its owner.

use std::time::SystemTime;

use session_core::{Error, OwnedSession, OwnerSessions, Session, async_trait};

use super::original::{Interface, Origin, Server, Steps, Stored};

#[derive(Clone)]
pub struct Owned {
    pub owner: Option<String>,
    pub handle: String,
    pub seen_at: SystemTime,
}

impl Owned {
    /// What is noted at a save, of what was noted before.
    pub fn noted(old: Option<Self>, session: &Session, now: SystemTime) -> Self {
        let (owner, handle) = old.map_or((None, None), |old| (old.owner, Some(old.handle)));
        let owner = if session.changes_owner() { session.owner() } else { owner };
        let handle = handle.unwrap_or_else(Self::new_handle);
        Self { owner, handle, seen_at: now }
    }

    pub fn new_handle() -> String {
        std::iter::repeat_with(fastrand::alphanumeric).take(22).collect()
    }

    pub fn shown(&self, stored: &Stored) -> OwnedSession {
        let label = Session::from_payload(stored.payload.clone()).unwrap().label();
        OwnedSession::new(self.handle.clone(), stored.created_at, self.seen_at).with_label(label)
    }
}

impl Server {
    pub fn owner_of(&self, id: &str) -> Option<String> {
        self.owned().get(id)?.owner.clone()
    }

    pub fn handle_of(&self, id: &str) -> Option<String> {
        Some(self.owned().get(id)?.handle.clone())
    }

    pub fn ids(&self, are_meant: impl Fn(&Owned) -> bool) -> Vec<String> {
        self.owned().iter().filter(|(_, owned)| are_meant(owned)).map(|(id, _)| id.clone()).collect()
    }

    pub fn live_of(&self, owner: &str) -> Vec<String> {
        let (all, sessions, now) = (self.owned(), self.sessions(), self.config().now());
        let theirs = all.iter().filter(|(_, owned)| owned.owner.as_deref() == Some(owner));
        let live = theirs.filter(|(id, _)| sessions.get(*id).is_some_and(|stored| now <= stored.expires_at));
        live.map(|(id, _)| id.clone()).collect()
    }

    pub fn end_each(&self, ids: Vec<String>) -> usize {
        for id in &ids {
            self.sessions().remove(id);
            self.owned().remove(id);
        }
        ids.len()
    }
}

#[async_trait]
impl<M: Steps> OwnerSessions for Interface<M> {
    async fn sessions_of(&self, owner: &str) -> Result<Vec<OwnedSession>, Error> {
        let (sessions, all) = (self.0.server().sessions().clone(), self.0.server().owned().clone());
        let listed = self.0.listed(owner).into_iter();
        Ok(listed.filter_map(|id| Some(self.0.shown(all.get(&id)?, sessions.get(&id)?))).collect())
    }

    fn handle_of(&self, session: &Session) -> Option<String> {
        session.owner()?;
        self.0.handle_of(&session.slot::<Origin>()?.0)
    }

    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error> {
        Ok(self.0.end_one(owner, handle) > 0)
    }

    async fn end_others(&self, session: &Session) -> Result<usize, Error> {
        let own = session.slot::<Origin>();
        Ok(self.0.end_others(session, own.as_ref().map(|origin| &*origin.0)))
    }

    async fn end_all(&self, owner: &str) -> Result<usize, Error> {
        Ok(self.0.end_all(owner))
    }
}
