//! The master that the Sentinels name. The connection is dropped when the Sentinels name another
//! master.
//!
//! The client of redis-rs queries the Sentinels only when it connects, and trusts the first
//! Sentinel that replies. A planned failover leaves the connection to the old master open. The old
//! master accepts writes for ten more seconds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, select_all};
use futures_util::stream::FuturesUnordered;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, Role};
use session_core::async_trait;
use session_core::store::{Credentials, CredentialsProvider};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::provided;
use super::reconnecting::Connector;

/// The events that follow the promotion of a replica. Each Sentinel sends the first event when it
/// uses the new master. The Sentinel that runs the failover sends the second event as soon as it
/// has promoted the replica.
const EVENTS: [&str; 2] = ["+switch-master", "+promoted-slave"];

/// The time in which a followed Sentinel must connect or reply.
const PATIENCE: Duration = Duration::from_secs(2);

/// The interval of queries to a Sentinel that sends no event. A broken connection delivers no
/// events.
const INTERVAL: Duration = Duration::from_secs(1);

/// The time to wait for the other Sentinels after the first reply.
const OTHERS: Duration = Duration::from_millis(250);

/// A connector to the master that Sentinels monitor.
pub(crate) struct Sentinels {
    master_name: String,
    clients: Vec<Client>,
    /// Returns the client of a server at a host and port.
    server: Box<dyn Fn(String, u16, Option<Credentials>) -> RedisResult<Client> + Send + Sync>,
    /// The provider of the server's credentials.
    provider: Option<Arc<dyn CredentialsProvider>>,
    /// The master of the last connection.
    connected: Option<Master>,
}

/// A master that a Sentinel names.
#[derive(Clone)]
struct Master {
    /// Each failover has a higher number.
    epoch: u64,
    address: (String, u16),
}

impl Sentinels {
    pub(crate) fn new(
        master_name: String,
        clients: Vec<Client>,
        server: impl Fn(String, u16, Option<Credentials>) -> RedisResult<Client> + Send + Sync + 'static,
        provider: Option<Arc<dyn CredentialsProvider>>,
    ) -> Self {
        Self { master_name, clients, server: Box::new(server), provider, connected: None }
    }

    /// Returns the master of the latest failover that a Sentinel names.
    async fn find(&self) -> RedisResult<Master> {
        let asking = self.clients.iter().map(|sentinel| async {
            let mut connection = sentinel.get_multiplexed_async_connection().await?;
            ask(&mut connection, &self.master_name).await
        });
        let mut replies: FuturesUnordered<_> = asking.collect();
        let mut found = Err((redis::ErrorKind::EmptySentinelList, "there are no Sentinels").into());
        let mut limit = None;
        loop {
            let next = match limit {
                None => replies.next().await,
                Some(limit) => timeout_at(limit, replies.next()).await.unwrap_or(None),
            };
            match (next, &found) {
                (None, _) => return found,
                (Some(Ok(named)), Ok(best)) if !named.is_after(best) => {}
                (Some(Err(_)), Ok(_)) => {}
                (Some(reply), _) => found = reply,
            }
            if found.is_ok() {
                limit.get_or_insert_with(|| Instant::now() + OTHERS);
            }
        }
    }
}

#[async_trait]
impl Connector for Sentinels {
    async fn connect(
        &mut self,
        config: &AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        let master = self.find().await?;
        let (host, port) = master.address.clone();
        let credentials = provided(self.provider.as_deref()).await?;
        let client = (self.server)(host, port, credentials)?;
        let mut connection = client.get_multiplexed_async_connection_with_config(config).await?;
        let role: Role = redis::cmd("ROLE").query_async(&mut connection).await?;
        if !matches!(role, Role::Primary { .. }) {
            return Err(not_found("the server that Sentinel names is a replica"));
        }
        self.connected = Some(master);
        Ok(connection)
    }

    fn moved(&self) -> Option<BoxFuture<'static, ()>> {
        let master = self.connected.clone()?;
        let following = self.clients.iter().map(|sentinel| {
            Box::pin(follow(sentinel.clone(), self.master_name.clone(), master.clone()))
        });
        let any = select_all(following);
        Some(Box::pin(async { drop(any.await) }))
    }
}

impl Master {
    fn is_after(&self, other: &Self) -> bool {
        self.epoch > other.epoch
    }
}

/// Waits until a Sentinel names another master.
async fn follow(sentinel: Client, master_name: String, current: Master) {
    while watch(&sentinel, &master_name, &current).await.is_err() {
        sleep(INTERVAL).await;
    }
}

/// Waits until a Sentinel names another master. Fails if the connection is lost.
async fn watch(sentinel: &Client, master_name: &str, current: &Master) -> RedisResult<()> {
    let (sender, mut events) = mpsc::unbounded_channel();
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
        .set_push_sender(sender);
    let mut connection = sentinel.get_multiplexed_async_connection_with_config(&config).await?;
    // Without the permission to subscribe, only the queries at intervals detect a failover.
    let subscribed = connection.subscribe(&EVENTS).await;
    if let Err(error) = subscribed
        && is_lost(&error)
    {
        return Err(error);
    }
    loop {
        // The first query detects a failover before the subscription.
        match ask(&mut connection, master_name).await {
            Ok(named) if named.is_after(current) && named.address != current.address => {
                return Ok(());
            }
            Err(error) if is_lost(&error) => return Err(error),
            _ => {}
        }
        _ = timeout(INTERVAL, events.recv()).await;
    }
}

/// Returns the master that a Sentinel names.
async fn ask(sentinel: &mut MultiplexedConnection, master_name: &str) -> RedisResult<Master> {
    let mut commands = redis::pipe();
    // In this order, the address is not older than the epoch. During a failover, only the second
    // command returns the address of the new master.
    commands.cmd("SENTINEL").arg("MASTER").arg(master_name);
    commands.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(master_name);
    let (state, address): (HashMap<String, String>, Option<(String, u16)>) =
        commands.query_async(sentinel).await.map_err(refused)?;
    let field = |name: &str| state.get(name).map_or("", String::as_str);
    let address = address.ok_or_else(|| not_found("the Sentinels do not monitor the master"))?;
    let is_monitored = field("ip") == address.0 && field("port").parse() == Ok(address.1);
    if is_monitored && field("flags").contains("_down") {
        return Err(not_found("the master is down"));
    }
    Ok(Master { epoch: field("config-epoch").parse().unwrap_or(0), address })
}

/// Returns the error of a server that is not a Sentinel, or does not monitor the master.
fn refused(error: RedisError) -> RedisError {
    // The error of a pipeline has no code.
    let text = error.to_string();
    if text.contains("No such master") {
        not_found("the Sentinels do not monitor the master")
    } else if text.contains("unknown command") {
        (redis::ErrorKind::InvalidClientConfig, "the server is not a Sentinel").into()
    } else {
        error
    }
}

fn not_found(text: &'static str) -> RedisError {
    (redis::ErrorKind::MasterNameNotFoundBySentinel, text).into()
}

fn is_lost(error: &RedisError) -> bool {
    error.kind() == redis::ErrorKind::Io || error.is_unrecoverable_error()
}
