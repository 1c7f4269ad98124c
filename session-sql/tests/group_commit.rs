//! Group commit on SQLite: writes that wait at the same time are committed together, and each gets
//! its own result.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use session_core::store::{Replaced, SessionStore as _, StoreKey, Version};
use session_core::{Error, ErrorKind};
use session_sql::SqlStore;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection as _, SqliteConnection};
use support::{commits, migrated, new_key, record, sqlite};
use test_servers::TemporaryFolder;
use tokio::task::JoinSet;

/// Starts a call by polling it once.
async fn start<F: Future<Output: Send>>(call: &mut std::pin::Pin<&mut F>) {
    poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn concurrent_writes_share_commits() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    let before = commits(&folder);
    let mut calls = JoinSet::new();
    for _ in 0..64 {
        let (store, key) = (store.clone(), new_key());
        calls.spawn(async move { (key, store.create(&key, &record(b"kept")).await.unwrap()) });
    }
    for (key, version) in calls.join_all().await {
        assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
    }
    let commits = commits(&folder) - before;
    assert!((1..=64 / 3).contains(&commits), "64 writes took {commits} commits");
    let before = support::commits(&folder);
    for _ in 0..5 {
        store.create(&new_key(), &record(b"alone")).await.unwrap();
    }
    assert_eq!(support::commits(&folder) - before, 5, "an acknowledged write is not committed");
}

#[tokio::test]
async fn each_write_of_group_gets_its_own_result() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    let (used, new, gone) = (new_key(), new_key(), new_key());
    let version = store.create(&used, &record(b"first")).await.unwrap();
    let before = commits(&folder);
    let (one, two, three) = (record(b"one"), record(b"two"), record(b"three"));
    let (created, refused, replaced, stale, touched, removed) = tokio::join!(
        store.create(&new, &one),
        store.create(&used, &one),
        store.replace(&used, version.clone(), &two),
        store.replace(&used, version.clone(), &three),
        store.touch(&gone, version.clone(), one.expires_at()),
        store.remove(&gone, version),
    );
    assert_eq!(commits(&folder) - before, 1, "the writes did not share a commit");
    assert_eq!(store.load(&new).await.unwrap().unwrap().version(), created.unwrap());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Backend);
    let Replaced::Done(version) = replaced.unwrap() else { unreachable!("no other task writes") };
    assert_eq!(
        (stale.unwrap(), touched.unwrap(), removed.unwrap()),
        (Replaced::Stale, false, false)
    );
    let read = store.load(&used).await.unwrap().unwrap();
    assert_eq!((read.payload(), read.version()), (&b"two"[..], version));
}

/// SQLite may roll back the whole transaction when the disk is full.
#[tokio::test]
async fn write_on_full_disk_does_not_fail_others_of_its_group() {
    let folder = TemporaryFolder::new();
    migrated(&sqlite(&folder)).await;
    let options =
        sqlite(&folder).parse::<SqliteConnectOptions>().unwrap().pragma("max_page_count", "20");
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let store = SqlStore::builder().sqlite_pool(pool).unwrap();
    let large = vec![0; 200_000];
    for _ in 0..2 {
        let (before, full, after) = (new_key(), new_key(), new_key());
        let (small, large) = (record(b"small"), record(&large));
        let (first, full, last) = tokio::join!(
            store.create(&before, &small),
            store.create(&full, &large),
            store.create(&after, &small)
        );
        assert_eq!(full.unwrap_err().kind(), ErrorKind::Unavailable);
        for (key, version) in [(before, first), (after, last)] {
            assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version.unwrap());
        }
    }
}

/// Checks that the effect of each of these writes matches its result.
async fn assert_created(store: &SqlStore, created: [(StoreKey, Result<Version, Error>); 2]) {
    for (key, version) in created {
        assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version.unwrap());
    }
}

async fn execute(url: &str, statement: &'static str) {
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The trigger ends the transaction of the earlier writes.
#[tokio::test]
async fn rejection_that_ends_transaction_affects_one_write() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON sessions WHEN NEW.owner = x'00' \
                   BEGIN SELECT RAISE(ROLLBACK, 'refused'); END";
    execute(&sqlite(&folder), trigger).await;
    let (before, rejected, after) = (new_key(), new_key(), new_key());
    let (new, unwanted) = (record(b"new"), record(b"unwanted").owned_by(Some("\0")));
    let (first, refused, last) = tokio::join!(
        store.create(&before, &new),
        store.create(&rejected, &unwanted),
        store.create(&after, &new)
    );
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Backend);
    assert_created(&store, [(before, first), (after, last)]).await;
}

/// A page of the record names a next page that does not exist.
#[tokio::test]
async fn corrupt_record_fails_one_write_of_group() {
    let folder = TemporaryFolder::new();
    let (corrupt, large) = (new_key(), vec![b'z'; 50_000]);
    let store = migrated(&sqlite(&folder)).await;
    let version = store.create(&corrupt, &record(&large)).await.unwrap();
    drop(store);
    execute(&sqlite(&folder), "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let file = folder.path().join("sessions.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let page = bytes.chunks_mut(4096).find(|page| page[4..].iter().all(|byte| *byte == b'z'));
    page.unwrap()[..4].fill(0xff);
    std::fs::write(&file, &bytes).unwrap();

    let store = migrated(&sqlite(&folder)).await;
    let (before, after, new) = (new_key(), new_key(), record(b"new"));
    let (first, failed, last) = tokio::join!(
        store.create(&before, &new),
        store.replace(&corrupt, version, &new),
        store.create(&after, &new)
    );
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Backend);
    assert_created(&store, [(before, first), (after, last)]).await;
}

/// SQLite rolls back the whole transaction. Without the interruption, both writes succeed.
#[tokio::test]
async fn interrupted_group_applies_each_write_once() {
    let folder = TemporaryFolder::new();
    migrated(&sqlite(&folder)).await;
    let options = sqlite(&folder).parse::<SqliteConnectOptions>().unwrap();
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let written = Arc::new(AtomicUsize::new(0));
    {
        let (mut connection, inserted) = (pool.acquire().await.unwrap(), Arc::clone(&written));
        let mut handle = connection.lock_handle().await.unwrap();
        handle.set_update_hook(move |_| _ = inserted.fetch_add(1, Ordering::SeqCst));
        let (inserted, mut is_over) = (Arc::clone(&written), false);
        handle.set_progress_handler(1, move || {
            let interrupts = !is_over && inserted.load(Ordering::SeqCst) == 2;
            is_over |= interrupts;
            !interrupts
        });
    }
    let store = SqlStore::builder().sqlite_pool(pool).unwrap();
    let (one, other, new) = (new_key(), new_key(), record(b"new"));
    let (first, second) = tokio::join!(store.create(&one, &new), store.create(&other, &new));
    assert_eq!(written.load(Ordering::SeqCst), 4, "the group was not interrupted");
    assert_created(&store, [(one, first), (other, second)]).await;
}

/// Cancels different calls at different times, including the first one.
#[tokio::test]
async fn cancelled_call_does_not_cancel_others() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    for round in 0..60 {
        let mut calls = JoinSet::new();
        let mut aborted = Vec::new();
        for number in 0..8 {
            let (store, key) = (store.clone(), new_key());
            let call = calls
                .spawn(async move { (key, store.create(&key, &record(b"kept")).await.unwrap()) });
            if number == 0 || number == round % 8 {
                aborted.push(call);
            }
        }
        tokio::time::sleep(Duration::from_micros(20 * u64::try_from(round).unwrap())).await;
        for call in &aborted {
            call.abort();
        }
        let mut kept = 0;
        while let Some(call) = calls.join_next().await {
            let Ok((key, version)) = call else { continue };
            kept += 1;
            assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
        }
        assert!(kept + aborted.len() >= 8, "round {round}: {kept}");
    }
}

#[tokio::test]
async fn waiting_call_that_is_cancelled_writes_nothing() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    let (cancelled, kept) = (new_key(), new_key());
    {
        let new = record(b"cancelled");
        let mut call = pin!(store.create(&cancelled, &new));
        start(&mut call).await;
    }
    store.create(&kept, &record(b"kept")).await.unwrap();
    assert_eq!(store.load(&cancelled).await.unwrap(), None);
}

/// The tasks of a runtime end with it, but other runtimes may use the store.
#[test]
fn end_of_runtime_fails_waiting_calls() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (one, other) = (runtime(), runtime());
    let folder = TemporaryFolder::new();
    let store = one.block_on(migrated(&sqlite(&folder)));
    let (key, new) = (new_key(), record(b"new"));
    let mut first_call = pin!(store.create(&key, &new));
    one.block_on(start(&mut first_call));
    let waiting = store.clone();
    let task = other.spawn(async move { create(&waiting).await });
    other.block_on(tokio::task::yield_now());
    drop(one);
    assert_eq!(other.block_on(task).unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(other.block_on(create(&store)).is_ok());
}

async fn create(store: &SqlStore) -> Result<(StoreKey, Version), Error> {
    let key = new_key();
    Ok((key, store.create(&key, &record(b"")).await?))
}
