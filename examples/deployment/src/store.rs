//! The servers of the sessions: a primary and a replica, behind proxies.

use std::time::Duration;

use clap::ValueEnum;
use test_servers::{
    PrivateServer, Proxy, RedisCluster, RedisOptions, RedisSentinel, TemporaryFolder, mysql_with,
    postgres_standby, postgres_with, redis_cluster_with, redis_sentinel_behind_proxies, redis_with,
};
use tokio::time::sleep;

/// The key that selects a master of a Cluster.
const KEY: &str = "shop";

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Kind {
    /// A master, a replica and three sentinels
    RedisSentinel,
    /// Three masters with one replica each; faults affect one master
    RedisCluster,
    /// A primary and a synchronous standby
    Postgres,
    /// One server
    Redis,
    /// One server
    Mariadb,
    /// One file
    Sqlite,
}

pub(crate) enum Store {
    Redis(RedisSentinel),
    Cluster(RedisCluster),
    Postgres(Postgres),
    Single(Single),
    Sqlite(TemporaryFolder),
}

/// A server without a replica.
pub(crate) struct Single {
    server: PrivateServer,
    proxy: Proxy,
    /// The address for the shops.
    url: String,
}

/// A primary and its standby. The shops connect to the primary through the proxy.
pub(crate) struct Postgres {
    primary: PrivateServer,
    standby: PrivateServer,
    proxy: Proxy,
}

impl Store {
    pub(crate) async fn start(kind: Kind) -> Self {
        match kind {
            Kind::RedisSentinel => Self::Redis(redis_sentinel_behind_proxies(replicated()).await),
            Kind::RedisCluster => Self::Cluster(redis_cluster_with(replicated()).await),
            Kind::Postgres => Self::Postgres(Postgres::start().await),
            Kind::Redis => Self::Single(Single::redis().await),
            Kind::Mariadb => Self::Single(Single::mariadb().await),
            Kind::Sqlite => Self::Sqlite(TemporaryFolder::new()),
        }
    }

    /// Returns the value of the shop's option `--store`.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Redis(redis) => {
                let sentinels = addresses(redis.sentinels());
                format!("redis+sentinel://{sentinels}/{}", redis.master_name())
            }
            Self::Cluster(cluster) => format!("redis+cluster://{}", addresses(cluster.nodes())),
            Self::Postgres(postgres) => {
                format!("postgres://shop:shop-password@127.0.0.1:{}/shop", postgres.proxy.port())
            }
            Self::Single(single) => single.url.clone(),
            Self::Sqlite(folder) => {
                format!("sqlite:{}", folder.path().join("sessions.db").display())
            }
        }
    }

    /// Returns the server that the shops use.
    ///
    /// # Panics
    ///
    /// Panics if the store has no server.
    pub(crate) async fn primary(&self) -> &PrivateServer {
        match self {
            Self::Cluster(cluster) => cluster.master_of(KEY).await,
            Self::Single(single) => &single.server,
            Self::Sqlite(_) => panic!("SQLite has no server"),
            Self::Redis(redis) => redis.master().await,
            Self::Postgres(postgres) => &postgres.primary,
        }
    }

    pub(crate) async fn replica(&self) -> &PrivateServer {
        match self {
            Self::Redis(redis) => other(redis, redis.master().await),
            Self::Postgres(postgres) => &postgres.standby,
            _ => panic!("the store has no single replica"),
        }
    }

    pub(crate) fn proxies(&self) -> Vec<&Proxy> {
        match self {
            Self::Redis(redis) => redis.proxies().iter().collect(),
            Self::Postgres(postgres) => vec![&postgres.proxy],
            Self::Single(single) => vec![&single.proxy],
            Self::Cluster(_) | Self::Sqlite(_) => Vec::new(),
        }
    }

    /// Kills the primary and restarts it. Behind Sentinel, the replica takes over first.
    pub(crate) async fn kill_primary(&self) {
        match self {
            Self::Redis(redis) => redis.fail_over().await.restart().await,
            Self::Cluster(cluster) => cluster.fail_over(KEY).await.restart().await,
            _ => {
                let primary = self.primary().await;
                primary.kill().await;
                sleep(Duration::from_secs(3)).await;
                primary.restart().await;
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
            Self::Cluster(_) | Self::Single(_) | Self::Sqlite(_) => {}
        }
    }

    /// Waits until the primary has its replica.
    ///
    /// # Errors
    ///
    /// Fails if the primary has no replica after a minute.
    pub(crate) async fn settle(&self) -> Result<(), String> {
        if let Self::Cluster(cluster) = self {
            cluster.settle().await;
        }
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

impl Single {
    async fn redis() -> Self {
        let server = redis_with(RedisOptions::default().append_only()).await;
        let proxy = test_servers::proxy(server.port()).await;
        let url = proxy.before(server.url());
        Self { server, proxy, url }
    }

    async fn mariadb() -> Self {
        let server = mysql_with(&[]).await;
        for statement in [
            "CREATE DATABASE shop",
            "CREATE USER 'shop'@'127.0.0.1' IDENTIFIED BY 'shop-password'",
            "GRANT ALL ON shop.* TO 'shop'@'127.0.0.1'",
        ] {
            server.ask(&[statement]).await;
        }
        let proxy = test_servers::proxy(server.port()).await;
        let url = format!("mysql://shop:shop-password@127.0.0.1:{}/shop", proxy.port());
        Self { server, proxy, url }
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

    /// Starts a standby of this primary. Afterwards, every commit waits for the standby.
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

/// Returns the settings with which a master without its replica refuses writes after three seconds.
fn replicated() -> RedisOptions {
    RedisOptions::default()
        .setting("min-replicas-to-write", "1")
        .setting("min-replicas-max-lag", "3")
}

fn addresses(servers: &[PrivateServer]) -> String {
    let addresses = servers.iter().map(|server| format!("127.0.0.1:{}", server.port()));
    addresses.collect::<Vec<_>>().join(",")
}

fn other<'a>(redis: &'a RedisSentinel, server: &PrivateServer) -> &'a PrivateServer {
    let servers = redis.servers();
    &servers[usize::from(servers[0].port() == server.port())]
}
