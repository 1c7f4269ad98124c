//! Random requests on Redis: one server, Sentinel and Cluster.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use history_tests::{Stores, check_store, requests_or};
use session_redis::{RedisStore, RedisStoreBuilder};
use test_servers::RedisOptions;

/// Returns a store over two connections.
async fn stores(name: &'static str, builder: impl Fn() -> RedisStoreBuilder) -> Stores {
    let connect = async || Arc::new(builder().connect().await.expect("the server runs"));
    Stores::new(name, [connect().await, connect().await])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in scripts/test --long histories"]
async fn histories_on_redis_keep_every_guarantee() {
    let server = test_servers::redis_with(RedisOptions::default()).await;
    let stores = stores("Redis", || RedisStore::builder(server.url())).await;
    check_store(stores, requests_or(2_000, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in scripts/test --long histories"]
async fn histories_on_sentinel_keep_every_guarantee() {
    let servers = test_servers::redis_sentinel().await;
    let connect = || RedisStore::sentinel(servers.master_name(), servers.urls());
    check_store(stores("Redis Sentinel", connect).await, requests_or(2_000, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in scripts/test --long histories"]
async fn histories_on_cluster_keep_every_guarantee() {
    let servers = test_servers::redis_cluster().await;
    let connect = || RedisStore::cluster(servers.urls());
    check_store(stores("Redis Cluster", connect).await, requests_or(2_000, 1)).await;
}
