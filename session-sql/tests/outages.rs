//! Servers that are killed, restarted and hang, in the middle of load.

#![cfg(any(feature = "postgres", feature = "mysql"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use session_core::{ErrorKind, Replaced, SessionStore as _, StoreKey};
use session_sql::SqlStore;
use support::{new_key, record};

const DEADLINE: Duration = Duration::from_secs(1);

/// What the tests do to a server, whichever it is.
struct Power<S> {
    server: S,
    kill: fn(&mut S),
    restart: fn(&mut S),
    hang: fn(&S),
    go_on: fn(&S),
}

async fn store(url: &str) -> SqlStore {
    let store = SqlStore::builder().deadline(DEADLINE).connect(url).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// Counts up one record until it is told to stop; gives how far it must have come, and whether calls failed.
async fn count(store: SqlStore, key: StoreKey, stop: Arc<AtomicBool>, done: Arc<AtomicU32>) -> (u32, bool) {
    let (mut counted, mut failed) = (0_u32, false);
    while !stop.load(Ordering::Relaxed) {
        let next = increment(&store, &key, counted).await;
        failed |= next.is_err();
        counted = match next {
            Ok(next) => next,
            // It was carried out or not: the record says.
            Err(()) => loop {
                let Ok(read) = in_time(store.load(&key)).await else { continue };
                let read = number(read.unwrap().payload());
                assert!(read == counted || read == counted + 1, "{counted} became {read}");
                break read;
            },
        };
        done.fetch_add(1, Ordering::Relaxed);
    }
    (counted, failed)
}

async fn increment(store: &SqlStore, key: &StoreKey, from: u32) -> Result<u32, ()> {
    let read = in_time(store.load(key)).await?.unwrap();
    assert_eq!(number(read.payload()), from, "an acknowledged write is lost, or another was applied");
    let payload = (from + 1).to_be_bytes();
    match in_time(store.replace(key, read.version(), &record(&payload))).await? {
        Replaced::Done(_) => Ok(from + 1),
        Replaced::Stale => panic!("stale, though nobody else writes"),
    }
}

/// The call, which must answer within the deadline and a tenth of it.
async fn in_time<T>(call: impl Future<Output = Result<T, session_core::Error>>) -> Result<T, ()> {
    let start = Instant::now();
    let result = call.await;
    assert!(start.elapsed() <= DEADLINE * 11 / 10, "{:?}", start.elapsed());
    result.map_err(|error| assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"))
}

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload.try_into().unwrap())
}

async fn a_kill_in_the_middle_of_load_loses_nothing<S>(url: String, mut power: Power<S>) {
    let store = store(&url).await;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut counting = Vec::new();
    for _ in 0..8 {
        let key = new_key();
        store.create(&key, &record(&0_u32.to_be_bytes())).await.unwrap();
        counting.push((key, tokio::spawn(count(store.clone(), key, Arc::clone(&stop), Arc::clone(&done)))));
    }
    for _ in 0..2 {
        until_more_is_done(&done).await;
        tokio::task::block_in_place(|| {
            (power.kill)(&mut power.server);
            (power.restart)(&mut power.server);
        });
    }
    until_more_is_done(&done).await;
    stop.store(true, Ordering::Relaxed);
    let mut any_failed = false;
    for (key, task) in counting {
        let (counted, failed) = task.await.unwrap();
        any_failed |= failed;
        assert_eq!(number(store.load(&key).await.unwrap().unwrap().payload()), counted);
    }
    assert!(any_failed, "the server was killed in vain");
}

async fn until_more_is_done(done: &AtomicU32) {
    let before = done.load(Ordering::Relaxed);
    let start = Instant::now();
    while done.load(Ordering::Relaxed) < before + 200 {
        assert!(start.elapsed() < Duration::from_secs(30), "it does not recover");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// However many connections were idle when the server went.
async fn a_restart_costs_one_error<S>(url: String, mut power: Power<S>) {
    let store = store(&url).await;
    let key = new_key();
    store.create(&key, &record(b"")).await.unwrap();
    let at_once: Vec<_> = (0..10).map(|_| (store.clone(), key)).collect();
    let at_once = at_once.into_iter().map(|(store, key)| tokio::spawn(async move { store.load(&key).await.unwrap() }));
    for call in at_once.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    (power.kill)(&mut power.server);
    (power.restart)(&mut power.server);
    let mut failed = 0;
    for _ in 0..20 {
        failed += u32::from(in_time(store.load(&key)).await.is_err());
    }
    assert_eq!(failed, 1, "so many of 20 calls failed");
}

/// Three times as many calls as there are connections: none of them may keep its place in the pool.
async fn a_server_that_hangs_is_an_error_at_the_deadline<S>(url: String, power: Power<S>) {
    let store = store(&url).await;
    let key = new_key();
    store.create(&key, &record(b"")).await.unwrap();
    (power.hang)(&power.server);
    let calls = (0..30).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { in_time(store.load(&key)).await.is_err() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert!(call.await.unwrap(), "a hanging server answered");
    }
    (power.go_on)(&power.server);
    let start = Instant::now();
    while in_time(store.load(&key)).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(10), "it does not recover");
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::{Power, support::Postgres};

    fn power() -> (String, Power<Postgres>) {
        let server = Postgres::start();
        let url = server.url();
        let (hang, go_on) = (Postgres::hang, Postgres::go_on);
        (url, Power { server, kill: Postgres::kill, restart: Postgres::restart, hang, go_on })
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_kill_in_the_middle_of_load_loses_nothing() {
        let (url, power) = power();
        super::a_kill_in_the_middle_of_load_loses_nothing(url, power).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_restart_costs_one_error() {
        let (url, power) = power();
        super::a_restart_costs_one_error(url, power).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_that_hangs_is_an_error_at_the_deadline() {
        let (url, power) = power();
        super::a_server_that_hangs_is_an_error_at_the_deadline(url, power).await;
    }
}

#[cfg(feature = "mysql")]
mod mariadb {
    use super::{Power, support::MariaDb};

    fn power() -> (String, Power<MariaDb>) {
        let server = MariaDb::start();
        let url = server.url();
        let (hang, go_on) = (MariaDb::hang, MariaDb::go_on);
        (url, Power { server, kill: MariaDb::kill, restart: MariaDb::restart, hang, go_on })
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_kill_in_the_middle_of_load_loses_nothing() {
        let (url, power) = power();
        super::a_kill_in_the_middle_of_load_loses_nothing(url, power).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_restart_costs_one_error() {
        let (url, power) = power();
        super::a_restart_costs_one_error(url, power).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_that_hangs_is_an_error_at_the_deadline() {
        let (url, power) = power();
        super::a_server_that_hangs_is_an_error_at_the_deadline(url, power).await;
    }
}
