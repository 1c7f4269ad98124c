//! The faults, and the documented losses of each fault.

use std::time::Duration;

use test_servers::PrivateServer;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::deployment::Deployment;
use crate::judge::Documented;
use crate::store::{Kind, Store, alter_system};

const FAULT: Duration = Duration::from_secs(6);
/// `min-replicas-max-lag` plus one second, because a replica acknowledges writes once per second.
const LAG: Duration = Duration::from_secs(4);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    None,
    ShopKilled,
    ShopFrozen,
    RollingRestart,
    PrimaryKilled,
    PrimaryFrozen,
    ReplicaKilled,
    PlannedFailover,
    /// Only for PostgreSQL. Behind Sentinel, [`Fault::PrimaryKilled`] causes a failover.
    Promotion,
    Delay,
    Interruption,
    DiskFull,
    ReadOnly,
    ConnectionLimit,
    MemoryFull,
    Eviction,
    ClockSteps,
}

impl Fault {
    /// Returns the faults of a store, in the order in which they are injected.
    pub(crate) fn all(kind: Kind) -> Vec<Self> {
        let mut faults = vec![
            Self::None,
            Self::ShopKilled,
            Self::ShopFrozen,
            Self::RollingRestart,
            Self::ClockSteps,
        ];
        if kind == Kind::Sqlite {
            return faults;
        }
        faults.extend([Self::PrimaryKilled, Self::PrimaryFrozen]);
        if matches!(kind, Kind::RedisSentinel | Kind::Postgres) {
            faults.extend([Self::ReplicaKilled, Self::PlannedFailover]);
        }
        if kind == Kind::Postgres {
            faults.push(Self::Promotion);
        }
        if kind != Kind::RedisCluster {
            faults.extend([Self::Delay, Self::Interruption]);
        }
        faults.extend([Self::DiskFull, Self::ReadOnly, Self::ConnectionLimit]);
        if matches!(kind, Kind::RedisSentinel | Kind::RedisCluster | Kind::Redis) {
            faults.extend([Self::MemoryFull, Self::Eviction]);
        }
        faults
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ShopKilled => "shop: kill -9",
            Self::ShopFrozen => "shop: stop and continue",
            Self::RollingRestart => "shops: rolling restart",
            Self::PrimaryKilled => "primary: kill -9",
            Self::PrimaryFrozen => "primary: stop and continue",
            Self::ReplicaKilled => "replica: kill -9",
            Self::PlannedFailover => "planned failover",
            Self::Promotion => "kill -9 and promotion",
            Self::Delay => "network: delay of 2 s",
            Self::Interruption => "network: interruption",
            Self::DiskFull => "disk full",
            Self::ReadOnly => "read-only",
            Self::ConnectionLimit => "connection limit",
            Self::MemoryFull => "memory full",
            Self::Eviction => "eviction",
            Self::ClockSteps => "clock steps of 5 min",
        }
    }

    /// Returns the losses that `docs/production.md` and the README of the store state.
    pub(crate) fn documented(self, kind: Kind) -> Documented {
        match self {
            Self::Eviction => Documented::Anything("evicted sessions"),
            Self::PrimaryKilled
            | Self::PrimaryFrozen
            | Self::PlannedFailover
            | Self::Delay
            | Self::Interruption
            | Self::DiskFull
            | Self::ConnectionLimit
                if kind == Kind::RedisSentinel =>
            {
                Documented::From(LAG, "writes that the replica had not received")
            }
            Self::PrimaryKilled | Self::PrimaryFrozen if kind == Kind::RedisCluster => {
                Documented::From(LAG, "writes that the replica had not received")
            }
            _ => Documented::Nothing,
        }
    }

    /// Causes the fault and repairs it.
    ///
    /// # Errors
    ///
    /// Fails if the fault cannot be repaired.
    pub(crate) async fn inject(self, deployment: &mut Deployment) -> Result<(), String> {
        match self {
            Self::None => sleep(FAULT).await,
            Self::ShopKilled => {
                deployment.shops[0].kill().await;
                sleep(FAULT).await;
                deployment.shops[0].restart().await;
            }
            Self::ShopFrozen => {
                deployment.shops[0].pause().await;
                sleep(FAULT).await;
                deployment.shops[0].resume().await;
            }
            Self::RollingRestart => {
                for shop in &deployment.shops {
                    shop.stop().await;
                    shop.restart().await;
                    sleep(Duration::from_secs(2)).await;
                }
            }
            Self::ClockSteps => {
                for seconds in [300, 0, -300, 0] {
                    deployment.set_clock(0, seconds)?;
                    sleep(Duration::from_secs(3)).await;
                }
            }
            _ => {
                self.inject_in_store(deployment.kind, &mut deployment.store).await;
                deployment.store.settle().await?;
            }
        }
        Ok(())
    }

    async fn inject_in_store(self, kind: Kind, store: &mut Store) {
        match self {
            Self::PrimaryKilled => store.kill_primary().await,
            Self::PrimaryFrozen => {
                let primary = store.primary().await;
                primary.pause().await;
                sleep(FAULT).await;
                primary.resume().await;
            }
            Self::ReplicaKilled => {
                let replica = store.replica().await;
                replica.kill().await;
                sleep(FAULT).await;
                replica.restart().await;
            }
            Self::PlannedFailover => store.switch_over().await,
            Self::Delay => {
                let set = |delay| {
                    store.proxies().iter().for_each(|proxy| proxy.delay_requests(delay));
                };
                set(Duration::from_secs(2));
                sleep(FAULT).await;
                set(Duration::ZERO);
            }
            Self::Interruption => {
                store.proxies().iter().for_each(|proxy| proxy.hang());
                sleep(FAULT).await;
                store.proxies().iter().for_each(|proxy| proxy.resume());
            }
            Self::DiskFull => fill_disk(kind, store.primary().await).await,
            _ => self.inject_in_settings(kind, store).await,
        }
    }

    async fn inject_in_settings(self, kind: Kind, store: &mut Store) {
        if let (Self::Promotion, Store::Postgres(postgres)) = (self, &mut *store) {
            return postgres.fail_over().await;
        }
        let primary = store.primary().await;
        match self {
            Self::ReadOnly => {
                set_read_only(kind, primary, true).await;
                sleep(FAULT).await;
                set_read_only(kind, primary, false).await;
            }
            Self::ConnectionLimit => limit_connections(kind, primary).await,
            Self::MemoryFull => limit_memory(primary, "noeviction", 1_000_000).await,
            Self::Eviction => limit_memory(primary, "allkeys-random", 100_000).await,
            _ => {}
        }
    }
}

async fn set_read_only(kind: Kind, primary: &PrivateServer, is_on: bool) {
    match kind {
        Kind::Postgres => {
            let action = if is_on { "SET" } else { "RESET" };
            let value = if is_on { " = on" } else { "" };
            let change = format!("{action} default_transaction_read_only{value}");
            alter_system(primary, &change).await;
        }
        Kind::Mariadb => {
            primary.ask(&[&format!("SET GLOBAL read_only = {is_on}")]).await;
        }
        _ => {
            let usual = if kind == Kind::Redis { "0" } else { "1" };
            let replicas = if is_on { "2" } else { usual };
            primary.ask(&["config", "set", "min-replicas-to-write", replicas]).await;
        }
    }
}

/// Makes every write to a file fail. Restarts a SQL server afterwards, because the server may have
/// stopped.
async fn fill_disk(kind: Kind, primary: &PrivateServer) {
    primary.limit_files(Some(1)).await;
    sleep(FAULT).await;
    primary.limit_files(None).await;
    if matches!(kind, Kind::Postgres | Kind::Mariadb) {
        primary.restart().await;
    }
}

/// Limits the connections, and closes the connections of the shops. Redis also refuses the
/// connections of the sentinels, so the replica takes over.
async fn limit_connections(kind: Kind, primary: &PrivateServer) {
    let (limit, close, lift) = match kind {
        Kind::Postgres => (
            "ALTER ROLE shop CONNECTION LIMIT 1",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'",
            "ALTER ROLE shop CONNECTION LIMIT -1",
        ),
        Kind::Mariadb => (
            "ALTER USER 'shop'@'127.0.0.1' WITH MAX_USER_CONNECTIONS 1",
            "KILL USER 'shop'@'127.0.0.1'",
            "ALTER USER 'shop'@'127.0.0.1' WITH MAX_USER_CONNECTIONS 0",
        ),
        _ => return limit_clients(primary.port()).await.expect("Redis accepts a connection"),
    };
    primary.ask(&[limit]).await;
    primary.ask(&[close]).await;
    sleep(FAULT).await;
    primary.ask(&[lift]).await;
}

/// Limits the clients of Redis. All commands use one connection, because Redis refuses new
/// connections until the limit is lifted.
async fn limit_clients(port: u16) -> std::io::Result<()> {
    let mut connection = BufStream::new(TcpStream::connect(("127.0.0.1", port)).await?);
    connection.write_all(b"CONFIG SET maxclients 1\r\nCLIENT KILL TYPE normal\r\n").await?;
    connection.flush().await?;
    sleep(FAULT).await;
    connection.write_all(b"CONFIG SET maxclients 1000\r\n").await?;
    connection.flush().await?;
    let mut replies = connection.lines();
    while let Some(reply) = replies.next_line().await? {
        // The reply to the second command is the number of closed connections.
        if reply.starts_with(':') {
            break;
        }
    }
    replies.next_line().await.map(drop)
}

/// Limits the memory of Redis to this number of bytes below the used memory.
async fn limit_memory(primary: &PrivateServer, policy: &str, bytes: u64) {
    let memory = primary.ask(&["info", "memory"]).await;
    let used = memory.lines().find_map(|line| line.trim().strip_prefix("used_memory:"));
    let used: u64 = used.and_then(|used| used.parse().ok()).unwrap_or_default();
    let limit = used.saturating_sub(bytes).to_string();
    primary.ask(&["config", "set", "maxmemory-policy", policy, "maxmemory", &limit]).await;
    sleep(FAULT).await;
    primary.ask(&["config", "set", "maxmemory-policy", "noeviction", "maxmemory", "0"]).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_loses_nothing_in_any_fault() {
        for kind in [Kind::Postgres, Kind::Mariadb, Kind::Sqlite] {
            for fault in Fault::all(kind) {
                let documented = fault.documented(kind);
                assert!(matches!(documented, Documented::Nothing), "{kind:?}: {fault:?}");
            }
        }
    }

    #[test]
    fn redis_loses_nothing_if_no_failover_and_no_eviction() {
        for fault in
            [Fault::ShopKilled, Fault::RollingRestart, Fault::ClockSteps, Fault::MemoryFull]
        {
            let documented = fault.documented(Kind::RedisSentinel);
            assert!(matches!(documented, Documented::Nothing), "{fault:?}");
        }
    }
}
