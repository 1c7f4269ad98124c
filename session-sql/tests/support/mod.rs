//! Helpers of the tests: addresses, records and stores.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "each test file uses a part")]

pub mod load;
pub mod requests;

use std::time::{Duration, SystemTime};

use session_core::store::{NewRecord, SessionStore as _, StoreKey, Version};
use session_sql::{SqlStore, SqlStoreBuilder};
use sqlx::{AssertSqlSafe, Connection as _};
use test_servers::{PrivateServer, TemporaryFolder};
use tokio::sync::OnceCell;

/// Returns the address of an SQLite file in a folder.
pub fn sqlite(folder: &TemporaryFolder) -> String {
    format!("sqlite:{}", folder.path().join("sessions.db").display())
}

/// Returns how many transactions the write-ahead log has. The last page of each has the size of the
/// file after it.
pub fn commits(folder: &TemporaryFolder) -> usize {
    const HEADER: usize = 32;
    const PAGE_HEADER: usize = 24;
    let log = std::fs::read(folder.path().join("sessions.db-wal")).unwrap();
    let page =
        PAGE_HEADER + usize::try_from(u32::from_be_bytes(log[8..12].try_into().unwrap())).unwrap();
    log[HEADER..].chunks_exact(page).filter(|page| page[4..8] != [0; 4]).count()
}

/// Returns the address of the shared PostgreSQL through `PgBouncer`.
pub async fn pgbouncer() -> String {
    static POOLER: OnceCell<PrivateServer> = OnceCell::const_new();
    let start = async || test_servers::pgbouncer(test_servers::postgres().await.url()).await;
    through_pooler(POOLER.get_or_init(start).await.url())
}

/// Returns an address with which sqlx keeps no prepared statements.
pub fn through_pooler(url: &str) -> String {
    format!("{url}?statement-cache-capacity=0")
}

/// Returns a record that expires in an hour.
pub fn record(payload: &[u8]) -> NewRecord<'_> {
    let now = SystemTime::now();
    NewRecord::new(payload, now, now + Duration::from_hours(1))
}

/// Returns a random key.
pub fn new_key() -> StoreKey {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    StoreKey::from_bytes(bytes)
}

/// Creates records and returns their keys and versions.
pub async fn create(store: &SqlStore, count: usize) -> Vec<(StoreKey, Version)> {
    let mut records = Vec::new();
    for _ in 0..count {
        let key = new_key();
        records.push((key, store.create(&key, &record(b"first")).await.unwrap()));
    }
    records
}

/// Returns the store at an address, after creating its table.
pub async fn migrated(url: &str) -> SqlStore {
    migrated_by(SqlStore::builder(), url).await
}

pub async fn migrated_by(builder: SqlStoreBuilder, url: &str) -> SqlStore {
    let store = builder.connect(url).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// Returns a store with a new table on a shared server. Remove the table with [`drop_table`].
pub async fn on_its_own_table(url: &str) -> (SqlStore, String) {
    let name = format!("test_{:016x}", getrandom::u64().unwrap());
    (migrated_by(SqlStore::builder().table(&*name), url).await, name)
}

pub async fn drop_table(url: &str, table: &str) {
    let statement =
        AssertSqlSafe(format!("DROP TABLE {table}; DROP TABLE IF EXISTS {table}_schema"));
    match url.split(':').next().unwrap() {
        "sqlite" => {
            let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
            sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        }
        "postgres" => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        }
        _ => {
            let mut connection = sqlx::MySqlConnection::connect(url).await.unwrap();
            sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
        }
    }
}
