//! The users of the applications, and their sessions: in a store that counts calls, and in a signed
//! cookie.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use session_cookie::SignedCookieSessions;
use session_core::guard::{UserError, Users};
use session_core::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Version};
use session_core::{
    Error, ManualClock, ServerSideSessions, SessionConfig, SessionInterface, async_trait,
};
use session_memory::MemoryStore;

use super::support::{clock, key};

/// Runs a scenario, a function of a client and its world, on each adapter with each backend.
#[macro_export]
macro_rules! on_every_application {
    ($scenario:ident) => {
        for is_on_server in [true, false] {
            println!("axum, on server: {is_on_server}");
            let world = $crate::applications::World::new(is_on_server);
            $scenario(&mut $crate::in_axum::client(&world), &world).await;
            println!("actix-web, on server: {is_on_server}");
            let world = $crate::applications::World::new(is_on_server);
            $scenario(&mut *$crate::in_actix::client(&world).await, &world).await;
        }
    };
}

pub(crate) struct World {
    pub(crate) users: Accounts,
    pub(crate) clock: ManualClock,
    pub(crate) sessions: Arc<dyn SessionInterface>,
    /// The number of store calls of a request that only reads its session.
    pub(crate) open_costs: usize,
    store_calls: Arc<AtomicUsize>,
}

impl World {
    pub(crate) fn new(is_on_server: bool) -> Self {
        let (clock, store_calls) = (clock(), Arc::<AtomicUsize>::default());
        let config = SessionConfig::builder().clock(clock.clone()).cookie_secure(false);
        let config = config.build().unwrap();
        let sessions: Arc<dyn SessionInterface> = if is_on_server {
            let store = Counting { inner: MemoryStore::new(), calls: Arc::clone(&store_calls) };
            Arc::new(ServerSideSessions::new(store, config))
        } else {
            Arc::new(SignedCookieSessions::new(config, &key()).unwrap())
        };
        let users = Accounts::default();
        users.set_stamp("ada", Some("1"));
        Self { users, clock, sessions, open_costs: usize::from(is_on_server), store_calls }
    }

    /// Returns the number of store calls, and of users that were loaded, since the last call.
    pub(crate) fn calls(&self) -> (usize, usize) {
        let take = |counter: &AtomicUsize| counter.swap(0, Ordering::SeqCst);
        (take(&self.store_calls), take(&self.users.shared.loads))
    }
}

/// The users, in a table of the application.
#[derive(Clone, Default)]
pub(crate) struct Accounts {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    users: Mutex<BTreeMap<String, User>>,
    loads: AtomicUsize,
    fails: AtomicBool,
}

#[derive(Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    stamp: Option<String>,
    permission: String,
}

impl Accounts {
    pub(crate) fn set_stamp(&self, name: &str, stamp: Option<&str>) {
        let stamp = stamp.map(str::to_owned);
        let user = User { name: name.to_owned(), stamp, permission: String::new() };
        self.shared.users.lock().unwrap().insert(name.to_owned(), user);
    }

    pub(crate) fn permit(&self, name: &str, permission: &str) {
        let mut users = self.shared.users.lock().unwrap();
        permission.clone_into(&mut users.get_mut(name).unwrap().permission);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.shared.users.lock().unwrap().remove(name);
    }

    /// Returns the stamp that a login reads together with the password.
    pub(crate) fn stamp_of(&self, name: &str) -> Option<String> {
        self.shared.users.lock().unwrap()[name].stamp.clone()
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.shared.fails.store(fails, Ordering::SeqCst);
    }
}

#[async_trait]
impl Users for Accounts {
    type User = User;

    async fn load(&self, owner: &str) -> Result<Option<User>, UserError> {
        self.shared.loads.fetch_add(1, Ordering::SeqCst);
        if self.shared.fails.load(Ordering::SeqCst) {
            return Err("database is down".into());
        }
        Ok(self.shared.users.lock().unwrap().get(owner).cloned())
    }

    fn stamp<'a>(&self, user: &'a User) -> Option<Cow<'a, str>> {
        user.stamp.as_deref().map(Cow::from)
    }

    fn has_permission(&self, user: &User, permission: &str) -> bool {
        user.permission == permission
    }
}

#[derive(Debug)]
struct Counting {
    inner: MemoryStore,
    calls: Arc<AtomicUsize>,
}

impl Counting {
    fn counted(&self) -> &MemoryStore {
        self.calls.fetch_add(1, Ordering::SeqCst);
        &self.inner
    }
}

#[async_trait]
impl SessionStore for Counting {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.counted().load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.counted().create(key, record).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.counted().replace(key, expected, record).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.counted().touch(key, expected, expires_at).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.counted().remove(key, expected).await
    }
}
