//! Concurrent loads, which share a command.

use std::pin::pin;

use futures_util::future::join_all;
use futures_util::poll;
use session_core::store::{SessionStore as _, StoreKey};
use session_core::{Error, ErrorKind};
use session_redis::RedisStore;
use test_servers::PrivateServer;

use crate::support::{
    DEADLINE, assert_outage, calls, cli, in_time, new_server, random_key, record, reset_calls,
    store,
};

/// The number of loads that send their own command.
const ALONE: usize = 4;

/// Returns a store and its keys. Each record has its number as payload.
async fn filled(server: &PrivateServer, count: u8) -> (RedisStore, Vec<StoreKey>) {
    let store = store(server).await;
    let keys: Vec<_> = (0..count).map(|_| random_key()).collect();
    for (number, key) in (0..).zip(&keys) {
        store.create(key, &record(&[number])).await.unwrap();
    }
    reset_calls(server).await;
    (store, keys)
}

/// Returns how many commands read records.
async fn reads(server: &PrivateServer) -> (u64, u64) {
    let calls = calls(server).await;
    let of = |command| calls.get(command).copied().unwrap_or(0);
    (of("get"), of("mget"))
}

async fn assert_loaded(store: &RedisStore, keys: &[StoreKey]) {
    let loaded = join_all(keys.iter().map(|key| store.load(key))).await;
    for (number, record) in (0_u8..).zip(loaded) {
        assert_eq!(record.unwrap().unwrap().payload(), [number]);
    }
}

#[tokio::test]
async fn concurrent_loads_share_one_command() {
    let server = new_server().await;
    let (store, keys) = filled(&server, 64).await;
    assert_loaded(&store, &keys).await;
    assert_eq!(reads(&server).await, (4, 1));
    let missing: Vec<_> = (0..10).map(|_| random_key()).collect();
    let loaded = join_all(missing.iter().chain(&keys[..1]).map(|key| store.load(key))).await;
    let found = loaded.into_iter().map(|record| record.unwrap().is_some());
    assert_eq!(found.collect::<Vec<_>>(), [vec![false; 10], vec![true]].concat());
}

#[tokio::test]
async fn loads_one_after_another_send_their_own_command() {
    let server = new_server().await;
    let (store, keys) = filled(&server, 10).await;
    for key in &keys {
        assert!(store.load(key).await.unwrap().is_some());
    }
    assert_eq!(reads(&server).await, (10, 0));
}

#[tokio::test]
async fn load_needs_no_other_load_that_shares_its_command() {
    let server = new_server().await;
    let (store, keys) = filled(&server, 8).await;
    let mut running: Vec<_> = keys[..ALONE + 2].iter().map(|key| store.load(key)).collect();
    for load in &mut running {
        assert!(poll!(load).is_pending());
    }
    // The first load that shares a command is dropped, and the others are not polled again.
    drop(running.remove(ALONE));
    let last = pin!(store.load(&keys[7]));
    assert_eq!(last.await.unwrap().unwrap().payload(), [7]);
    assert_eq!(reads(&server).await.1, 1);
}

/// Begins loads on a runtime that does not run their shared command.
async fn begin_without_running(store: &RedisStore, keys: &[StoreKey]) -> tokio::runtime::Runtime {
    let (store, keys) = (store.clone(), keys.to_vec());
    let begin = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let begin = async || {
            let mut running: Vec<_> = keys.iter().map(|key| store.load(key)).collect();
            let mut all_wait = true;
            for load in &mut running {
                all_wait &= poll!(load).is_pending();
            }
            all_wait
        };
        // On a busy machine, the reply to a load may arrive before the next one begins.
        runtime.block_on(async { while !begin().await {} });
        runtime
    };
    tokio::task::spawn_blocking(begin).await.unwrap()
}

#[tokio::test]
async fn dropped_runtime_blocks_no_shared_load() {
    let server = new_server().await;
    let (store, keys) = filled(&server, 20).await;
    let runtime = begin_without_running(&store, &keys[..=ALONE]).await;
    runtime.shutdown_background();
    tokio::time::timeout(DEADLINE * 4, assert_loaded(&store, &keys)).await.unwrap();
}

#[tokio::test]
async fn idle_runtime_blocks_no_shared_load_beyond_deadline() {
    let server = new_server().await;
    let (_, keys) = filled(&server, 20).await;
    let store = RedisStore::builder(server.url()).deadline(DEADLINE).connect().await.unwrap();
    let runtime = begin_without_running(&store, &keys[..=ALONE]).await;
    for _ in 0..2 {
        let loads = join_all(keys.iter().map(|key| in_time(DEADLINE, store.load(key))));
        for loaded in loads.await {
            let is_unavailable = |error: &Error| error.kind() == ErrorKind::Unavailable;
            assert!(
                loaded.as_ref().is_ok_and(Option::is_some)
                    || loaded.is_err_and(|e| is_unavailable(&e))
            );
        }
    }
    assert_loaded(&store, &keys).await;
    runtime.shutdown_background();
}

#[tokio::test]
async fn load_that_cannot_share_command_sends_its_own() {
    let server = new_server().await;
    let (store, keys) = filled(&server, 20).await;
    cli(&server, &["ACL", "SETUSER", "default", "-mget"]).await;
    assert_loaded(&store, &keys).await;
    assert_eq!(reads(&server).await, (20, 0));
}

#[tokio::test]
async fn shared_load_ends_by_its_deadline() {
    let server = new_server().await;
    let store = RedisStore::builder(server.url()).deadline(DEADLINE).connect().await.unwrap();
    let keys: Vec<_> = (0..20).map(|_| random_key()).collect();
    server.pause().await;
    join_all(keys.iter().map(|key| assert_outage(store.load(key)))).await;
    server.resume().await;
    join_all(keys.iter().map(|key| async { store.load(key).await.unwrap() })).await;
}
