//! SQLite when the disk reports errors. A second process runs each test, because the limit that
//! causes the errors applies to a whole process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use session_core::ErrorKind;
use session_core::store::{Replaced, SessionStore as _, StoreKey, Version};
use session_sql::SqlStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{Connection as _, SqliteConnection};
use support::load::Load;
use support::{commits, new_key, record, sqlite};
use test_servers::TemporaryFolder;

const DEADLINE: Duration = Duration::from_secs(2);

/// Runs an ignored test of this program in a process that survives writes beyond its limit.
async fn run_in_second_process(test: &str) {
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && shown.contains("1 passed"), "{shown}\n{errors}");
}

/// Lets each write of this process beyond this many bytes of a file fail.
fn limit_files(bytes: u64) {
    set_limit(&bytes.to_string());
}

fn lift_limit() {
    set_limit("unlimited");
}

fn set_limit(soft: &str) {
    let (process, limit) = (std::process::id().to_string(), format!("--fsize={soft}:unlimited"));
    assert!(Command::new("prlimit").args(["--pid", &process, &limit]).status().unwrap().success());
}

/// Returns the length of the write-ahead log.
fn log_length(folder: &TemporaryFolder) -> u64 {
    folder.path().join("sessions.db-wal").metadata().unwrap().len()
}

/// Returns a store with one connection that keeps at most so many pages in memory.
async fn store(folder: &TemporaryFolder, cached_pages: &'static str) -> SqlStore {
    let options = sqlite(folder).parse::<SqliteConnectOptions>().unwrap().create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).pragma("cache_size", cached_pages);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let store = SqlStore::builder().deadline(DEADLINE).sqlite_pool(pool).unwrap();
    store.migrate().await.unwrap();
    store
}

async fn create(store: &SqlStore) -> (StoreKey, Version) {
    let key = new_key();
    (key, store.create(&key, &record(b"first")).await.unwrap())
}

async fn assert_writes_share_commits(store: &SqlStore, folder: &TemporaryFolder) {
    let before = commits(folder);
    let ((one, first), (other, second)) = tokio::join!(create(store), create(store));
    assert_eq!(commits(folder) - before, 1, "group commit is off");
    for (key, version) in [(one, first), (other, second)] {
        assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
    }
}

/// SQLite rolls back the whole transaction if a statement meets an I/O error.
#[tokio::test]
async fn io_error_of_statement_fails_one_write_of_group() {
    run_in_second_process("io_error_of_statement").await;
}

#[ignore = "another test runs it in a second process"]
#[tokio::test]
async fn io_error_of_statement() {
    let folder = TemporaryFolder::new();
    let store = store(&folder, "10").await;
    let large = vec![0; 800_000];
    for _ in 0..2 {
        let (changed, version) = create(&store).await;
        let (before, rejected) = (new_key(), new_key());
        let (small, large, new) = (record(b"small"), record(&large), record(b"new"));
        limit_files(log_length(&folder) + 200_000);
        let (created, failed, replaced) = tokio::join!(
            store.create(&before, &small),
            store.create(&rejected, &large),
            store.replace(&changed, version, &new),
        );
        lift_limit();
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(store.load(&rejected).await.unwrap(), None);
        let stored = store.load(&changed).await.unwrap().unwrap();
        assert_eq!(Replaced::Done(stored.version()), replaced.unwrap());
        let stored = store.load(&before).await.unwrap().unwrap();
        assert_eq!(stored.version(), created.unwrap());
        assert_writes_share_commits(&store, &folder).await;
    }
}

/// It is not known whether the group was applied. The log has enough space for one of the writes
/// alone.
#[tokio::test]
async fn io_error_of_commit_fails_each_write_and_repeats_none() {
    run_in_second_process("io_error_of_commit").await;
}

#[ignore = "another test runs it in a second process"]
#[tokio::test]
async fn io_error_of_commit() {
    let folder = TemporaryFolder::new();
    let store = store(&folder, "1000").await;
    let payload = vec![0; 20_000];
    for _ in 0..2 {
        let [(a, one), (b, two), (c, three)] =
            [create(&store).await, create(&store).await, create(&store).await];
        let new = record(&payload);
        limit_files(log_length(&folder) + 45_000);
        let (first, second, third) = tokio::join!(
            store.replace(&a, one.clone(), &new),
            store.replace(&b, two.clone(), &new),
            store.replace(&c, three.clone(), &new),
        );
        lift_limit();
        for (key, version, replaced) in [(a, one, first), (b, two, second), (c, three, third)] {
            assert_eq!(replaced.unwrap_err().kind(), ErrorKind::Unavailable);
            assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
        }
        assert_writes_share_commits(&store, &folder).await;
    }
}

/// Without a commit, SQLite never starts the log anew.
#[tokio::test]
async fn writes_work_again_after_log_filled_disk() {
    run_in_second_process("log_fills_disk").await;
}

#[ignore = "another test runs it in a second process"]
#[tokio::test]
async fn log_fills_disk() {
    let folder = TemporaryFolder::new();
    let store = SqlStore::builder().deadline(DEADLINE).connect(&sqlite(&folder)).await.unwrap();
    store.migrate().await.unwrap();
    create(&store).await;
    // The log grows while a transaction reads.
    let mut reader = SqliteConnection::connect(&sqlite(&folder)).await.unwrap();
    sqlx::raw_sql("BEGIN").execute(&mut reader).await.unwrap();
    sqlx::query("SELECT count(*) FROM sessions").fetch_one(&mut reader).await.unwrap();
    limit_files(log_length(&folder) + 200_000);
    let fills = async {
        while store.create(&new_key(), &record(&[7; 4000])).await.is_ok() {}
        store.create(&new_key(), &record(&[7; 4000])).await
    };
    let error = fills.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    sqlx::raw_sql("COMMIT").execute(&mut reader).await.unwrap();

    let start = Instant::now();
    while store.create(&new_key(), &record(&[7; 4000])).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(30), "writes still fail");
        tokio::task::yield_now().await;
    }
    assert!(log_length(&folder) < 200_000);
}

#[tokio::test]
async fn counter_survives_io_errors() {
    run_in_second_process("counter_under_io_errors").await;
}

#[ignore = "another test runs it in a second process"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counter_under_io_errors() {
    let folder = TemporaryFolder::new();
    let store = store(&folder, "10").await;
    let load = Load::start(&store, DEADLINE).await;
    let large_writes = tokio::spawn(write_large_records(store));
    for kibibytes in [0, 20, 2000, 1, 200, 8, 1000, 400] {
        load.until_progress().await;
        let (failed, start) = (load.failed(), Instant::now());
        limit_files(kibibytes << 10);
        while load.failed() == failed {
            assert!(start.elapsed() < Duration::from_secs(20), "no write meets the limit");
            tokio::task::yield_now().await;
        }
        lift_limit();
    }
    load.until_progress().await;
    large_writes.abort();
    load.end().await;
}

/// Writes records that meet the limit before their group is committed.
async fn write_large_records(store: SqlStore) {
    let large = vec![0; 200_000];
    loop {
        let key = new_key();
        if let Ok(version) = store.create(&key, &record(&large)).await {
            let _ = store.remove(&key, version).await;
        }
    }
}
