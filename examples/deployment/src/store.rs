//! The servers of the sessions: a primary and a replica, behind proxies.

use std::time::Duration;

use clap::ValueEnum;
use test_servers::{
    PrivateServer, Proxy, RedisOptions, RedisSentinel, postgres_standby, postgres_with,
    redis_sentinel_behind_proxies,
};
use tokio::time::sleep;

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Kind {
    /// A master, a replica and three sentinels
    RedisSentinel,
    /// A primary and a synchronous standby
    Postgres,
}

pub(crate) enum Store {
    Redis(RedisSentinel),
    Postgres(Postgres),
}

/// The shops connect through the proxy, which leads to the primary.
pub(crate) struct Postgres {
    primary: PrivateServer,
    standby: PrivateServer,
    proxy: Proxy,
}

impl Store {
    pub(crate) async fn start(kind: Kind) -> Self {
        match kind {
            Kind::RedisSentinel => {
                // A master without its replica refuses writes after three seconds.
                let options = RedisOptions::default()
                    .setting("min-replicas-to-write", "1")
                    .setting("min-replicas-max-lag", "3");
                Self::Redis(redis_sentinel_behind_proxies(options).await)
            }
            Kind::Postgres => Self::Postgres(Postgres::start().await),
        }
    }

    /// Returns the value of the shop's option `--store`.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Redis(redis) => {
                let sentinels: Vec<String> = redis
                    .sentinels()
                    .iter()
                    .map(|sentinel| format!("127.0.0.1:{}", sentinel.port()))
                    .collect();
                format!("redis+sentinel://{}/{}", sentinels.join(","), redis.master_name())
            }
            Self::Postgres(postgres) => {
                format!("postgres://shop:shop-password@127.0.0.1:{}/shop", postgres.proxy.port())
            }
        }
    }

    pub(crate) async fn primary(&self) -> &PrivateServer {
        match self {
            Self::Redis(redis) => redis.master().await,
            Self::Postgres(postgres) => &postgres.primary,
        }
    }

    pub(crate) async fn replica(&self) -> &PrivateServer {
        match self {
            Self::Redis(redis) => other(redis, redis.master().await),
            Self::Postgres(postgres) => &postgres.standby,
        }
    }

    pub(crate) fn proxies(&self) -> Vec<&Proxy> {
        match self {
            Self::Redis(redis) => redis.proxies().iter().collect(),
            Self::Postgres(postgres) => vec![&postgres.proxy],
        }
    }

    /// Kills the primary and restarts it. Behind Sentinel, the replica takes over first.
    pub(crate) async fn kill_primary(&self) {
        match self {
            Self::Redis(redis) => redis.fail_over().await.restart().await,
            Self::Postgres(postgres) => {
                postgres.primary.kill().await;
                sleep(Duration::from_secs(3)).await;
                postgres.primary.restart().await;
            }
        }
    }

    /// Makes the replica the primary. The old primary becomes the replica.
    pub(crate) async fn switch_over(&mut self) {
        match self {
            Self::Redis(redis) => _ = redis.start_switch_over().await,
            Self::Postgres(postgres) => {
                postgres.primary.stop().await;
                postgres.promote().await;
            }
        }
    }

    /// Waits until the primary has its replica.
    ///
    /// # Errors
    ///
    /// If this takes more than a minute.
    pub(crate) async fn settle(&self) -> Result<(), String> {
        let Self::Redis(redis) = self else { return Ok(()) };
        let settled = async {
            while !is_settled(redis).await {
                sleep(Duration::from_millis(100)).await;
            }
        };
        let limit = Duration::from_mins(1);
        tokio::time::timeout(limit, settled).await.map_err(|_| "no replica".to_owned())
    }
}

impl Postgres {
    async fn start() -> Self {
        let primary = postgres_with(&[]).await;
        for statement in
            ["CREATE ROLE shop LOGIN PASSWORD 'shop-password'", "CREATE DATABASE shop OWNER shop"]
        {
            primary.ask(&[statement]).await;
        }
        let standby = Self::new_standby(&primary).await;
        let proxy = test_servers::proxy(primary.port()).await;
        Self { primary, standby, proxy }
    }

    /// A commit waits for the standby from now on.
    async fn new_standby(primary: &PrivateServer) -> PrivateServer {
        let standby = postgres_standby(primary, &[]).await;
        alter_system(primary, "SET synchronous_standby_names = '*'").await;
        standby
    }

    /// Kills the primary and promotes the standby.
    pub(crate) async fn fail_over(&mut self) {
        self.primary.kill().await;
        self.promote().await;
    }

    /// Makes the standby the primary, after the primary has stopped, and starts a new standby.
    async fn promote(&mut self) {
        self.standby.ask(&["SELECT pg_promote()"]).await;
        self.proxy.lead_to(self.standby.port());
        let standby = Self::new_standby(&self.standby).await;
        self.primary = std::mem::replace(&mut self.standby, standby);
    }
}

/// Changes a setting of PostgreSQL.
pub(crate) async fn alter_system(server: &PrivateServer, change: &str) {
    server.ask(&[&format!("ALTER SYSTEM {change}")]).await;
    server.ask(&["SELECT pg_reload_conf()"]).await;
}

async fn is_settled(redis: &RedisSentinel) -> bool {
    let master = redis.master().await;
    let state = async |server: &PrivateServer| {
        server.try_ask(&["info", "replication"]).await.unwrap_or_default()
    };
    let (master, replica) = (state(master).await, state(other(redis, master)).await);
    master.contains("role:master")
        && master.contains("min_slaves_good_slaves:1")
        && replica.contains("role:slave")
        && replica.contains("master_link_status:up")
}

fn other<'a>(redis: &'a RedisSentinel, server: &PrivateServer) -> &'a PrivateServer {
    let servers = redis.servers();
    &servers[usize::from(servers[0].port() == server.port())]
}
