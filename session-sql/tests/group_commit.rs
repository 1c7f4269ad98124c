//! Writes to SQLite that wait at the same time are committed together; each is a call of its own all the same.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use session_core::{Error, ErrorKind, Replaced, SessionStore as _, StoreKey, Version};
use session_sql::SqlStore;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use support::{migrated, new_key, record, sqlite};
use test_servers::TemporaryFolder;
use tokio::task::JoinSet;

/// How many transactions the write-ahead log holds: the last page of each bears the size of the file after it.
fn commits(folder: &TemporaryFolder) -> usize {
    const HEADER: usize = 32;
    const PAGE_HEADER: usize = 24;
    let log = std::fs::read(folder.path().join("sessions.db-wal")).unwrap();
    let page = PAGE_HEADER + usize::try_from(u32::from_be_bytes(log[8..12].try_into().unwrap())).unwrap();
    log[HEADER..].chunks_exact(page).filter(|page| page[4..8] != [0; 4]).count()
}

/// Polls a call once: it is on its way then.
async fn begin<F: Future<Output: Send>>(call: &mut std::pin::Pin<&mut F>) {
    poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn writes_that_come_at_once_share_a_commit() {
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
    let before = self::commits(&folder);
    for _ in 0..5 {
        store.create(&new_key(), &record(b"alone")).await.unwrap();
    }
    assert_eq!(self::commits(&folder) - before, 5, "what was acknowledged is committed");
}

#[tokio::test]
async fn each_write_of_a_group_has_its_own_answer() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    let (used, new, gone) = (new_key(), new_key(), new_key());
    let version = store.create(&used, &record(b"first")).await.unwrap();
    let before = commits(&folder);
    let (one, two, three) = (record(b"one"), record(b"two"), record(b"three"));
    let (created, refused, replaced, stale, touched, removed) = tokio::join!(
        store.create(&new, &one),
        store.create(&used, &one),
        store.replace(&used, version, &two),
        store.replace(&used, version, &three),
        store.touch(&gone, version, one.expires_at()),
        store.remove(&gone, version),
    );
    assert_eq!(commits(&folder) - before, 1, "they are no group");
    assert_eq!(store.load(&new).await.unwrap().unwrap().version(), created.unwrap());
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Backend);
    let Replaced::Done(version) = replaced.unwrap() else { unreachable!("nobody else writes") };
    assert_eq!((stale.unwrap(), touched.unwrap(), removed.unwrap()), (Replaced::Stale, false, false));
    let read = store.load(&used).await.unwrap().unwrap();
    assert_eq!((read.payload(), read.version()), (&b"two"[..], version));
}

/// SQLite may undo the whole transaction when its disk is full.
#[tokio::test]
async fn a_write_that_finds_the_disk_full_takes_no_other_with_it() {
    let folder = TemporaryFolder::new();
    migrated(&sqlite(&folder)).await;
    let options = sqlite(&folder).parse::<SqliteConnectOptions>().unwrap().pragma("max_page_count", "20");
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let store = SqlStore::builder().sqlite_pool(pool).unwrap();
    let large = vec![0; 200_000];
    for _ in 0..2 {
        let (before, full, after) = (new_key(), new_key(), new_key());
        let (small, large) = (record(b"small"), record(&large));
        let (first, full, last) =
            tokio::join!(store.create(&before, &small), store.create(&full, &large), store.create(&after, &small));
        assert_eq!(full.unwrap_err().kind(), ErrorKind::Unavailable);
        for (key, version) in [(before, first), (after, last)] {
            assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version.unwrap());
        }
    }
}

/// Whichever call is given up, also the one that came first, at whatever moment.
#[tokio::test]
async fn a_call_that_is_given_up_takes_no_other_with_it() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    for round in 0..60 {
        let mut calls = JoinSet::new();
        let mut aborted = Vec::new();
        for number in 0..8 {
            let (store, key) = (store.clone(), new_key());
            let call = calls.spawn(async move { (key, store.create(&key, &record(b"kept")).await.unwrap()) });
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
async fn a_call_that_is_given_up_before_its_turn_writes_nothing() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    let (given_up, kept) = (new_key(), new_key());
    {
        let new = record(b"given up");
        let mut call = pin!(store.create(&given_up, &new));
        begin(&mut call).await;
    }
    store.create(&kept, &record(b"kept")).await.unwrap();
    assert_eq!(store.load(&given_up).await.unwrap(), None);
}

/// A runtime takes its tasks with it, but not the store, which others may use.
#[test]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (one, other) = (runtime(), runtime());
    let folder = TemporaryFolder::new();
    let store = one.block_on(migrated(&sqlite(&folder)));
    let (key, new) = (new_key(), record(b"new"));
    let mut served_by_one = pin!(store.create(&key, &new));
    one.block_on(begin(&mut served_by_one));
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
