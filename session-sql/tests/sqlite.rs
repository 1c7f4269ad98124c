//! An SQLite file that several processes use, and a store in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command};
use std::time::Duration;

use session_core::ErrorKind;
use session_core::store::{Replaced, SessionStore as _, StoreKey};
use session_sql::SqlStore;
use support::{migrated, new_key, record, sqlite};
use test_servers::TemporaryFolder;

const FILE: &str = "SESSION_SQL_TEST_FILE";
const TASKS: u32 = 4;
const EACH: u32 = 50;

fn counter() -> StoreKey {
    StoreKey::from_bytes([7; 32])
}

async fn count(store: SqlStore) {
    let tasks = (0..TASKS).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..EACH {
                increment(&store).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

async fn increment(store: &SqlStore) {
    loop {
        let read = store.load(&counter()).await.unwrap().unwrap();
        let next = number(read.payload()) + 1;
        let replaced =
            store.replace(&counter(), read.version(), &record(&next.to_be_bytes())).await.unwrap();
        if replaced != Replaced::Stale {
            return;
        }
    }
}

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload.try_into().unwrap())
}

/// Starts this test program with one ignored test.
fn another_process(test: &str, url: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--quiet"]).env(FILE, url).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_count_exactly_on_one_file() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    store.create(&counter(), &record(&0_u32.to_be_bytes())).await.unwrap();
    let mut other = another_process("second_process_counts", &sqlite(&folder));
    count(store.clone()).await;
    let ended = tokio::task::spawn_blocking(move || other.wait().unwrap()).await.unwrap();
    assert!(ended.success());
    let total = number(store.load(&counter()).await.unwrap().unwrap().payload());
    assert_eq!(total, 2 * TASKS * EACH);
}

#[ignore = "another test runs it in a second process"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_process_counts() {
    let url = std::env::var(FILE).unwrap();
    count(SqlStore::connect(&url).await.unwrap()).await;
}

#[tokio::test]
async fn processes_can_create_one_file_concurrently() {
    let folder = TemporaryFolder::new();
    let processes: Vec<_> =
        (0..4).map(|_| another_process("process_creates_file", &sqlite(&folder))).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(
        SqlStore::connect(&sqlite(&folder)).await.unwrap().load(&counter()).await.unwrap(),
        None
    );
}

#[ignore = "another test runs it in several processes"]
#[tokio::test]
async fn process_creates_file() {
    let url = std::env::var(FILE).unwrap();
    let store = migrated(&url).await;
    store.create(&new_key(), &record(b"")).await.unwrap();
}

#[tokio::test]
async fn file_has_write_ahead_log_and_outlives_store() {
    let folder = TemporaryFolder::new();
    let (store, key) = (migrated(&sqlite(&folder)).await, new_key());
    store.create(&key, &record(b"kept")).await.unwrap();
    assert!(folder.path().join("sessions.db-wal").exists());
    drop(store);
    let again = SqlStore::connect(&sqlite(&folder)).await.unwrap();
    assert_eq!(again.load(&key).await.unwrap().unwrap().payload(), b"kept");
}

/// The table contains the values of sessions. SQLite gives the other files the mode of the first.
#[tokio::test]
async fn new_file_is_only_for_its_owner() {
    for parameters in ["", "?mode=rwc"] {
        let folder = TemporaryFolder::new();
        let store = migrated(&format!("{}{parameters}", sqlite(&folder))).await;
        store.create(&new_key(), &record(b"kept")).await.unwrap();
        for name in ["sessions.db", "sessions.db-wal", "sessions.db-shm"] {
            let mode = folder.path().join(name).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}{parameters}");
        }
    }
}

#[tokio::test]
async fn existing_file_keeps_its_mode() {
    let folder = TemporaryFolder::new();
    let file = folder.path().join("sessions.db");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    migrated(&sqlite(&folder)).await;
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
}

#[tokio::test]
async fn file_is_not_created_if_address_forbids_it() {
    for mode in ["ro", "rw"] {
        let folder = TemporaryFolder::new();
        let address = format!("{}?mode={mode}", sqlite(&folder));
        let error = SqlStore::connect(&address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{mode}: {error:?}");
        assert!(!folder.path().join("sessions.db").exists(), "{mode}");
    }
}

/// The data is in the only connection.
#[tokio::test]
async fn store_in_memory_survives_cancelled_calls() {
    let store = migrated("sqlite::memory:").await;
    let key = new_key();
    store.create(&key, &record(b"kept")).await.unwrap();
    for micros in 0..200 {
        let _ = tokio::time::timeout(
            Duration::from_micros(micros),
            store.create(&new_key(), &record(b"")),
        )
        .await;
    }
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"kept");
    assert_eq!(
        migrated("sqlite::memory:").await.load(&key).await.unwrap(),
        None,
        "two stores share their records"
    );
}

#[tokio::test]
async fn debug_shows_table_but_no_address() {
    let folder = TemporaryFolder::new();
    let store = SqlStore::builder().table("shop_sessions").connect(&sqlite(&folder)).await.unwrap();
    let shown = format!("{store:?}");
    assert!(shown.contains("shop_sessions") && shown.contains("sqlite"), "{shown}");
    assert!(!shown.contains("sessions.db"), "{shown}");
}
