//! The interface that mutants change: right in everything, in steps of which a mutant overrides one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use conformance_tests::interface::InterfaceUnderTest;
use session_core::{
    CookieAction, CookieAttributes, Error, OpenContext, Outcome, OwnedSession, RequestView, SaveContext, Session,
    SessionConfig, SessionInterface, async_trait,
};

use super::owned::Owned;

/// What the steps work on.
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

/// The id under which a session was found, in its slot.
pub struct Origin(pub String);

impl Server {
    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    pub fn sessions(&self) -> MutexGuard<'_, HashMap<String, Stored>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of each session for its owner, by its id.
    pub fn owned(&self) -> MutexGuard<'_, HashMap<String, Owned>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

/// What a mutant notes, and does not show.
#[derive(Default)]
pub struct Hidden<T>(pub Mutex<T>);

impl<T> Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
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

    fn known(&self, stored: &Stored) -> Session {
        Session::from_payload(stored.payload.clone()).unwrap()
    }

    fn unknown(&self, id: &str) -> Result<Session, Error> {
        let _ = id;
        Ok(Session::new())
    }

    fn absent(&self) -> Session {
        Session::new()
    }

    fn new_id(&self, session: &Session, old: Option<&str>) -> String {
        let _ = (session, old);
        std::iter::repeat_with(fastrand::alphanumeric).take(43).collect()
    }

    fn payload(&self, session: &Session) -> String {
        session.payload()
    }

    fn merged(&self, session: &Session, stored: &Stored) -> String {
        session.changes().replay(&stored.payload).unwrap()
    }

    fn lifetime_of(&self, context: &SaveContext<'_>) -> Duration {
        context.lifetime().unwrap_or_else(|| context.config().browser_lifetime())
    }

    fn expires_at(&self, created_at: SystemTime, context: &SaveContext<'_>) -> SystemTime {
        let life = self.lifetime_of(context);
        let end = context.now() + context.config().idle_timeout().map_or(life, |idle| life.min(idle));
        context.config().absolute_timeout().map_or(end, |limit| end.min(created_at + limit))
    }

    fn created_at(&self, stored: Option<&Stored>, context: &SaveContext<'_>) -> SystemTime {
        stored.map_or(context.now(), |stored| stored.created_at)
    }

    fn renews(&self, session: &Session, context: &SaveContext<'_>) -> bool {
        let idle = context.config().idle_timeout().is_some();
        if session.is_permanent() && !idle { context.should_set_cookie() } else { session.is_accessed() }
    }

    fn set(&self, id: String, context: &SaveContext<'_>) -> CookieAction {
        let _ = context;
        CookieAction::Set(id)
    }

    fn forget(&self, id: &str) {
        self.server().sessions().remove(id);
    }

    fn forget_rotated(&self, id: &str) {
        self.server().sessions().remove(id);
    }

    fn rotates(&self, session: &Session) -> bool {
        session.rotates()
    }

    fn ended(&self) -> CookieAction {
        CookieAction::Remove
    }

    /// A save that finds nothing.
    fn lost(&self, session: &Session, origin: &Origin, context: &SaveContext<'_>) -> CookieAction {
        let _ = (origin, context);
        session.set_outcome(Outcome::Dropped);
        CookieAction::Keep
    }

    fn store(&self, id: &str, payload: String, stored: Option<&Stored>, context: &SaveContext<'_>) {
        let created_at = self.created_at(stored, context);
        let expires_at = self.expires_at(created_at, context);
        self.server().sessions().insert(id.to_owned(), Stored { payload, created_at, expires_at });
    }

    fn begin(&self, session: &Session, context: &SaveContext<'_>) -> CookieAction {
        let id = self.new_id(session, None);
        self.store(&id, self.payload(session), None, context);
        self.set(id, context)
    }

    /// What was written after the end.
    fn begin_anew(&self, session: &Session, origin: &Origin, context: &SaveContext<'_>) -> CookieAction {
        let _ = origin;
        self.begin(session, context)
    }

    /// A save of a session that was not stored before, and not changed.
    fn nothing(&self, session: &Session, context: &SaveContext<'_>) -> CookieAction {
        let _ = (session, context);
        CookieAction::Keep
    }

    fn owner_of(&self, id: &str) -> Option<String> {
        self.server().owner_of(id)
    }

    fn noted(&self, old: Option<Owned>, session: &Session, now: SystemTime) -> Owned {
        Owned::noted(old, session, now)
    }

    /// The ids of an owner's sessions.
    fn listed(&self, owner: &str) -> Vec<String> {
        self.server().live_of(owner)
    }

    fn shown(&self, owned: &Owned, stored: &Stored) -> OwnedSession {
        owned.shown(stored)
    }

    fn handle_of(&self, id: &str) -> Option<String> {
        self.server().handle_of(id)
    }

    fn is_meant(&self, owned: &Owned, owner: &str, handle: &str) -> bool {
        owned.owner.as_deref() == Some(owner) && owned.handle == handle
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

    fn cookie_attributes(&self, session: &Session) -> Cow<'_, CookieAttributes> {
        let _ = session;
        Cow::Borrowed(self.server().config().cookie_attributes())
    }

    fn lifetime(&self, session: &Session) -> Option<Duration> {
        session.is_permanent().then(|| self.server().config().permanent_lifetime())
    }

    fn should_set_cookie(&self, session: &Session, usual: bool) -> bool {
        let _ = session;
        usual
    }

    fn should_save(&self, session: &Session, usual: bool) -> bool {
        let _ = session;
        usual
    }
}

/// The interface of some steps.
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

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        let Some(id) = self.0.cookie(context) else { return Ok(self.0.absent()) };
        let Some(stored) = self.0.find(id, context.now()) else { return self.0.unknown(id) };
        let session = self.0.known(&stored).with_owner(self.0.owner_of(id));
        session.set_slot(Arc::new(Origin(id.to_owned())));
        Ok(session)
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        let origin = session.slot::<Origin>();
        let action = self.saved(session, context);
        let old = origin.and_then(|origin| self.0.server().owned().remove(&origin.0)).filter(|_| !session.ends());
        if let CookieAction::Set(id) | CookieAction::SetUntil(id, _) = &action {
            self.0.server().owned().insert(id.clone(), self.0.noted(old, session, context.now()));
            session.set_slot(Arc::new(Origin(id.clone())));
        }
        Ok(action)
    }

    fn cookie_name(&self, _: &RequestView) -> Cow<'_, str> {
        Cow::Borrowed(self.0.cookie_name())
    }

    fn cookie_attributes(&self, _: &RequestView, session: &Session) -> Cow<'_, CookieAttributes> {
        self.0.cookie_attributes(session)
    }

    fn lifetime(&self, session: &Session) -> Option<Duration> {
        self.0.lifetime(session)
    }

    fn should_set_cookie(&self, session: &Session) -> bool {
        let renewed = match self.1.refresh() {
            session_core::Refresh::EachRequest => true,
            session_core::Refresh::WhenAccessed => session.is_accessed(),
            session_core::Refresh::WhenModified => false,
        };
        self.0.should_set_cookie(session, session.is_modified() || (renewed && session.is_permanent()))
    }

    fn should_save(&self, session: &Session) -> bool {
        let usual = session.is_modified() || session.slot::<Origin>().is_some();
        self.0.should_save(session, usual)
    }
}

impl<M: Steps> Interface<M> {
    fn saved(&self, session: &Session, context: &SaveContext<'_>) -> CookieAction {
        let Some(origin) = session.slot::<Origin>() else {
            return match (session.is_modified(), session.is_empty()) {
                (true, false) => self.0.begin(session, context),
                (true, true) => CookieAction::Remove,
                (false, _) => self.0.nothing(session, context),
            };
        };
        if session.ends() {
            self.0.forget(&origin.0);
            return if session.is_empty() { self.0.ended() } else { self.0.begin_anew(session, &origin, context) };
        }
        let Some(stored) = self.0.find(&origin.0, context.now()) else {
            return self.0.lost(session, &origin, context);
        };
        if !session.is_modified() {
            if self.0.renews(session, context) {
                self.0.store(&origin.0, stored.payload.clone(), Some(&stored), context);
            }
            return self.0.set(origin.0.clone(), context);
        }
        let merged = self.0.merged(session, &stored);
        let id = if self.0.rotates(session) { self.0.new_id(session, Some(&origin.0)) } else { origin.0.clone() };
        self.0.store(&id, merged, Some(&stored), context);
        if id != origin.0 {
            self.0.forget_rotated(&origin.0);
        }
        self.0.set(id, context)
    }
}

/// What is checked, of some steps.
pub fn under_test<M: Steps + From<Server>>() -> InterfaceUnderTest {
    InterfaceUnderTest::with_owners(|config: SessionConfig| async move {
        let server = Server { config: config.clone(), sessions: Mutex::default(), owned: Mutex::default() };
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
