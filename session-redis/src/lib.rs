#![doc = include_str!("../README.md")]

mod access;
mod address;
mod builder;
mod call;
mod checks;
mod compare;
mod connection;
mod error;
mod loads;
mod names;
mod record;
mod scripts;
mod store;

use session_core::ServerSideSessions;

pub use builder::RedisStoreBuilder;
pub use store::RedisStore;

/// The driver, for [`RedisStore::from_connection`] and for certificates.
#[doc(no_inline)]
pub use redis;

/// Sessions in Redis or Valkey.
///
/// # Examples
///
/// ```no_run
/// use session_core::SessionConfig;
/// use session_redis::{RedisSessions, RedisStore};
///
/// # async fn show() -> Result<(), session_core::Error> {
/// let store = RedisStore::builder("redis://127.0.0.1/").connect().await?;
/// let sessions = RedisSessions::new(store, SessionConfig::default());
/// # Ok(())
/// # }
/// ```
pub type RedisSessions = ServerSideSessions<RedisStore>;
