//! Starts Redis, PostgreSQL and MariaDB servers and browsers for tests.
//!
//! ```no_run
//! # async fn example() {
//! let redis = test_servers::redis().await;
//! println!("{}", redis.url());
//!
//! let postgres = test_servers::postgres_with(&[("synchronous_commit", "off")]).await;
//! postgres.kill().await;
//! postgres.restart().await;
//! # }
//! ```
//!
//! [`redis`], [`postgres`] and [`mysql`] return the one server that all tests of a process share.
//! The first of these that is available is used:
//!
//! 1. The environment: `TEST_REDIS_URL`, `TEST_POSTGRES_URL`, `TEST_MYSQL_URL`.
//! 2. A container, if a Docker daemon replies.
//! 3. The installed server, started on a free port in a temporary folder.
//!
//! If none is available, the test fails and prints the command that installs the server. With
//! `TEST_CONTAINERS=required`, a test fails if its server is not in a container. With
//! `TEST_CONTAINERS=never`, Docker is not used.
//!
//! [`redis_with`], [`postgres_with`], [`mysql_with`], [`redis_cluster`], [`redis_sentinel`] and
//! [`pgbouncer`] start the installed server for one test. The test can kill, stop, freeze and
//! restart it. [`RedisOptions`] set a password, TLS and other settings. [`postgres_with_tls`] and
//! [`mysql_with_tls`] start servers that offer TLS.
//!
//! [`postgres_standby`] starts a standby of a PostgreSQL. [`http_program`] starts any program that
//! serves HTTP.
//!
//! [`chromedriver()`] starts Debian's chromedriver, which drives Debian's Chromium.
//!
//! [`proxy`] forwards connections to any of these servers. A test can make it hang, lose replies
//! and switch to another server.
//!
//! [`TemporaryFolder`] is for files. No server and no folder outlives the process that started it,
//! even if that process is killed. The crate needs Linux, and its functions need a tokio runtime.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test without its server fails"
)]

mod certificates;
mod chromedriver;
mod cluster;
mod container;
mod folder;
mod http;
mod keeper;
mod mysql;
mod pgbouncer;
mod port;
mod postgres;
mod private;
mod probe;
mod program;
mod proxy;
mod redis;
mod sentinel;
mod shared;
mod template;

pub use certificates::Certificates;
pub use chromedriver::{Chromedriver, chromedriver};
pub use cluster::{RedisCluster, redis_cluster, redis_cluster_with};
pub use folder::TemporaryFolder;
pub use http::{HttpProgram, http_program};
pub use mysql::{mysql, mysql_with, mysql_with_tls};
pub use pgbouncer::pgbouncer;
pub use postgres::{postgres, postgres_standby, postgres_with, postgres_with_tls};
pub use private::PrivateServer;
pub use proxy::{LostReply, Proxy, proxy};
pub use redis::{RedisOptions, redis, redis_with};
pub use sentinel::{
    RedisSentinel, redis_sentinel, redis_sentinel_behind_proxies, redis_sentinel_with,
};
pub use shared::{SharedServer, Way};
