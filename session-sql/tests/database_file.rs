//! An SQLite file that is deleted or replaced while a store uses it, and the length of its log.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use session_core::ErrorKind;
use session_core::store::{Replaced, SessionStore as _, StoreKey};
use session_sql::{SqlStore, Synchronous};
use sqlx::{Connection as _, SqliteConnection};
use support::{migrated, migrated_by, new_key, record, sqlite};
use test_servers::TemporaryFolder;

const FILES: [&str; 3] = ["sessions.db", "sessions.db-wal", "sessions.db-shm"];

/// Moves the files of a database to another folder.
fn move_files(from: &TemporaryFolder, to: &TemporaryFolder) {
    for file in FILES {
        // The log may not exist.
        let _ = std::fs::rename(from.path().join(file), to.path().join(file));
    }
}

async fn assert_unavailable(store: &SqlStore, key: &StoreKey) {
    let created = store.create(&new_key(), &record(b"lost")).await;
    assert_eq!(created.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(store.load(key).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(store.check().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn calls_fail_while_file_is_missing() {
    let (folder, elsewhere) = (TemporaryFolder::new(), TemporaryFolder::new());
    let store = migrated(&sqlite(&folder)).await;
    let key = new_key();
    store.create(&key, &record(b"kept")).await.unwrap();
    for _ in 0..2 {
        move_files(&folder, &elsewhere);
        assert_unavailable(&store, &key).await;
        assert!(!folder.path().join("sessions.db").exists(), "no empty file is created");
        move_files(&elsewhere, &folder);
        assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"kept");
        store.create(&new_key(), &record(b"new")).await.unwrap();
    }
}

#[tokio::test]
async fn file_in_place_of_other_is_used() {
    let (folder, backup) = (TemporaryFolder::new(), TemporaryFolder::new());
    let (old, restored) = (new_key(), new_key());
    migrated(&sqlite(&backup)).await.create(&restored, &record(b"restored")).await.unwrap();
    let store = migrated(&sqlite(&folder)).await;
    store.create(&old, &record(b"old")).await.unwrap();
    for file in FILES {
        // The log may not exist.
        let _ = std::fs::remove_file(folder.path().join(file));
    }
    move_files(&backup, &folder);

    assert_eq!(store.load(&old).await.unwrap(), None);
    assert_eq!(store.load(&restored).await.unwrap().unwrap().payload(), b"restored");
    let new = new_key();
    store.create(&new, &record(b"new")).await.unwrap();
    drop(store);
    let reopened = migrated(&sqlite(&folder)).await;
    assert!(reopened.load(&new).await.unwrap().is_some());
}

/// Reads in two transactions by turns, so that one of them is always open, until the task ends.
async fn read_constantly(url: String) {
    let mut connections = Vec::new();
    for _ in 0..2 {
        connections.push(SqliteConnection::connect(&url).await.unwrap());
    }
    begin(&mut connections[0]).await;
    for turn in 0.. {
        begin(&mut connections[(turn + 1) % 2]).await;
        // A transaction lasts longer than a write.
        for _ in 0..20 {
            read(&mut connections[turn % 2]).await;
        }
        sqlx::raw_sql("COMMIT").execute(&mut connections[turn % 2]).await.unwrap();
    }
}

/// Begins a transaction that reads the current contents.
async fn begin(connection: &mut SqliteConnection) {
    sqlx::raw_sql("BEGIN").execute(&mut *connection).await.unwrap();
    read(connection).await;
}

async fn read(connection: &mut SqliteConnection) {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(connection).await.unwrap();
    assert!(count <= 1);
}

/// SQLite itself starts its log anew only while no reader is active.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_log_is_emptied_beside_constant_readers() {
    let folder = TemporaryFolder::new();
    let builder = SqlStore::builder().synchronous(Synchronous::Normal);
    let store = migrated_by(builder, &sqlite(&folder)).await;
    let reader = tokio::spawn(read_constantly(sqlite(&folder)));
    let key = new_key();
    let mut version = store.create(&key, &record(b"first")).await.unwrap();
    let (start, mut longest) = (Instant::now(), 0);
    loop {
        let length = folder.path().join(FILES[1]).metadata().unwrap().len();
        if length < longest && longest > 16 << 20 {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "the log has {length} bytes");
        longest = longest.max(length);
        // SQLite does not write a page that stays the same.
        let payload = version.get().to_be_bytes().repeat(12_500);
        let replaced = store.replace(&key, version, &record(&payload)).await.unwrap();
        let Replaced::Done(next) = replaced else { unreachable!("there is no other writer") };
        version = next;
    }
    assert!(!reader.is_finished());
    reader.abort();
}
