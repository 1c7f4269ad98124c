//! What the tests have in common: addresses, records, stores.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "each test file uses its own part of this")]

pub mod load;
pub mod requests;

use std::time::{Duration, SystemTime};

use session_core::{NewRecord, StoreKey};
use session_sql::{SqlStore, SqlStoreBuilder};
use sqlx::{AssertSqlSafe, Connection as _};
use test_servers::{PrivateServer, TemporaryFolder};
use tokio::sync::OnceCell;

/// The address of an SQLite file in a folder.
pub fn sqlite(folder: &TemporaryFolder) -> String {
    format!("sqlite:{}", folder.path().join("sessions.db").display())
}

/// The way to the PostgreSQL that tests share through a `PgBouncer`.
pub async fn pgbouncer() -> String {
    static POOLER: OnceCell<PrivateServer> = OnceCell::const_new();
    let start = async || test_servers::pgbouncer(test_servers::postgres().await.url()).await;
    through_pooler(POOLER.get_or_init(start).await.url())
}

/// An address that tells sqlx to keep no prepared statements.
pub fn through_pooler(url: &str) -> String {
    format!("{url}?statement-cache-capacity=0")
}

/// Some record, and keys that nobody else uses.
pub fn record(payload: &[u8]) -> NewRecord<'_> {
    let now = SystemTime::now();
    NewRecord::new(payload, now, now + Duration::from_hours(1))
}

pub fn new_key() -> StoreKey {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    StoreKey::from_bytes(bytes)
}

/// The store at an address, with its table.
pub async fn migrated(url: &str) -> SqlStore {
    migrated_by(SqlStore::builder(), url).await
}

pub async fn migrated_by(builder: SqlStoreBuilder, url: &str) -> SqlStore {
    let store = builder.connect(url).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// A store on a table that nobody else uses, of a server that others may use; give it back with [`drop_table`].
pub async fn on_its_own_table(url: &str) -> (SqlStore, String) {
    let name = format!("test_{:016x}", getrandom::u64().unwrap());
    (migrated_by(SqlStore::builder().table(&*name), url).await, name)
}

pub async fn drop_table(url: &str, table: &str) {
    let statement = AssertSqlSafe(format!("DROP TABLE {table}"));
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
