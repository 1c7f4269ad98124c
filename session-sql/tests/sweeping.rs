//! The task that removes expired records.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use session_core::events::{Event, Events};
use session_core::store::{MAX_CLOCK_SKEW, NewRecord, SessionStore as _, StoreKey, Sweep as _};
use session_core::{ManualClock, SessionConfig};
use session_sql::{SqlSessions, SqlStore};
use support::requests::Client;
use support::{migrated, new_key, record, sqlite};
use test_servers::TemporaryFolder;

async fn create_expired(store: &SqlStore) -> StoreKey {
    let (key, expiry) = (new_key(), SystemTime::now() - MAX_CLOCK_SKEW - Duration::from_secs(1));
    store.create(&key, &NewRecord::new(b"", expiry, expiry)).await.unwrap();
    key
}

async fn until_gone(store: &SqlStore, key: &StoreKey) {
    let start = Instant::now();
    while store.load(key).await.unwrap().is_some() {
        assert!(start.elapsed() < Duration::from_secs(10), "the record is not swept");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn sweeper_removes_expired_records_until_stopped() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    let live = new_key();
    store.create(&live, &record(b"")).await.unwrap();
    for _ in 0..5 {
        create_expired(&store).await;
    }
    // One run removes more than the limit.
    let last = create_expired(&store).await;
    let sweeper = store.sweep_every(Duration::from_hours(1), 2);
    until_gone(&store, &last).await;
    sweeper.stop().await;

    let sweeper = store.sweep_every(Duration::from_millis(10), 2);
    until_gone(&store, &create_expired(&store).await).await;
    until_gone(&store, &create_expired(&store).await).await;
    sweeper.stop().await;
    let left = create_expired(&store).await;
    drop(store.sweep_every(Duration::from_millis(1), 2));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        store.load(&left).await.unwrap().is_some() && store.load(&live).await.unwrap().is_some()
    );
}

#[tokio::test]
async fn sweeper_continues_after_errors() {
    let folder = TemporaryFolder::new();
    let store = SqlStore::connect(&sqlite(&folder)).await.unwrap();
    let sweeper = store.sweep_every(Duration::from_millis(5), 10);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(sweeper.is_running(), "the missing table ended the task");
    store.migrate().await.unwrap();
    until_gone(&store, &create_expired(&store).await).await;
}

/// The clock of one process is behind that of the process that sweeps.
#[tokio::test]
async fn sweep_keeps_session_that_is_live_by_slow_clock() {
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    let slow = ManualClock::at(SystemTime::now() - MAX_CLOCK_SKEW);
    let config = SessionConfig::builder().clock(slow).browser_lifetime(Duration::from_mins(1));
    let sessions = SqlSessions::new(store.clone(), config.build().unwrap());
    let mut client = Client::new(Arc::new(sessions));
    client.request(|session| session.insert("cart", 1)).await.unwrap();
    assert_eq!(store.sweep(SystemTime::now(), 10).await.unwrap(), 0);
    assert_eq!(client.request(|session| session.get("cart")).await.unwrap(), Some(1));
}

#[tokio::test]
async fn sweep_reports_number_of_removed_records() {
    let folder = TemporaryFolder::new();
    let reported = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reported);
    let events = Events::new(move |event: &Event<'_>| {
        if let Event::Swept { count } = event {
            seen.lock().unwrap().push(*count);
        }
    });
    let store = SqlStore::builder().events(events).connect(&sqlite(&folder)).await.unwrap();
    store.migrate().await.unwrap();
    for _ in 0..3 {
        create_expired(&store).await;
    }
    for expected in [2, 1, 0] {
        assert_eq!(store.sweep(SystemTime::now(), 2).await.unwrap(), expected);
    }
    assert_eq!(*reported.lock().unwrap(), [2, 1]);
}
