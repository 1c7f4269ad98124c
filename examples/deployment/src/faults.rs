//! The faults, and what the documentation says that each can lose.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::deployment::Deployment;
use crate::judge::Documented;
use crate::store::{Kind, Store, alter_system};

const FAULT: Duration = Duration::from_secs(6);
/// `min-replicas-max-lag`, and a second for the loop of the replica that confirms.
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
    /// Of PostgreSQL. Behind Sentinel, [`Fault::PrimaryKilled`] is a failover.
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
            Self::PrimaryKilled,
            Self::PrimaryFrozen,
            Self::ReplicaKilled,
            Self::PlannedFailover,
        ];
        if kind == Kind::Postgres {
            faults.push(Self::Promotion);
        }
        faults.extend([Self::Delay, Self::Interruption, Self::DiskFull, Self::ReadOnly]);
        faults.push(Self::ConnectionLimit);
        if kind == Kind::RedisSentinel {
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
            _ => Documented::Nothing,
        }
    }

    /// Causes the fault and repairs it.
    ///
    /// # Errors
    ///
    /// If it cannot be repaired.
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
                self.inject_in_store(&mut deployment.store).await;
                deployment.store.settle().await?;
            }
        }
        Ok(())
    }

    async fn inject_in_store(self, store: &mut Store) {
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
            Self::DiskFull => fill_disk(store).await,
            _ => self.inject_in_settings(store).await,
        }
    }

    async fn inject_in_settings(self, store: &mut Store) {
        match (self, store) {
            (Self::Promotion, Store::Postgres(postgres)) => postgres.fail_over().await,
            (Self::ReadOnly, store @ Store::Redis(_)) => {
                let set = async |count| {
                    let setting = ["config", "set", "min-replicas-to-write", count];
                    store.primary().await.ask(&setting).await;
                };
                set("2").await;
                sleep(FAULT).await;
                set("1").await;
            }
            (Self::ReadOnly, store @ Store::Postgres(_)) => {
                let primary = store.primary().await;
                alter_system(primary, "SET default_transaction_read_only = on").await;
                sleep(FAULT).await;
                alter_system(primary, "RESET default_transaction_read_only").await;
            }
            (Self::ConnectionLimit, store) => limit_connections(store).await,
            (Self::MemoryFull, store) => limit_memory(store, "noeviction", 1_000_000).await,
            (Self::Eviction, store) => limit_memory(store, "allkeys-random", 100_000).await,
            _ => {}
        }
    }
}

/// Every write to a file fails. PostgreSQL may stop, so it is restarted afterwards.
async fn fill_disk(store: &Store) {
    let primary = store.primary().await;
    primary.limit_files(Some(1)).await;
    sleep(FAULT).await;
    primary.limit_files(None).await;
    if matches!(store, Store::Postgres(_)) {
        primary.restart().await;
    }
}

/// Redis also refuses the sentinels, so the replica takes over.
async fn limit_connections(store: &Store) {
    let primary = store.primary().await;
    if matches!(store, Store::Redis(_)) {
        limit_clients(primary.port()).await.expect("the master accepts a connection");
        return;
    }
    primary.ask(&["ALTER ROLE shop CONNECTION LIMIT 1"]).await;
    let shops = "FROM pg_stat_activity WHERE usename = 'shop'";
    primary.ask(&[&format!("SELECT pg_terminate_backend(pid) {shops}")]).await;
    sleep(FAULT).await;
    primary.ask(&["ALTER ROLE shop CONNECTION LIMIT -1"]).await;
}

/// Uses one connection, because Redis refuses new ones until the limit is lifted.
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

/// Limits the memory of Redis to this many bytes less than it uses.
async fn limit_memory(store: &Store, policy: &str, bytes: u64) {
    let primary = store.primary().await;
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
    fn postgres_loses_nothing_in_any_fault() {
        for fault in Fault::all(Kind::Postgres) {
            let documented = fault.documented(Kind::Postgres);
            assert!(matches!(documented, Documented::Nothing), "{fault:?}");
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
