//! A cache in front of a store: the use of copies, and the calls that remove them.

mod counting;
mod invalidation;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use counting::Counting;
use session_core::request::{RequestSession, RequestView};
use session_core::store::{NewRecord, Record, Replaced, SessionStore as _, StoreKey, Version};
use session_core::{
    ManualClock, OutagePolicy, OwnerSessions as _, ServerSideSessions, SessionConfig,
    SessionInterface,
};
use session_memory::Cached;

const KEY: StoreKey = StoreKey::from_bytes([7; 32]);
const TIME_TO_LIVE: Duration = Duration::from_secs(5);
const LIFE: Duration = Duration::from_secs(60);

struct World {
    store: Counting,
    clock: ManualClock,
    cached: Cached<Counting>,
}

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn record(payload: &[u8]) -> NewRecord<'_> {
    NewRecord::new(payload, start(), start() + LIFE)
}

impl World {
    fn new() -> Self {
        let (store, clock) = (Counting::default(), ManualClock::at(start()));
        let cached = Cached::builder().clock(clock.clone()).build(store.clone());
        Self { store, clock, cached }
    }

    /// Returns a world whose store has a record, of which there is a copy.
    async fn with_copy() -> (Self, Version) {
        let world = Self::new();
        let version = world.store.create(&KEY, &record(b"one")).await.unwrap();
        world.recent().await.unwrap();
        world.store.take_loads();
        (world, version)
    }

    async fn recent(&self) -> Option<Record> {
        self.cached.load_recent(&KEY).await.unwrap()
    }

    /// Returns how many loads of the store an open takes.
    async fn loads_of_open(&self) -> usize {
        self.store.take_loads();
        self.recent().await;
        self.store.take_loads()
    }
}

#[tokio::test]
async fn copy_is_used_until_its_time_to_live() {
    let (world, _) = World::with_copy().await;
    for _ in 0..100 {
        assert_eq!(world.recent().await.unwrap().payload(), b"one");
    }
    world.clock.advance(Duration::from_millis(4_999));
    assert_eq!(world.loads_of_open().await, 0);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.loads_of_open().await, 1);
    assert_eq!(world.loads_of_open().await, 0);
}

#[tokio::test]
async fn copy_that_has_expired_is_not_used() {
    let (world, version) = World::with_copy().await;
    let soon = NewRecord::new(b"two", start(), start() + Duration::from_secs(1));
    world.cached.replace(&KEY, version, &soon).await.unwrap();
    assert_eq!(world.loads_of_open().await, 0);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.loads_of_open().await, 1);
}

#[tokio::test]
async fn absence_is_not_cached() {
    let world = World::new();
    assert_eq!(world.recent().await, None);
    assert_eq!(world.loads_of_open().await, 1);
    world.store.create(&KEY, &record(b"one")).await.unwrap();
    assert_eq!(world.recent().await.unwrap().payload(), b"one");
}

#[tokio::test]
async fn load_reads_store_and_not_copy() {
    let (world, version) = World::with_copy().await;
    world.store.replace(&KEY, version, &record(b"two")).await.unwrap();
    assert_eq!(world.cached.load(&KEY).await.unwrap().unwrap().payload(), b"two");
    let loaded = world.cached.load_many(&[KEY]).await.unwrap();
    assert_eq!(loaded[0].as_ref().unwrap().payload(), b"two");
}

#[tokio::test]
async fn write_replaces_copy_of_same_version() {
    let (world, version) = World::with_copy().await;
    let replaced = world.cached.replace(&KEY, version, &record(b"two")).await.unwrap();
    let Replaced::Done(newer) = replaced else { panic!("the version is current") };
    assert_eq!(world.loads_of_open().await, 0);
    let copy = world.recent().await.unwrap();
    assert_eq!((copy.version(), copy.payload()), (newer, &b"two"[..]));
}

#[tokio::test]
async fn refused_write_removes_copy() {
    let (world, version) = World::with_copy().await;
    world.store.replace(&KEY, version.clone(), &record(b"two")).await.unwrap();
    let refused = world.cached.replace(&KEY, version, &record(b"three")).await.unwrap();
    assert_eq!(refused, Replaced::Stale);
    assert_eq!(world.recent().await.unwrap().payload(), b"two");
}

#[tokio::test]
async fn failed_or_dropped_write_removes_copy() {
    for fails in [true, false] {
        let (world, version) = World::with_copy().await;
        if fails {
            world.store.fail_next_write();
            assert!(world.cached.replace(&KEY, version, &record(b"two")).await.is_err());
        } else {
            world.store.hold_next();
            let two = record(b"two");
            assert!(poll_once(world.cached.replace(&KEY, version, &two)).is_pending());
        }
        assert_eq!(world.loads_of_open().await, 1, "fails: {fails}");
    }
}

#[tokio::test]
async fn create_touch_and_remove_leave_no_copy() {
    let (world, version) = World::with_copy().await;
    assert!(world.cached.touch(&KEY, version, start() + 2 * LIFE).await.unwrap());
    assert_eq!(world.recent().await.unwrap().expires_at(), start() + 2 * LIFE);
    let version = world.recent().await.unwrap().version();
    assert!(world.cached.remove(&KEY, version).await.unwrap());
    assert_eq!(world.recent().await, None);
    world.cached.create(&KEY, &record(b"again")).await.unwrap();
    assert_eq!(world.loads_of_open().await, 1);
}

#[tokio::test]
async fn load_that_began_before_write_fills_no_copy() {
    for write in ["replace", "remove"] {
        let world = World::new();
        let version = world.store.create(&KEY, &record(b"one")).await.unwrap();
        world.store.hold_next();
        let mut load = Box::pin(world.cached.load_recent(&KEY));
        // The store has read the record, but has not replied yet.
        assert!(poll_once(&mut load).is_pending());
        match write {
            "replace" => {
                world.cached.replace(&KEY, version, &record(b"two")).await.unwrap();
            }
            _ => assert!(world.cached.remove(&KEY, version).await.unwrap()),
        }
        world.store.resume();
        assert_eq!(load.await.unwrap().unwrap().payload(), b"one");
        let expected = (write == "replace").then(|| b"two".to_vec());
        let seen = world.recent().await.map(|record| record.payload().to_vec());
        assert_eq!(seen, expected, "{write}");
    }
}

#[tokio::test]
async fn late_reply_to_write_does_not_restore_older_copy() {
    let (world, version) = World::with_copy().await;
    let (two, three) = (record(b"two"), record(b"three"));
    world.store.hold_next();
    let mut first = Box::pin(world.cached.replace(&KEY, version, &two));
    assert!(poll_once(&mut first).is_pending());
    let current = world.cached.load(&KEY).await.unwrap().unwrap().version();
    world.cached.replace(&KEY, current, &three).await.unwrap();
    world.store.resume();
    first.await.unwrap();
    assert_eq!(world.recent().await.unwrap().payload(), b"three");
}

#[tokio::test]
async fn dropped_load_lets_next_one_fill_copy() {
    let world = World::new();
    world.store.create(&KEY, &record(b"one")).await.unwrap();
    world.store.hold_next();
    assert!(poll_once(world.cached.load_recent(&KEY)).is_pending());
    world.store.resume();
    assert_eq!(world.loads_of_open().await, 1);
    assert_eq!(world.loads_of_open().await, 0);
}

#[tokio::test]
async fn cache_stays_within_its_size() {
    let store = Counting::default();
    let cached = Cached::builder().max_bytes(100_000).build(store.clone());
    let payload = vec![0; 10_000];
    let keys: Vec<_> = (0..100).map(|number| StoreKey::from_bytes([number; 32])).collect();
    for key in &keys {
        store
            .create(key, &NewRecord::new(&payload, start(), SystemTime::now() + LIFE))
            .await
            .unwrap();
        cached.load_recent(key).await.unwrap();
    }
    store.take_loads();
    for key in &keys {
        cached.load_recent(key).await.unwrap();
    }
    assert!(store.take_loads() >= 90);
}

/// Two processes that share a store, each with its own cache.
struct Processes {
    sessions: [Arc<ServerSideSessions<Cached<Counting>>>; 2],
    clock: ManualClock,
}

impl Processes {
    fn new() -> Self {
        let World { store, clock, .. } = World::new();
        let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
        let sessions = [(); 2].map(|()| {
            let cached = Cached::builder().clock(clock.clone()).build(store.clone());
            Arc::new(ServerSideSessions::new(cached, config.clone()))
        });
        Self { sessions, clock }
    }

    fn open(&self, process: usize, cookie: &str) -> RequestSession {
        let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
        let sessions = Arc::clone(&self.sessions[process]) as Arc<dyn SessionInterface>;
        RequestSession::with_shared(sessions, view, OutagePolicy::Refuse)
    }

    /// Returns the cookie of a user who has logged in.
    async fn log_in(&self) -> String {
        let request = self.open(0, "");
        request.session().await.unwrap().log_in("ada", None).await.unwrap();
        let headers = request.commit().await.into_result().unwrap();
        headers.set_cookie().unwrap().split(';').next().unwrap().to_owned()
    }

    async fn owner(&self, process: usize, cookie: &str) -> Option<String> {
        self.open(process, cookie).session().await.unwrap().owner()
    }
}

#[tokio::test]
async fn counter_in_two_processes_loses_no_increment() {
    let processes = Processes::new();
    let cookie = processes.log_in().await;
    for number in 0..400 {
        let requests =
            [number % 2, (number / 2) % 2].map(|process| processes.open(process, &cookie));
        for request in &requests {
            let session = request.session().await.unwrap();
            session.update("n", |n: Option<u64>| Some(n.unwrap_or(0) + 1)).unwrap();
        }
        for request in &requests {
            request.commit().await.into_result().unwrap();
        }
    }
    processes.clock.advance(TIME_TO_LIVE);
    let session = processes.open(0, &cookie).session().await.unwrap();
    assert_eq!(session.get::<u64>("n").unwrap(), Some(800));
}

#[tokio::test]
async fn logout_is_seen_at_once_here_and_later_elsewhere() {
    let processes = Processes::new();
    let cookie = processes.log_in().await;
    for process in [0, 1] {
        assert_eq!(processes.owner(process, &cookie).await.as_deref(), Some("ada"));
    }
    let request = processes.open(0, &cookie);
    request.session().await.unwrap().log_out().await.unwrap();
    assert_eq!(processes.owner(0, &cookie).await, None);
    // The limit of the cache: the other process does not know of the logout.
    assert_eq!(processes.owner(1, &cookie).await.as_deref(), Some("ada"));
    let late = processes.open(1, &cookie);
    late.session().await.unwrap().insert("late", true).unwrap();
    late.commit().await.into_result().unwrap();
    assert_eq!(processes.owner(1, &cookie).await, None);
}

#[tokio::test]
async fn end_of_all_elsewhere_is_seen_after_time_to_live() {
    let processes = Processes::new();
    let cookie = processes.log_in().await;
    assert_eq!(processes.owner(1, &cookie).await.as_deref(), Some("ada"));
    assert_eq!(processes.sessions[0].end_all("ada").await.unwrap(), 1);
    processes.clock.advance(TIME_TO_LIVE);
    assert_eq!(processes.owner(1, &cookie).await, None);
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}
