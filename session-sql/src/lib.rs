#![doc = include_str!("../README.md")]

mod builder;
mod database;
mod milliseconds;
mod pool;
mod statements;
mod store;
mod sweeper;

use session_core::ServerSideSessions;

pub use builder::{SqlStoreBuilder, Synchronous};
pub use pool::SqlxPool;
pub use store::SqlStore;
pub use sweeper::Sweeper;

/// The version of sqlx whose pools [`SqlStoreBuilder`] accepts.
pub use sqlx;

/// Sessions in a SQL database.
///
/// # Examples
///
/// ```
/// use session_core::SessionConfig;
/// use session_sql::{SqlSessions, SqlStore};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let store = SqlStore::connect("sqlite::memory:").await?;
/// store.migrate().await?;
/// let sessions = SqlSessions::new(store, SessionConfig::default());
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
pub type SqlSessions = ServerSideSessions<SqlStore>;

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!("session-sql needs a database: enable its feature `sqlite`, `postgres` or `mysql`");
