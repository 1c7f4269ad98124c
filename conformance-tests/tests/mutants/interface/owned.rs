//! The owners and handles of the original's sessions.

use std::time::SystemTime;

use session_core::interface::{Opened, Save, SessionPage, state_of};
use session_core::login::Login;
use session_core::{Error, OwnedSession, OwnerSessions, Session, async_trait};

use super::original::{Interface, Origin, Server, Stored};
use super::steps::Steps;

#[derive(Clone)]
pub struct Owned {
    pub login: Option<Login>,
    pub handle: String,
    pub seen_at: SystemTime,
}

impl Owned {
    /// Returns the new record of a save, given the previous one.
    pub fn noted(old: Option<Self>, save: &Save<'_>) -> Self {
        let (login, handle) = old.map_or((None, None), |old| (old.login, Some(old.handle)));
        let login = save.login().cloned().or(login);
        let handle = handle.unwrap_or_else(Self::new_handle);
        Self { login, handle, seen_at: save.now() }
    }

    pub fn owner(&self) -> Option<&str> {
        self.login.as_ref().map(Login::owner)
    }

    pub fn new_handle() -> String {
        std::iter::repeat_with(fastrand::alphanumeric).take(22).collect()
    }

    pub fn shown(&self, stored: &Stored) -> OwnedSession {
        let session = Opened::from_payload(stored.payload.clone()).unwrap().into_session();
        let label = session.get::<String>("_label").unwrap();
        OwnedSession::new(self.handle.clone(), stored.created_at, self.seen_at)
            .with_label(label)
            .with_authenticated_at(self.login.as_ref().map(Login::authenticated_at))
    }
}

impl Server {
    pub fn login_of(&self, id: &str) -> Option<Login> {
        self.owned().get(id)?.login.clone()
    }

    pub fn handle_of(&self, id: &str) -> Option<String> {
        Some(self.owned().get(id)?.handle.clone())
    }

    pub fn ids(&self, are_meant: impl Fn(&Owned) -> bool) -> Vec<String> {
        self.owned()
            .iter()
            .filter(|(_, owned)| are_meant(owned))
            .map(|(id, _)| id.clone())
            .collect()
    }

    pub fn live_of(&self, owner: &str) -> Vec<String> {
        let (all, sessions, now) = (self.owned(), self.sessions(), self.config().now());
        let theirs = all.iter().filter(|(_, owned)| owned.owner() == Some(owner));
        let live = theirs
            .filter(|(id, _)| sessions.get(*id).is_some_and(|stored| now <= stored.expires_at));
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

impl<M: Steps> Interface<M> {
    pub fn shown(&self, ids: Vec<String>) -> Vec<OwnedSession> {
        let server = self.0.server();
        let (sessions, all) = (server.sessions().clone(), server.owned().clone());
        let shown =
            ids.into_iter().filter_map(|id| Some(self.0.shown(all.get(&id)?, sessions.get(&id)?)));
        shown.collect()
    }

    /// Returns the ids of the owner's sessions, the last login first.
    pub fn logged_in(&self, owner: &str) -> Vec<String> {
        let server = self.0.server();
        let mut ids = server.live_of(owner);
        ids.sort_by_key(|id| {
            let time = server.login_of(id).map(|login| login.authenticated_at());
            std::cmp::Reverse((time, server.handle_of(id)))
        });
        ids
    }
}

#[async_trait]
impl<M: Steps> OwnerSessions for Interface<M> {
    async fn page(
        &self,
        owner: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<SessionPage, Error> {
        let mut ids = self.0.listed(owner);
        ids.sort_unstable();
        let (page, is_last) = self.0.page(ids, after, self.0.limit(limit));
        let next = page.last().filter(|_| !is_last).cloned();
        let mut sessions = self.shown(page);
        self.0.sort(&mut sessions);
        Ok(SessionPage::new(sessions, next))
    }

    fn handle_of(&self, session: &Session) -> Option<String> {
        session.owner().or_else(|| self.0.owner_of_visitors())?;
        self.0.handle_of(&state_of(session).backend_state::<Origin>()?.0)
    }

    async fn end(&self, owner: &str, handle: &str) -> Result<bool, Error> {
        Ok(self.0.end_one(owner, handle) > 0)
    }

    async fn end_others(&self, session: &Session) -> Result<usize, Error> {
        let own = state_of(session).backend_state::<Origin>();
        Ok(self.0.end_others(session, own.as_ref().map(|origin| &*origin.0)))
    }

    async fn end_all(&self, owner: &str) -> Result<usize, Error> {
        Ok(self.0.end_all(owner))
    }
}
