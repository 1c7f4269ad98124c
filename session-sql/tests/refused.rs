//! A server that refuses connections: calls fail long before the timeouts of store and pool.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use session_core::ErrorKind;
use session_core::events::{Event, Events};
use session_core::store::SessionStore as _;
use session_sql::SqlStore;
use session_sql::sqlx::mysql::MySqlPoolOptions;
use session_sql::sqlx::postgres::PgPoolOptions;
use support::{migrated_by, new_key, record};
use test_servers::{PrivateServer, mysql_with, postgres_with};

/// The timeout of the pool and the deadline of the store.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Returns the address of a port where nothing listens.
fn unused_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Runs many calls at once, more than the pool has connections.
async fn assert_fails_early(store: &SqlStore) {
    let began = Instant::now();
    for _ in 0..2 {
        let calls = (0..30).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.load(&new_key()).await.unwrap_err() })
        });
        for call in calls.collect::<Vec<_>>() {
            let error = call.await.unwrap();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        }
        assert_eq!(store.check().await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert!(began.elapsed() < TIMEOUT / 10, "{:?}", began.elapsed());
}

#[tokio::test]
async fn postgres_pool_fails_early_if_nothing_listens() {
    let pool = PgPoolOptions::new()
        .acquire_timeout(TIMEOUT)
        .connect_lazy(&format!("postgres://shop:pass@{}/shop", unused_address()))
        .unwrap();
    let store = SqlStore::builder().deadline(TIMEOUT).postgres_pool(pool).unwrap();
    assert_fails_early(&store).await;
}

#[tokio::test]
async fn mysql_pool_fails_early_if_nothing_listens() {
    let pool = MySqlPoolOptions::new()
        .acquire_timeout(TIMEOUT)
        .connect_lazy(&format!("mysql://shop:pass@{}/shop", unused_address()))
        .unwrap();
    let store = SqlStore::builder().deadline(TIMEOUT).mysql_pool(pool).unwrap();
    assert_fails_early(&store).await;
}

/// Returns the events of reconnections, and their number so far.
fn reconnections() -> (Events, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let events = Events::new(move |event: &Event<'_>| {
        if matches!(event, Event::Reconnected) {
            seen.fetch_add(1, Ordering::Relaxed);
        }
    });
    (events, count)
}

async fn fails_early_after_kill_and_reconnects(server: PrivateServer) {
    let (events, reconnected) = reconnections();
    let builder = SqlStore::builder().deadline(TIMEOUT).events(events);
    let store = migrated_by(builder, server.url()).await;
    let key = new_key();
    store.create(&key, &record(b"one")).await.unwrap();
    store.check().await.unwrap();
    server.kill().await;
    assert_fails_early(&store).await;
    assert_eq!(reconnected.load(Ordering::Relaxed), 0);
    server.restart().await;
    // The server may still refuse calls while it recovers.
    while let Err(error) = store.load(&key).await {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        tokio::task::yield_now().await;
    }
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"one");
    store.check().await.unwrap();
    assert_eq!(reconnected.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn postgres_fails_early_after_kill_and_reconnects() {
    fails_early_after_kill_and_reconnects(postgres_with(&[]).await).await;
}

#[tokio::test]
async fn mysql_fails_early_after_kill_and_reconnects() {
    fails_early_after_kill_and_reconnects(mysql_with(&[]).await).await;
}
