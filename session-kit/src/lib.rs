#![doc = include_str!("../README.md")]

pub use session_core::*;

/// The middleware and the extractor for actix-web.
#[cfg(feature = "actix")]
pub use session_actix as actix;
/// Sessions in a signed or a sealed cookie.
#[cfg(feature = "cookie")]
pub use session_cookie as cookie;
/// Encryption at rest, around any store.
#[cfg(feature = "encrypted")]
pub use session_encrypted as encrypted;
/// Sessions in the memory of one process.
#[cfg(feature = "memory")]
pub use session_memory as memory;
/// Metrics of sessions and stores.
#[cfg(feature = "metrics")]
pub use session_metrics as metrics;
/// The move of sessions from an old backend to a new backend.
#[cfg(feature = "migration")]
pub use session_migration as migration;
/// Sessions in Redis or Valkey.
#[cfg(feature = "redis")]
pub use session_redis as redis;
/// Sessions in SQLite, PostgreSQL, MySQL or MariaDB.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use session_sql as sql;
/// A browser and a client for tests of whole applications.
#[cfg(feature = "testing")]
pub use session_testing as testing;
/// The layer, and the extractor for axum.
#[cfg(feature = "axum")]
pub use session_tower as axum;
/// The layer for tower services.
#[cfg(feature = "tower")]
pub use session_tower as tower;
/// A `tower_sessions::Session`, for axum-login and other crates.
#[cfg(feature = "tower-sessions")]
pub use session_tower_sessions as tower_sessions;
