//! The interface that mutants change. It fulfils every rule, in steps of which a mutant overrides
//! one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use session_conformance::interface::InterfaceUnderTest;
use session_core::interface::{CookieAction, Mark, OpenContext, Opened, Save, Saved, SessionView};
use session_core::request::RequestView;
use session_core::{
    CookieAttributes, Error, Outcome, Session, SessionConfig, SessionInterface, async_trait,
};

use super::owned::Owned;
use super::steps::Steps;

/// The data of the interface.
#[derive(Default)]
pub struct Server {
    config: SessionConfig,
    sessions: Mutex<HashMap<String, Stored>>,
    owned: Mutex<HashMap<String, Owned>>,
}

#[derive(Clone)]
pub struct Stored {
    pub payload: String,
    pub created_at: SystemTime,
    pub expires_at: SystemTime,
}

/// The id under which a session was found: its backend state.
pub struct Origin(pub String);

impl Server {
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    pub fn sessions(&self) -> MutexGuard<'_, HashMap<String, Stored>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
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
        let renewal = self.0.renewal(&opened, &stored, context);
        Ok(opened.with_renewal(renewal).with_backend_state(Origin(id.to_owned())))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let origin = save.backend_state::<Origin>();
        let saved = self.saved(origin.as_deref(), save)?;
        let old = origin
            .and_then(|origin| self.0.server().owned().remove(&origin.0))
            .filter(|_| !save.ends());
        match saved.cookie() {
            CookieAction::Set { value: id, .. } => {
                self.0.server().owned().insert(id.clone(), self.0.noted(old, save));
                save.remember(Origin(id.clone()));
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
}

impl<M: Steps> Interface<M> {
    fn saved(&self, origin: Option<&Origin>, save: &Save<'_>) -> Result<Saved, Error> {
        let Some(origin) = origin else {
            return Ok(match (save.is_modified(), save.is_empty()) {
                (true, false) => self.0.begin(save),
                (true, true) => Saved::new(CookieAction::Remove, Outcome::Unchanged),
                (false, _) => self.0.nothing(save),
            });
        };
        if save.ends() {
            self.0.forget(&origin.0);
            return Ok(if save.is_empty() {
                stored(self.0.ended())
            } else {
                self.0.begin_anew(origin, save)
            });
        }
        let Some(old) = self.0.find(&origin.0, save.now()) else {
            return Ok(self.0.lost(origin, save));
        };
        let login = self.0.login_of(&origin.0);
        if !save.is_modified() {
            let contents =
                save.merge(old.payload.clone(), login.as_ref(), save.changes().mark())?;
            self.0.renew(&origin.0, &old, &contents, save);
            return Ok(stored(self.0.set(origin.0.clone(), &contents, save)));
        }
        let contents = save.merge(old.payload.clone(), login.as_ref(), Mark::default())?;
        if self.0.is_emptied(&contents, save) {
            self.0.forget(&origin.0);
            return Ok(stored(CookieAction::Remove).with_contents(contents));
        }
        let merged = match save.login() {
            Some(_) => self.0.logged_in(&contents, save, &old),
            None => self.0.merged(save, &old),
        };
        let id = if self.0.rotates(save) {
            self.0.new_id(save, Some(&origin.0))
        } else {
            origin.0.clone()
        };
        self.0.store(&id, merged, Some(&old), &contents, save);
        if id != origin.0 {
            self.0.forget_rotated(&origin.0);
        }
        let cookie = self.0.set(id, &contents, save);
        Ok(stored(cookie).with_contents(contents))
    }
}

/// Returns the interface with these steps, under test.
pub fn under_test<M: Steps + From<Server>>() -> InterfaceUnderTest {
    InterfaceUnderTest::with_owners(|config: SessionConfig| async move {
        let server =
            Server { config: config.clone(), sessions: Mutex::default(), owned: Mutex::default() };
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
