//! Servers that accept no writes, as after a failover. The connections to them are closed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use session_core::store::{SessionStore as _, StoreKey, Version};
use session_core::{Error, ErrorKind};
use session_sql::SqlStore;
use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, MySqlConnection};
use support::{migrated, new_key, on_its_own_table, record};
use test_servers::{PrivateServer, TemporaryFolder, mysql_with, postgres_with};

async fn create(store: &SqlStore) -> Result<(StoreKey, Version), Error> {
    let key = new_key();
    Ok((key, store.create(&key, &record(b"new")).await?))
}

/// The first call uses a connection that accepts no writes; the pool then opens another.
async fn assert_fails_once(store: &SqlStore) {
    assert_eq!(create(store).await.unwrap_err().kind(), ErrorKind::Unavailable);
    let (key, version) = create(store).await.unwrap();
    assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
}

/// The connections were opened while the server accepted no writes. One failed call is enough to
/// close all of them.
async fn idle_connections_to_read_only_server_are_closed(
    server: PrivateServer,
    [read_only, writable]: [&str; 2],
) {
    migrated(server.url()).await;
    server.ask(&[read_only]).await;
    let store = SqlStore::connect(server.url()).await.unwrap();
    let loads = (0..5).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.load(&new_key()).await.unwrap() })
    });
    for load in loads.collect::<Vec<_>>() {
        assert_eq!(load.await.unwrap(), None);
    }
    let shown = format!("{store:?}");
    assert!(!shown.contains("connections: 1,"), "{shown}");

    server.ask(&[writable]).await;
    assert_eq!(create(&store).await.unwrap_err().kind(), ErrorKind::Unavailable);
    for _ in 0..10 {
        create(&store).await.unwrap();
    }
}

#[tokio::test]
async fn sqlite_file_that_is_read_only_is_unavailable_for_writes() {
    let folder = TemporaryFolder::new();
    let url = support::sqlite(&folder);
    let (key, version) = create(&migrated(&url).await).await.unwrap();
    let store = SqlStore::connect(&format!("{url}?mode=ro")).await.unwrap();
    store.migrate().await.unwrap();
    assert!(store.load(&key).await.unwrap().is_some());
    for error in [
        create(&store).await.unwrap_err(),
        store.replace(&key, version.clone(), &record(b"two")).await.unwrap_err(),
        store.remove(&key, version).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_closes_idle_connections_to_read_only_server() {
    let setting = "default_transaction_read_only";
    let statements = [
        &*format!("ALTER ROLE postgres SET {setting} = on"),
        &*format!("BEGIN READ WRITE; ALTER ROLE postgres RESET {setting}; COMMIT"),
    ];
    idle_connections_to_read_only_server_are_closed(postgres_with(&[]).await, statements).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_closes_idle_connections_to_read_only_server() {
    let statements = ["SET GLOBAL tx_read_only = 1", "SET GLOBAL tx_read_only = 0"];
    idle_connections_to_read_only_server_are_closed(mysql_with(&[]).await, statements).await;
}

mod shared {
    use super::{
        AssertSqlSafe, ErrorKind, MySqlConnection, MySqlPoolOptions, PgPoolOptions, SqlStore,
        assert_fails_once, create, on_its_own_table, support,
    };
    use sqlx::Connection as _;

    #[tokio::test]
    async fn postgres_drops_read_only_connection() {
        let url = test_servers::postgres().await.url();
        let (_, table) = on_its_own_table(url).await;
        let pool = PgPoolOptions::new().max_connections(1).connect(url).await.unwrap();
        let store = SqlStore::builder().table(&*table).postgres_pool(pool.clone()).unwrap();
        let read_only = "SET default_transaction_read_only = on";
        sqlx::raw_sql(read_only).execute(&pool).await.unwrap();
        assert_fails_once(&store).await;
        support::drop_table(url, &table).await;
    }

    #[tokio::test]
    async fn mariadb_drops_read_only_connection() {
        let url = test_servers::mysql().await.url();
        let (_, table) = on_its_own_table(url).await;
        let pool = MySqlPoolOptions::new().max_connections(1).connect(url).await.unwrap();
        let store = SqlStore::builder().table(&*table).mysql_pool(pool.clone()).unwrap();
        let read_only = "SET SESSION TRANSACTION READ ONLY";
        sqlx::raw_sql(read_only).execute(&pool).await.unwrap();
        assert_fails_once(&store).await;
        support::drop_table(url, &table).await;
    }

    /// The errors that a read-only server returns. Some of them need a restart of the server.
    #[tokio::test]
    async fn mariadb_errors_of_read_only_server_are_unavailable() {
        let url = test_servers::mysql().await.url();
        let (store, table) = on_its_own_table(url).await;
        let mut connection = MySqlConnection::connect(url).await.unwrap();
        for number in [1036, 1290, 1792, 1836, 1874] {
            let trigger = format!(
                "CREATE OR REPLACE TRIGGER {table}_fails BEFORE INSERT ON {table} FOR EACH ROW \
                 SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = 'read-only'"
            );
            sqlx::raw_sql(AssertSqlSafe(trigger)).execute(&mut connection).await.unwrap();
            let error = create(&store).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{number}: {error:?}");
        }
        support::drop_table(url, &table).await;
    }
}
