//! Random requests on SQL databases.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use history_tests::{Stores, check_store, requests_or};
use session_sql::SqlStore;
use test_servers::TemporaryFolder;

/// Returns a store over two pools of connections.
async fn stores(name: &'static str, url: &str) -> Stores {
    let connect = async || {
        let store = SqlStore::connect(url).await.expect("the server runs");
        store.migrate().await.expect("the table is created");
        Arc::new(store)
    };
    let (first, second) = (connect().await, connect().await);
    Stores::new(name, [first.clone(), second.clone()]).with_sweeps([first, second], Duration::ZERO)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_on_sqlite_keep_every_guarantee() {
    let folder = TemporaryFolder::new();
    let url = format!("sqlite:{}", folder.path().join("sessions.db").display());
    check_store(stores("SQLite", &url).await, requests_or(1_500, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in scripts/test --long histories"]
async fn histories_on_postgres_keep_every_guarantee() {
    let server = test_servers::postgres_with(&[("synchronous_commit", "off")]).await;
    check_store(stores("PostgreSQL", server.url()).await, requests_or(1_500, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in scripts/test --long histories"]
async fn histories_on_mariadb_keep_every_guarantee() {
    let server = test_servers::mysql_with(&[]).await;
    check_store(stores("MariaDB", server.url()).await, requests_or(1_500, 1)).await;
}
