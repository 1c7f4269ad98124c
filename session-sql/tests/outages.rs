//! Servers that are killed, restarted and hang, in the middle of load.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use session_core::{ErrorKind, SessionStore as _};
use session_sql::SqlStore;
use support::load::{Load, in_time};
use support::{migrated_by, new_key, record};
use test_servers::PrivateServer;

const DEADLINE: Duration = Duration::from_secs(1);

async fn store(server: &PrivateServer) -> SqlStore {
    migrated_by(SqlStore::builder().deadline(DEADLINE), server.url()).await
}

async fn a_kill_in_the_middle_of_load_loses_nothing(server: PrivateServer) {
    let load = Load::start(&store(&server).await, DEADLINE).await;
    for _ in 0..2 {
        load.until_more_is_done().await;
        let before = load.failed();
        server.kill().await;
        server.restart().await;
        load.until_more_is_done().await;
        assert!(load.failed() > before, "the server was killed in vain");
    }
    load.end().await;
}

/// What was on its way may be carried out long after its client gave up.
async fn a_pause_in_the_middle_of_load_loses_nothing(server: PrivateServer) {
    let load = Load::start(&store(&server).await, DEADLINE).await;
    load.until_more_is_done().await;
    server.pause().await;
    let start = Instant::now();
    while load.failed() == 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "a server that hangs answers");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.resume().await;
    load.until_more_is_done().await;
    load.end().await;
}

/// However many connections were idle when the server went.
async fn a_restart_costs_one_error(server: PrivateServer) {
    let store = store(&server).await;
    let key = new_key();
    store.create(&key, &record(b"")).await.unwrap();
    let at_once = (0..10).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.load(&key).await.unwrap() })
    });
    for call in at_once.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    server.kill().await;
    server.restart().await;
    let mut failed = 0;
    for _ in 0..20 {
        failed += u32::from(in_time(DEADLINE, store.load(&key)).await.is_err());
    }
    assert_eq!(failed, 1, "so many of 20 calls failed");
}

/// Three times as many calls as there are connections: none of them may keep its place in the pool.
async fn a_server_that_hangs_is_an_error_at_the_deadline(server: PrivateServer) {
    let store = store(&server).await;
    let key = new_key();
    store.create(&key, &record(b"")).await.unwrap();
    server.pause().await;
    let calls = (0..30).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { in_time(DEADLINE, store.load(&key)).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
    }
    server.resume().await;
    let start = Instant::now();
    while in_time(DEADLINE, store.load(&key)).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(10), "it does not recover");
    }
}

/// The tests of one database, on servers of their own.
macro_rules! on {
    ($database:ident, $start:path, [$($test:ident),*]) => {
        mod $database {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test($start(&[]).await).await;
                }
            )*
        }
    };
    ($database:ident, $start:path) => {
        on!($database, $start, [
            a_kill_in_the_middle_of_load_loses_nothing,
            a_pause_in_the_middle_of_load_loses_nothing,
            a_restart_costs_one_error,
            a_server_that_hangs_is_an_error_at_the_deadline
        ]);
    };
}

on!(postgres, test_servers::postgres_with);
on!(mariadb, test_servers::mysql_with);
