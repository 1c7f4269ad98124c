//! Full stores: the order of eviction, and the removal of expired records.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use session_core::events::{Event, Events};
use session_core::request::{RequestSession, RequestView};
use session_core::store::{
    MAX_CLOCK_SKEW, NewRecord, OwnerIndex as _, Replaced, SessionStore as _, StoreKey,
};
use session_core::{ErrorKind, ManualClock, OutagePolicy, SessionConfig, SessionInterface};
use session_memory::{MemorySessions, MemoryStore};

const CAPACITY: u64 = 50;
const NOW: SystemTime = SystemTime::UNIX_EPOCH;
const LIFE: Duration = Duration::from_secs(3600);

fn sessions(store: &MemoryStore) -> Arc<dyn SessionInterface> {
    Arc::new(MemorySessions::new(store.clone(), SessionConfig::default()))
}

fn open(sessions: &Arc<dyn SessionInterface>, cookie: &str) -> RequestSession {
    let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
    RequestSession::with_shared(Arc::clone(sessions), view, OutagePolicy::Refuse)
}

async fn commit(request: &RequestSession) -> Option<String> {
    let headers = request.commit().await.into_result().unwrap();
    headers.set_cookie().map(|cookie| cookie.split(';').next().unwrap().to_owned())
}

async fn log_in(sessions: &Arc<dyn SessionInterface>, cookie: &str, owner: &str) -> String {
    let request = open(sessions, cookie);
    request.session().await.unwrap().log_in(owner, None).await.unwrap();
    commit(&request).await.unwrap()
}

async fn visit(sessions: &Arc<dyn SessionInterface>) -> String {
    let request = open(sessions, "");
    request.session().await.unwrap().insert("visited", true).unwrap();
    commit(&request).await.unwrap()
}

async fn is_alive(sessions: &Arc<dyn SessionInterface>, cookie: &str) -> bool {
    !open(sessions, cookie).session().await.unwrap().is_new()
}

fn key(number: u64) -> StoreKey {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    StoreKey::from_bytes(bytes)
}

fn record(payload: &[u8]) -> NewRecord<'_> {
    NewRecord::new(payload, NOW, NOW + LIFE)
}

async fn is_stored(store: &MemoryStore, number: u64) -> bool {
    store.load(&key(number)).await.unwrap().is_some()
}

#[tokio::test]
async fn login_at_capacity_evicts_least_recently_used_session() {
    let store = MemoryStore::with_capacity(CAPACITY);
    let sessions = sessions(&store);
    let mut cookies = Vec::new();
    for n in 0..CAPACITY {
        cookies.push(log_in(&sessions, "", &format!("user-{n}")).await);
    }
    // The first session is used again, so the second is the least recently used one.
    assert!(is_alive(&sessions, &cookies[0]).await);
    for n in 0..10 {
        let cookie = log_in(&sessions, "", "late").await;
        assert_eq!(store.len(), CAPACITY);
        assert!(is_alive(&sessions, &cookie).await, "login {n} was lost");
    }
    assert!(is_alive(&sessions, &cookies[0]).await);
    for (n, cookie) in cookies.iter().enumerate().skip(1) {
        assert_eq!(is_alive(&sessions, cookie).await, n > 10, "session {n}");
    }
    assert!(store.keys_of("user-1").await.unwrap().is_empty(), "an evicted key is still listed");
    assert_eq!(store.keys_of("late").await.unwrap().len(), 10);

    let evicted = &cookies[1];
    let fresh = log_in(&sessions, evicted, "user-1").await;
    assert_ne!(&fresh, evicted, "an evicted id was adopted");
}

#[tokio::test]
async fn flood_of_anonymous_requests_logs_out_no_user() {
    for capacity in [1_000, MemoryStore::DEFAULT_CAPACITY] {
        let store = MemoryStore::with_capacity(capacity);
        let sessions = sessions(&store);
        let mut users = Vec::new();
        for n in 0..1_000 {
            users.push(log_in(&sessions, "", &format!("user-{n}")).await);
        }
        for _ in 0..100_000 {
            visit(&sessions).await;
        }
        assert_eq!(store.len(), capacity);
        for (n, cookie) in users.iter().enumerate() {
            assert!(is_alive(&sessions, cookie).await, "user {n} of {capacity} was logged out");
        }
        // A user can still log in.
        let cookie = log_in(&sessions, "", "late").await;
        assert!(is_alive(&sessions, &cookie).await);
    }
}

#[tokio::test]
async fn flood_evicts_least_recently_used_visitor() {
    let store = MemoryStore::with_capacity(CAPACITY);
    let sessions = sessions(&store);
    log_in(&sessions, "", "ada").await;
    let (used, idle) = (visit(&sessions).await, visit(&sessions).await);
    for _ in 2..CAPACITY - 1 {
        visit(&sessions).await;
    }
    assert!(is_alive(&sessions, &used).await);
    visit(&sessions).await;
    assert!(is_alive(&sessions, &used).await && !is_alive(&sessions, &idle).await);
}

#[tokio::test]
async fn session_of_64_mebibytes_is_refused() {
    let store = MemoryStore::new();
    let large = vec![b'x'; 64 << 20];
    let error = store.create(&key(1), &record(&large)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(
        error.to_string(),
        "session payload of 67108864 bytes exceeds this memory store's limit of 1048576 bytes"
    );
    let version = store.create(&key(1), &record(b"small")).await.unwrap();
    let error = store.replace(&key(1), version, &record(&large)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(store.load(&key(1)).await.unwrap().unwrap().payload(), b"small");

    let sessions = sessions(&store);
    let request = open(&sessions, "");
    request.session().await.unwrap().insert("large", "x".repeat(64 << 20)).unwrap();
    let error = request.commit().await.into_result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(store.len(), 1);
}

#[tokio::test]
async fn payload_limit_is_that_of_builder() {
    let store = MemoryStore::builder().max_payload(3).build();
    store.create(&key(1), &record(b"abc")).await.unwrap();
    let error = store.create(&key(2), &record(b"abcd")).await.unwrap_err();
    assert_eq!((error.kind(), store.len()), (ErrorKind::TooLarge, 1));
}

#[tokio::test]
async fn limit_of_bytes_evicts_visitors_first() {
    // Four records of 1,000 bytes fit, each with its overhead and owner.
    let store = MemoryStore::builder().max_bytes(4_600).build();
    let large = [0; 1_000];
    for number in [1, 3] {
        store.create(&key(number), &record(&large).owned_by(Some("ada"))).await.unwrap();
    }
    store.create(&key(2), &record(&large)).await.unwrap();
    store.create(&key(4), &record(&large).owned_by(Some("ada"))).await.unwrap();
    assert_eq!(store.len(), 4);
    store.create(&key(5), &record(&large)).await.unwrap();
    assert!(!is_stored(&store, 2).await && is_stored(&store, 5).await);

    // A record that grows also evicts others, but stays itself.
    let version = store.load(&key(1)).await.unwrap().unwrap().version();
    let larger = record(&[0; 2_500]).owned_by(Some("ada"));
    let replaced = store.replace(&key(1), version, &larger).await.unwrap();
    assert!(matches!(replaced, Replaced::Done(_)));
    assert!(!is_stored(&store, 5).await && !is_stored(&store, 3).await);
    assert!(is_stored(&store, 1).await && is_stored(&store, 4).await);
}

#[tokio::test]
async fn visitor_in_store_full_of_users_evicts_no_user() {
    let store = MemoryStore::with_capacity(CAPACITY);
    for number in 0..CAPACITY {
        store.create(&key(number), &record(b"").owned_by(Some("ada"))).await.unwrap();
    }
    store.create(&key(CAPACITY), &record(b"")).await.unwrap();
    assert!(!is_stored(&store, CAPACITY).await);
    assert_eq!(store.keys_of("ada").await.unwrap().len(), 50);
}

/// With many shards, the records of other shards are evicted before one with an owner.
#[tokio::test]
async fn every_visitor_is_evicted_before_any_user() {
    let capacity = 64 * 512;
    let store = MemoryStore::with_capacity(capacity);
    for number in 0..capacity {
        let owner = (number >= 1_000).then_some("ada");
        store.create(&key(number), &record(b"").owned_by(owner)).await.unwrap();
    }
    for number in 0..1_000 {
        let owned = record(b"").owned_by(Some("eve"));
        store.create(&key(capacity + number), &owned).await.unwrap();
        assert_eq!(store.len(), capacity);
    }
    for number in 0..capacity + 1_000 {
        assert_eq!(is_stored(&store, number).await, number >= 1_000, "record {number}");
    }
}

/// Makes a record with an owner, and takes the owner away, as a rotation does.
async fn bury(store: &MemoryStore, number: u64) {
    let version = store.create(&key(number), &record(b"").owned_by(Some("ada"))).await.unwrap();
    let replaced = store.replace(&key(number), version, &record(b"")).await.unwrap();
    assert!(matches!(replaced, Replaced::Done(_)));
}

#[tokio::test]
async fn tombstones_of_users_are_evicted_last() {
    let store = MemoryStore::with_capacity(8);
    bury(&store, 100).await;
    for number in 0..100 {
        let owner = (number % 3 > 0).then_some("ada");
        store.create(&key(number), &record(b"").owned_by(owner)).await.unwrap();
    }
    assert!(is_stored(&store, 100).await);
    assert_eq!(store.keys_of("ada").await.unwrap().len(), 7);
}

#[tokio::test]
async fn rotations_evict_tombstones_before_users() {
    let store = MemoryStore::with_capacity(100);
    for number in 0..70 {
        store.create(&key(number), &record(b"").owned_by(Some("eve"))).await.unwrap();
    }
    for number in 100..1_000 {
        bury(&store, number).await;
    }
    assert_eq!(store.keys_of("eve").await.unwrap().len(), 70);
    assert!(is_stored(&store, 999).await && !is_stored(&store, 100).await);
}

#[tokio::test]
async fn expired_sessions_are_removed_as_others_are_created() {
    let clock = ManualClock::at(NOW);
    let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
    let store = MemoryStore::new();
    let sessions: Arc<dyn SessionInterface> = Arc::new(MemorySessions::new(store.clone(), config));
    for n in 0..1_000 {
        visit(&sessions).await;
        log_in(&sessions, "", &format!("user-{n}")).await;
    }
    assert_eq!(store.len(), 2_000);
    clock.advance(Duration::from_secs(24 * 400 * 3600));
    let mut alive = Vec::new();
    // Three times as many, so that each shard gets enough of them to look at all its slots.
    for _ in 0..3_000 {
        alive.push(visit(&sessions).await);
    }
    assert_eq!(store.len(), 3_000);
    for cookie in alive {
        assert!(is_alive(&sessions, &cookie).await);
    }
    assert!(store.keys_of("user-1").await.unwrap().is_empty());
}

/// A record may expire before those that were used earlier. Then the hand finds it.
#[tokio::test]
async fn expired_record_between_live_ones_is_removed() {
    let store = MemoryStore::with_capacity(500);
    for number in 0..400 {
        let owner = (number % 2 == 0).then_some("ada");
        let life = if (100..200).contains(&number) { 1 } else { 100 };
        let record = NewRecord::new(b"", NOW, NOW + LIFE * life).owned_by(owner);
        store.create(&key(number), &record).await.unwrap();
    }
    for number in 400..450 {
        let now = NOW + LIFE * 2;
        store.create(&key(number), &NewRecord::new(b"", now, now + LIFE)).await.unwrap();
    }
    assert_eq!(store.len(), 350);
    assert!(is_stored(&store, 99).await && !is_stored(&store, 100).await);
}

#[tokio::test]
async fn record_stays_for_clock_skew_after_its_expiry() {
    let store = MemoryStore::with_capacity(500);
    store.create(&key(1), &record(b"")).await.unwrap();
    let last = NOW + LIFE + MAX_CLOCK_SKEW;
    store.create(&key(2), &NewRecord::new(b"", last, last + LIFE)).await.unwrap();
    assert!(is_stored(&store, 1).await);
    let later = last + Duration::from_millis(1);
    store.create(&key(3), &NewRecord::new(b"", later, later + LIFE)).await.unwrap();
    assert!(!is_stored(&store, 1).await);
}

/// The clock of the tests may be far behind that of the operating system.
#[tokio::test]
async fn session_of_slow_clock_is_not_removed() {
    let clock = ManualClock::at(NOW);
    let config = SessionConfig::builder().clock(clock).build().unwrap();
    let store = MemoryStore::new();
    let sessions: Arc<dyn SessionInterface> = Arc::new(MemorySessions::new(store.clone(), config));
    let cookie = log_in(&sessions, "", "ada").await;
    for _ in 0..1_000 {
        visit(&sessions).await;
    }
    assert_eq!(store.len(), 1_001);
    assert!(is_alive(&sessions, &cookie).await);
}

#[tokio::test]
async fn expired_users_are_evicted_before_visitors() {
    let store = MemoryStore::with_capacity(2);
    store.create(&key(1), &record(b"").owned_by(Some("ada"))).await.unwrap();
    let now = NOW + LIFE * 2;
    for number in [2, 3] {
        store.create(&key(number), &NewRecord::new(b"", now, now + LIFE)).await.unwrap();
    }
    assert!(!is_stored(&store, 1).await && is_stored(&store, 2).await);
}

/// With two shards, the expired record is in the shard of half of the new ones.
#[tokio::test]
async fn expired_user_of_other_shard_is_evicted_before_users() {
    for new in 0..10 {
        let store = MemoryStore::with_capacity(1_024);
        for number in 0..1_024 {
            let life = if number == 0 { LIFE } else { LIFE * 100 };
            let record = NewRecord::new(b"", NOW, NOW + life).owned_by(Some("ada"));
            store.create(&key(number), &record).await.unwrap();
        }
        let now = NOW + LIFE * 2;
        let record = NewRecord::new(b"", now, now + LIFE).owned_by(Some("ada"));
        store.create(&key(2_000 + new), &record).await.unwrap();
        assert!(!is_stored(&store, 0).await, "record {new}");
        assert_eq!(store.len(), 1_024);
    }
}

#[tokio::test]
async fn store_without_capacity_stores_nothing() {
    let store = MemoryStore::with_capacity(0);
    for owner in [None, Some("ada")] {
        store.create(&key(1), &record(b"").owned_by(owner)).await.unwrap();
        assert!(store.is_empty() && store.keys_of("ada").await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writes_stay_within_capacity_and_keep_users() {
    let store = MemoryStore::with_capacity(2_000);
    for number in 0..1_000 {
        store.create(&key(number), &record(b"").owned_by(Some("ada"))).await.unwrap();
    }
    let tasks: Vec<_> = (1..=4)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in 0..20_000 {
                    let key = key(task * 1_000_000 + number);
                    let version = store.create(&key, &record(b"visitor")).await.unwrap();
                    match number % 3 {
                        0 => drop(store.remove(&key, version).await.unwrap()),
                        1 => drop(store.replace(&key, version, &record(b"")).await.unwrap()),
                        _ => drop(store.load(&key).await.unwrap()),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(store.len() <= 2_000, "{} records", store.len());
    assert_eq!(store.keys_of("ada").await.unwrap().len(), 1_000);
    for number in 0..1_000 {
        assert!(is_stored(&store, number).await, "user {number} was logged out");
    }
}

#[tokio::test]
async fn evicted_sessions_are_reported_with_their_number() {
    let evicted = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&evicted);
    let events = Events::new(move |event: &Event<'_>| {
        let Event::Evicted { count: reported } = event else { unreachable!("{event:?}") };
        count.fetch_add(*reported, Ordering::Relaxed);
    });
    let store = MemoryStore::builder().capacity(CAPACITY).events(events).build();
    for number in 0..CAPACITY {
        store.create(&key(number), &record(b"")).await.unwrap();
    }
    assert_eq!(evicted.load(Ordering::Relaxed), 0);
    for number in CAPACITY..CAPACITY + 5 {
        store.create(&key(number), &record(b"")).await.unwrap();
    }
    assert_eq!(evicted.load(Ordering::Relaxed), 5);
    // An expired record is no longer a session.
    let late = NewRecord::new(b"", NOW + 2 * LIFE + MAX_CLOCK_SKEW, NOW + 4 * LIFE);
    store.create(&key(CAPACITY + 5), &late).await.unwrap();
    assert_eq!(evicted.load(Ordering::Relaxed), 5);
}
