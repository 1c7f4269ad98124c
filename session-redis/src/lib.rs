//! Sessions in Redis or Valkey.
#![doc = include_str!("../README.md")]

mod builder;
mod config;
mod connection;
mod error;
mod record;
mod scripts;
mod store;

pub use builder::RedisStoreBuilder;
pub use config::RedisSessions;
pub use store::RedisStore;

/// The driver, for [`RedisStore::from_connection`] and for certificates.
#[doc(no_inline)]
pub use redis;
