//! The interface that mutants change. It fulfils every rule, in steps of which a mutant overrides
//! one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use session_conformance::interface::InterfaceUnderTest;
use session_core::interface::{
    Contents, CookieAction, Mark, OpenContext, Opened, Save, Saved, SessionState, SessionView,
};
use session_core::request::RequestView;
use session_core::{
    CookieAttributes, Error, ErrorKind, Outcome, OwnedSession, Session, SessionConfig,
    SessionInterface, async_trait,
};

use super::owned::Owned;
use super::steps::Steps;

/// The data of the interface.
#[derive(Default)]
pub struct Server {
    config: SessionConfig,
    sessions: Mutex<HashMap<String, Stored>>,
    owned: Mutex<HashMap<String, Owned>>,
    /// The new id of each old one, and whether requests in progress follow.
    moved: Mutex<HashMap<String, (String, bool)>>,
}

#[derive(Clone)]
pub struct Stored {
    pub payload: String,
    pub created_at: SystemTime,
    pub expires_at: SystemTime,
}

/// The id under which a session was found: its backend state.
pub struct Origin(pub String);

/// The end of the backend state of a session whose id was changed before.
const MOVED: &str = " (moved)";

impl Origin {
    pub fn is_moved(&self) -> bool {
        self.0.ends_with(MOVED)
    }
}

impl Server {
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    pub fn sessions(&self) -> MutexGuard<'_, HashMap<String, Stored>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the id that the session of this one has now.
    pub fn present(&self, id: &str) -> String {
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let mut id = id;
        while let Some((next, true)) = moved.get(id) {
            id = next;
        }
        id.to_owned()
    }

    fn note_move(&self, old: String, new: String, is_followed: bool) {
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        moved.insert(old, (new, is_followed));
    }

    /// Returns the session of an id that opens nothing. If it was changed, nothing is saved.
    pub fn unknown(&self, id: &str) -> Opened {
        let moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = Opened::new();
        if !moved.contains_key(id) {
            return opened;
        }
        opened.with_backend_state(Origin(format!("{id}{MOVED}")))
    }

    /// Returns the owners and handles of the sessions, by their ids.
    pub fn owned(&self) -> MutexGuard<'_, HashMap<String, Owned>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

/// A field of a mutant that `Debug` does not show.
#[derive(Default)]
pub struct Hidden<T>(pub Mutex<T>);

impl<T> Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// Returns the session that a save stores if the store has no newer data.
pub fn session_of(save: &Save<'_>) -> Session {
    Opened::from_payload(save.contents().payload()).unwrap().into_session()
}

/// Returns the result of a save that stored something.
pub fn stored(cookie: CookieAction) -> Saved {
    Saved::new(cookie, Outcome::Stored)
}

/// The interface with these steps.
pub struct Interface<M>(pub M, SessionConfig);

impl<M: Debug> Debug for Interface<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Interface").field(&self.0).finish()
    }
}

#[async_trait]
impl<M: Steps> SessionInterface for Interface<M> {
    fn config(&self) -> &SessionConfig {
        &self.1
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let Some(id) = self.0.cookie(context) else { return Ok(self.0.absent()) };
        let Some(stored) = self.0.find(id, context.now()) else { return self.0.unknown(id) };
        let opened = self.0.known(&stored).with_login(self.0.login_of(id));
        let opened = opened.with_details(self.0.details(id, &stored));
        let renewal = self.0.renewal(&opened, &stored, context);
        Ok(opened.with_renewal(renewal).with_backend_state(Origin(id.to_owned())))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let origin = save.backend_state::<Origin>();
        if let Some(instead) = self.0.instead(save)? {
            return Ok(instead);
        }
        let saved = self.saved(origin.as_deref(), save)?;
        let old = origin
            .and_then(|origin| self.0.server().owned().remove(&origin.0))
            .filter(|_| !save.ends());
        match saved.cookie() {
            CookieAction::Set { value: id, .. } => {
                self.0.server().owned().insert(id.clone(), self.0.noted(old, save));
                if self.0.remembers(save) {
                    save.remember(Origin(id.clone()));
                }
            }
            _ if save.ends() => self.0.forget_end(save),
            CookieAction::Remove => save.forget(),
            _ => (),
        }
        Ok(saved)
    }

    fn cookie_name(&self, _: &RequestView) -> Cow<'_, str> {
        Cow::Borrowed(self.0.cookie_name())
    }

    fn cookie_attributes(
        &self,
        _: &RequestView,
        session: &SessionView<'_>,
    ) -> Cow<'_, CookieAttributes> {
        self.0.cookie_attributes(session)
    }

    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        self.0.lifetime(session)
    }

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        self.0.should_set_cookie(session)
    }

    async fn limit_sessions(&self, owner: &str, limit: usize) -> Result<Vec<OwnedSession>, Error> {
        let ended = self.0.beyond(self.logged_in(owner), limit);
        self.0.server().end_each(ended);
        Ok(self.shown(self.logged_in(owner)))
    }

    fn lineage(&self, session: &SessionState) -> Option<[u8; 16]> {
        self.0.lineage(&session.backend_state::<Origin>()?.0)
    }
}

impl<M: Steps> Interface<M> {
    fn saved(&self, origin: Option<&Origin>, save: &Save<'_>) -> Result<Saved, Error> {
        let Some(origin) = origin else {
            return Ok(match (save.is_modified(), save.is_empty()) {
                (true, _) if save.is_detached() => {
                    return Err(Error::new(ErrorKind::Committed, "the response has been sent"));
                }
                (true, false) => self.0.begin(save),
                (true, true) => Saved::new(CookieAction::Remove, Outcome::Unchanged),
                (false, _) => self.0.nothing(save),
            });
        };
        let place = self.0.present(origin);
        if save.ends() {
            self.0.forget_ended(origin, &place);
            return Ok(if save.is_empty() {
                stored(self.0.ended())
            } else {
                self.0.begin_anew(origin, save)
            });
        }
        let Some(old) = self.0.find(&place, save.now()) else {
            return Ok(self.0.lost(origin, save));
        };
        let login = self.0.login_of(&place);
        if !save.is_modified() {
            let contents =
                save.merge(old.payload.clone(), login.as_ref(), save.changes().mark())?;
            self.0.renew(&place, &old, &contents, save);
            return Ok(stored(self.set(origin, place, &contents, save)));
        }
        let contents = save.merge(old.payload.clone(), login.as_ref(), Mark::default())?;
        if self.0.is_emptied(&contents, save) {
            self.0.forget(&place);
            return Ok(stored(CookieAction::Remove).with_contents(contents));
        }
        let merged = match save.login() {
            Some(_) => self.0.logged_in(&contents, save, &old),
            None => self.0.merged(save, &old),
        };
        // The second of two rotations keeps the id of the first.
        let is_first = place == origin.0 || self.0.moves_again();
        let rotates = self.0.rotates(save) && (is_first || save.login().is_some());
        let id = if rotates { self.0.new_id(save, Some(&place)) } else { place.clone() };
        self.0.store(&id, merged, Some(&old), &contents, save);
        if id != place {
            let cookie = self.0.set(id.clone(), &contents, save);
            self.0.forget_rotated(&place);
            self.0.server().note_move(place, id, save.login().is_none());
            return Ok(stored(cookie).with_contents(contents));
        }
        let cookie = self.set(origin, id, &contents, save);
        Ok(self.0.stored(cookie, contents))
    }

    /// Returns the cookie of a save. The request that changed the id sets the new one.
    fn set(
        &self,
        origin: &Origin,
        id: String,
        contents: &Contents,
        save: &Save<'_>,
    ) -> CookieAction {
        let is_followed = id != origin.0 && self.0.present(origin) == id;
        if is_followed { CookieAction::Keep } else { self.0.set(id, contents, save) }
    }
}

/// Returns the interface with these steps, under test.
pub fn under_test<M: Steps + From<Server>>() -> InterfaceUnderTest {
    InterfaceUnderTest::with_owners(|config: SessionConfig| async move {
        let server = Server { config: config.clone(), ..Server::default() };
        Interface(M::from(server), M::configured(config))
    })
}

#[derive(Debug)]
pub struct Unchanged(Server);

impl From<Server> for Unchanged {
    fn from(server: Server) -> Self {
        Self(server)
    }
}

impl Steps for Unchanged {
    fn server(&self) -> &Server {
        &self.0
    }
}
