//! Servers that are killed, restarted or hang under load.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use session_core::ErrorKind;
use session_core::store::SessionStore as _;
use session_sql::SqlStore;
use support::load::{Load, in_time};
use support::{migrated_by, new_key, record};
use test_servers::PrivateServer;

const DEADLINE: Duration = Duration::from_secs(1);

/// Returns a store that does not test connections because they were idle for long.
async fn store(server: &PrivateServer) -> SqlStore {
    let builder = SqlStore::builder().deadline(DEADLINE).test_after_idle(Duration::MAX);
    migrated_by(builder, server.url()).await
}

async fn kill_under_load_loses_nothing(server: PrivateServer) {
    let load = Load::start(&store(&server).await, DEADLINE).await;
    for _ in 0..2 {
        load.until_progress().await;
        let before = load.failed();
        server.kill().await;
        server.restart().await;
        load.until_progress().await;
        assert!(load.failed() > before, "no call met the killed server");
    }
    load.end().await;
}

/// A call that was in progress may be applied long after its client gave up.
async fn pause_under_load_loses_nothing(server: PrivateServer) {
    let load = Load::start(&store(&server).await, DEADLINE).await;
    load.until_progress().await;
    server.pause().await;
    let start = Instant::now();
    while load.failed() == 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "no call failed while the server hung");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.resume().await;
    load.until_progress().await;
    load.end().await;
}

/// The number of connections that were idle during the restart does not matter.
async fn restart_fails_one_call(server: PrivateServer) {
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
    assert_eq!(failed, 1, "{failed} of 20 calls failed");
}

/// There are three times as many calls as connections. None of them may keep its connection.
async fn calls_fail_at_deadline_while_server_hangs(server: PrivateServer) {
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
        assert!(start.elapsed() < Duration::from_secs(10), "the store does not recover");
    }
}

/// The tests of one database, each on its own server.
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
            kill_under_load_loses_nothing,
            pause_under_load_loses_nothing,
            restart_fails_one_call,
            calls_fail_at_deadline_while_server_hangs
        ]);
    };
}

on!(postgres, test_servers::postgres_with);
on!(mariadb, test_servers::mysql_with);
