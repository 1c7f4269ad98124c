//! The interface that mutants change. It fulfils every rule, in steps of which a mutant overrides
//! one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use conformance_tests::interface::InterfaceUnderTest;
use session_core::interface::{
    Contents, CookieAction, IdChange, Mark, OpenContext, Opened, Renewal, Save, Saved, SessionView,
};
use session_core::login::Login;
use session_core::request::RequestView;
use session_core::{
    CookieAttributes, Error, Outcome, OwnedSession, Session, SessionConfig, SessionInterface,
    async_trait,
};

use super::owned::Owned;

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

/// The steps of opening and saving, and the hooks.
pub trait Steps: Debug + Send + Sync + 'static {
    fn server(&self) -> &Server;

    fn configured(config: SessionConfig) -> SessionConfig
    where
        Self: Sized,
    {
        config
    }

    fn cookie<'a>(&self, context: &OpenContext<'a>) -> Option<&'a str> {
        context.cookie()
    }

    fn find(&self, id: &str, now: SystemTime) -> Option<Stored> {
        self.server().sessions().get(id).filter(|stored| now <= stored.expires_at).cloned()
    }

    fn known(&self, stored: &Stored) -> Opened {
        Opened::from_payload(stored.payload.clone()).unwrap()
    }

    fn unknown(&self, id: &str) -> Result<Opened, Error> {
        let _ = id;
        Ok(Opened::new())
    }

    fn absent(&self) -> Opened {
        Opened::new()
    }

    /// Returns the renewal of an opened session, by default that of the engine.
    fn renewal(&self, opened: &Opened, stored: &Stored, context: &OpenContext<'_>) -> Renewal {
        let lifetime = context.lifetime(opened);
        context.config().renewal(lifetime, stored.created_at, stored.expires_at)
    }

    fn new_id(&self, save: &Save<'_>, old: Option<&str>) -> String {
        let _ = (save, old);
        std::iter::repeat_with(fastrand::alphanumeric).take(43).collect()
    }

    fn payload(&self, save: &Save<'_>) -> String {
        save.contents().payload()
    }

    fn merged(&self, save: &Save<'_>, stored: &Stored) -> String {
        save.changes().replay(&stored.payload).unwrap()
    }

    /// Records that the session is not stored any more.
    fn forget_end(&self, save: &Save<'_>) {
        save.forget();
    }

    /// Returns whether the merged contents of a save end the session.
    fn is_emptied(&self, contents: &Contents, save: &Save<'_>) -> bool {
        let _ = save;
        contents.is_empty()
    }

    /// Returns the payload of a session in which a user has logged in.
    fn logged_in(&self, contents: &Contents, save: &Save<'_>, stored: &Stored) -> String {
        let _ = (save, stored);
        contents.payload()
    }

    fn lifetime_of(&self, contents: &Contents, save: &Save<'_>) -> Duration {
        contents.lifetime().unwrap_or(save.config().browser_lifetime())
    }

    fn expires_at(
        &self,
        created_at: SystemTime,
        contents: &Contents,
        save: &Save<'_>,
    ) -> SystemTime {
        let lifetime = self.lifetime_of(contents, save);
        let idle = save.config().idle_timeout();
        let expiry = save.now() + idle.map_or(lifetime, |idle| lifetime.min(idle));
        save.config().absolute_timeout().map_or(expiry, |limit| expiry.min(created_at + limit))
    }

    fn created_at(&self, stored: Option<&Stored>, save: &Save<'_>) -> SystemTime {
        stored.map_or(save.now(), |stored| stored.created_at)
    }

    fn set(&self, id: String, contents: &Contents, save: &Save<'_>) -> CookieAction {
        let _ = save;
        CookieAction::Set { value: id, expires: contents.expires_at() }
    }

    fn forget(&self, id: &str) {
        self.server().sessions().remove(id);
    }

    fn forget_rotated(&self, id: &str) {
        self.server().sessions().remove(id);
    }

    fn rotates(&self, save: &Save<'_>) -> bool {
        save.id_change() != IdChange::Keep
    }

    fn ended(&self) -> CookieAction {
        CookieAction::Remove
    }

    /// Saves a session that is not stored any more.
    fn lost(&self, origin: &Origin, save: &Save<'_>) -> Saved {
        let _ = origin;
        if save.is_modified() { Saved::dropped() } else { Saved::unchanged() }
    }

    fn store(
        &self,
        id: &str,
        payload: String,
        stored: Option<&Stored>,
        contents: &Contents,
        save: &Save<'_>,
    ) {
        let created_at = self.created_at(stored, save);
        let expires_at = self.expires_at(created_at, contents, save);
        self.server().sessions().insert(id.to_owned(), Stored { payload, created_at, expires_at });
    }

    fn begin(&self, save: &Save<'_>) -> Saved {
        let (id, contents) = (self.new_id(save, None), save.contents());
        self.store(&id, self.payload(save), None, &contents, save);
        stored(self.set(id, &contents, save))
    }

    /// Saves the values that were set after the end of the session.
    fn begin_anew(&self, origin: &Origin, save: &Save<'_>) -> Saved {
        let _ = origin;
        self.begin(save)
    }

    /// Saves a session that was neither stored before nor changed.
    fn nothing(&self, save: &Save<'_>) -> Saved {
        let _ = save;
        Saved::unchanged()
    }

    /// Extends the expiry of a session that was not changed.
    fn renew(&self, id: &str, stored: &Stored, contents: &Contents, save: &Save<'_>) {
        self.store(id, stored.payload.clone(), Some(stored), contents, save);
    }

    fn login_of(&self, id: &str) -> Option<Login> {
        self.server().login_of(id)
    }

    fn noted(&self, old: Option<Owned>, save: &Save<'_>) -> Owned {
        Owned::noted(old, save)
    }

    /// Returns the ids of an owner's sessions.
    fn listed(&self, owner: &str) -> Vec<String> {
        self.server().live_of(owner)
    }

    /// Returns the ids on a page, and whether it is the last one. `ids` are all ids in order.
    fn page(&self, ids: Vec<String>, after: Option<&str>, limit: usize) -> (Vec<String>, bool) {
        let rest = ids.into_iter().filter(|id| after.is_none_or(|after| &**id > after));
        let rest: Vec<_> = rest.collect();
        (rest[..limit.min(rest.len())].to_vec(), rest.len() <= limit)
    }

    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        owned.shown(stored)
    }

    fn handle_of(&self, id: &str) -> Option<String> {
        self.server().handle_of(id)
    }

    fn is_meant(&self, owned: &Owned, owner: &str, handle: &str) -> bool {
        owned.owner() == Some(owner) && owned.handle == handle
    }

    fn end_one(&self, owner: &str, handle: &str) -> usize {
        self.server().end_each(self.server().ids(|owned| self.is_meant(owned, owner, handle)))
    }

    fn end_others(&self, session: &Session, own: Option<&str>) -> usize {
        let Some(owner) = session.owner() else { return 0 };
        let others = self.server().live_of(&owner).into_iter().filter(|id| Some(&**id) != own);
        self.server().end_each(others.collect())
    }

    fn end_all(&self, owner: &str) -> usize {
        self.server().end_each(self.server().live_of(owner))
    }

    fn cookie_name(&self) -> &str {
        self.server().config().cookie_name()
    }

    fn cookie_attributes(&self, session: &SessionView<'_>) -> Cow<'_, CookieAttributes> {
        let _ = session;
        Cow::Borrowed(self.server().config().cookie_attributes())
    }

    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        session.is_permanent().then(|| self.server().config().permanent_lifetime())
    }

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        session.is_modified() || session.is_renewed()
    }
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
