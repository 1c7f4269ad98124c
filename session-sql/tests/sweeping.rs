//! The task that removes expired records.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant, SystemTime};

use session_core::{NewRecord, SessionStore as _, StoreKey};
use session_sql::SqlStore;
use support::{migrated, new_key, record, sqlite};
use test_servers::TemporaryFolder;

async fn expired(store: &SqlStore) -> StoreKey {
    let (key, end) = (new_key(), SystemTime::now() - Duration::from_secs(1));
    store.create(&key, &NewRecord::new(b"", end, end)).await.unwrap();
    key
}

async fn until_gone(store: &SqlStore, key: &StoreKey) {
    let start = Instant::now();
    while store.load(key).await.unwrap().is_some() {
        assert!(start.elapsed() < Duration::from_secs(10), "it is not swept");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_sweeper_takes_what_has_expired_until_it_is_stopped() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    let live = new_key();
    store.create(&live, &record(b"")).await.unwrap();
    for _ in 0..5 {
        expired(&store).await;
    }
    // More than the limit is swept at one tick.
    let last = expired(&store).await;
    let sweeper = store.sweep_every(Duration::from_hours(1), 2);
    until_gone(&store, &last).await;
    sweeper.stop().await;

    let sweeper = store.sweep_every(Duration::from_millis(10), 2);
    until_gone(&store, &expired(&store).await).await;
    until_gone(&store, &expired(&store).await).await;
    sweeper.stop().await;
    let left = expired(&store).await;
    drop(store.sweep_every(Duration::from_millis(1), 2));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(store.load(&left).await.unwrap().is_some() && store.load(&live).await.unwrap().is_some());
}

#[tokio::test]
async fn a_sweeper_survives_errors() {
    let folder = TemporaryFolder::new();
    let store = SqlStore::connect(&sqlite(&folder)).await.unwrap();
    let sweeper = store.sweep_every(Duration::from_millis(5), 10);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(sweeper.is_running(), "the missing table ended it");
    store.migrate().await.unwrap();
    until_gone(&store, &expired(&store).await).await;
}
