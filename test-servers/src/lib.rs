//! Hands a test the Redis, PostgreSQL or MariaDB server that it needs, or a browser.
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
//! [`redis`], [`postgres`] and [`mysql`] return the one server that all tests of a process share. It comes from the first of these:
//!
//! 1. The environment: `TEST_REDIS_URL`, `TEST_POSTGRES_URL`, `TEST_MYSQL_URL`.
//! 2. A container, where a Docker daemon answers. `TEST_CONTAINERS=required` makes a test fail that would get its server in
//!    another way; `TEST_CONTAINERS=never` passes Docker by.
//! 3. The installed server, started on a free port in a temporary folder.
//!
//! Where there is none, the test fails with the command that installs one.
//!
//! [`redis_with`], [`postgres_with`], [`mysql_with`], [`redis_cluster`], [`redis_sentinel`] and [`pgbouncer`] start the installed
//! server for one test, which may then kill, stop, freeze and restart it. [`RedisOptions`] ask for a password, TLS and settings.
//! [`postgres_with_tls`] and [`mysql_with_tls`] offer TLS.
//!
//! [`chromedriver()`] is Debian's, and drives its Chromium.
//!
//! [`proxy`] is a way to any of them that hangs, loses replies and leads elsewhere when it is told to.
//!
//! [`TemporaryFolder`] is for files. No server and no folder outlives the process that started it, even one that is killed.
//! All of this needs Linux, and functions a tokio runtime.

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
pub use mysql::{mysql, mysql_with, mysql_with_tls};
pub use pgbouncer::pgbouncer;
pub use postgres::{postgres, postgres_with, postgres_with_tls};
pub use private::PrivateServer;
pub use proxy::{LostReply, Proxy, proxy};
pub use redis::{RedisOptions, redis, redis_with};
pub use sentinel::{RedisSentinel, redis_sentinel, redis_sentinel_with};
pub use shared::{SharedServer, Way};
