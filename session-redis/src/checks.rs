//! Warnings about settings with which Redis loses sessions.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use redis::{Cmd, Value};
use session_core::events::{Event, Events};
use tokio::time::Instant;

use crate::connection::Connection;

/// A reader of the settings of Redis. A setting is not checked if the store's user has no
/// permission to read it.
pub(crate) struct Checks<'a> {
    pub(crate) connection: &'a dyn Connection,
    pub(crate) deadline: Instant,
}

impl Checks<'_> {
    /// Warns if Redis may evict sessions.
    pub(crate) async fn check_eviction(&self) {
        let memory = self.info("memory").await;
        let mut policies: Vec<_> =
            memory.iter().filter_map(|node| field(node, "maxmemory_policy")).collect();
        let configured;
        if policies.is_empty() {
            configured = self.configured("maxmemory-policy").await;
            policies.extend(configured.as_deref());
        }
        if let Some(policy) = policies.into_iter().find(|policy| *policy != "noeviction") {
            tracing::warn!(policy, "redis may evict sessions; set maxmemory-policy to noeviction");
        }
    }

    /// Warns if a failover may lose acknowledged writes.
    pub(crate) async fn check_replicas(&self) {
        let nodes = self.info("replication").await;
        let replicas_of = |node: &String| field(node, "connected_slaves")?.parse::<u64>().ok();
        let Some(node) = nodes.iter().max_by_key(|node| replicas_of(node)) else { return };
        let replicas = replicas_of(node).unwrap_or(0);
        // The field is present if a minimum is set.
        let minimum = if field(node, "min_slaves_good_slaves").is_some() {
            let minimum = self.configured("min-replicas-to-write").await;
            minimum.and_then(|minimum| minimum.parse::<u64>().ok())
        } else {
            Some(0)
        };
        if let Some(minimum) = minimum.filter(|minimum| *minimum < replicas) {
            tracing::warn!(
                replicas,
                minimum,
                "a failover may lose acknowledged writes; set min-replicas-to-write to the number of replicas"
            );
        }
    }

    /// Returns whether a server is a replica.
    pub(crate) async fn has_replica(&self) -> bool {
        let nodes = self.info("replication").await;
        nodes.iter().any(|node| field(node, "role") == Some("slave"))
    }

    /// Returns the number of keys that Redis has evicted since it was started.
    pub(crate) async fn evicted_keys(&self) -> Option<u64> {
        let nodes = self.info("stats").await;
        nodes.iter().map(|node| field(node, "evicted_keys")?.parse::<u64>().ok()).sum()
    }

    /// Returns the address and the `run_id` of each server that has records, in the order of the
    /// addresses. The address is empty outside a Cluster.
    pub(crate) async fn servers(&self) -> Vec<(String, String)> {
        let process = |node: Value| {
            let information: String = redis::from_redis_value(node).ok()?;
            Some(field(&information, "run_id")?.to_owned())
        };
        let mut servers: Vec<_> = match self.read(redis::cmd("INFO").arg("server")).await {
            Some(Value::Map(nodes)) => nodes
                .into_iter()
                .filter_map(|(address, node)| {
                    Some((redis::from_redis_value(address).ok()?, process(node)?))
                })
                .collect(),
            node => vec![(String::new(), node.and_then(process).unwrap_or_default())],
        };
        servers.sort_unstable();
        servers
    }

    /// Returns a section of the information about each master.
    async fn info(&self, section: &str) -> Vec<String> {
        match self.read(redis::cmd("INFO").arg(section)).await {
            Some(Value::Map(nodes)) => nodes
                .into_iter()
                .filter_map(|(_, node)| redis::from_redis_value(node).ok())
                .collect(),
            Some(node) => redis::from_redis_value(node).into_iter().collect(),
            None => Vec::new(),
        }
    }

    async fn configured(&self, name: &str) -> Option<String> {
        let reply = self.read(redis::cmd("CONFIG").arg("GET").arg(name)).await?;
        redis::from_redis_value::<HashMap<String, String>>(reply).ok()?.remove(name)
    }

    async fn read(&self, command: &Cmd) -> Option<Value> {
        // A late command would fail, and the connection would be replaced.
        if Instant::now() >= self.deadline {
            return None;
        }
        self.connection.send(command, self.deadline).await.ok()
    }
}

/// The number of keys that Redis has evicted, and the handler of the events about new evictions.
#[derive(Debug)]
pub(crate) struct Evictions {
    events: Events,
    seen: Mutex<u64>,
}

impl Evictions {
    pub(crate) fn new(events: Events, evicted: Option<u64>) -> Self {
        Self { events, seen: Mutex::new(evicted.unwrap_or(0)) }
    }

    /// Reports the evictions since the last call. Redis counts from zero again after a restart.
    pub(crate) fn report(&self, evicted: u64) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let last = std::mem::replace(&mut *seen, evicted);
        drop(seen);
        let count = if evicted < last { evicted } else { evicted - last };
        if count > 0 {
            self.events.report(Event::Evicted { count });
        }
    }
}

/// Returns the value of a field in a reply to `INFO`.
fn field<'a>(information: &'a str, name: &str) -> Option<&'a str> {
    information.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
}
