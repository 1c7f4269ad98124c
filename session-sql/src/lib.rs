#![doc = include_str!("../README.md")]

mod builder;
mod config;
mod database;
mod milliseconds;
mod statements;
mod store;
mod sweeper;

pub use builder::{SqlStoreBuilder, Synchronous};
pub use config::SqlSessions;
pub use store::SqlStore;
pub use sweeper::Sweeper;

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
compile_error!("session-sql needs a database: switch on its feature `sqlite`, `postgres` or `mysql`");
