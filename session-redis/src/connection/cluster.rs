//! The connection to a Cluster.
//!
//! redis-rs finds the nodes and replaces closed connections. Its retries are disabled, so this
//! module resends commands that Redis redirects. redis-rs does not replace a connection that does
//! not reply. Therefore this module replaces all connections in that case.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt as _};
use redis::aio::ConnectionLike as _;
use redis::auth::{BasicAuth, StreamingCredentialsProvider};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
use redis::{Cmd, RedisError, RedisResult, ServerErrorKind, Value};
use session_core::async_trait;
use session_core::store::CredentialsProvider;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::{Connection, credentials_of};
use crate::error::timed_out;

/// The pauses before the attempts to send a redirected command to the new node.
const WAITS: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
    Duration::from_millis(160),
    Duration::from_millis(320),
];

/// The time limit for connecting to the whole Cluster, as a multiple of a call's deadline.
const PATIENCE: u32 = 5;

pub(crate) struct Cluster {
    client: Arc<ClusterClient>,
    slot: Arc<Mutex<Current>>,
    /// Locked while new connections are being opened.
    renewing: Arc<tokio::sync::Mutex<()>>,
    patience: Duration,
}

/// A provider of the credentials of the connection to each node. redis-rs subscribes when it
/// connects.
pub(crate) struct NodeCredentials {
    pub(crate) provider: Arc<dyn CredentialsProvider>,
    /// The user for a password without a user.
    pub(crate) username: Option<String>,
}

impl StreamingCredentialsProvider for NodeCredentials {
    fn subscribe(&self) -> Pin<Box<dyn Stream<Item = RedisResult<BasicAuth>> + Send + 'static>> {
        let (provider, username) = (Arc::clone(&self.provider), self.username.clone());
        let current = async move {
            let credentials = credentials_of(&*provider).await?;
            let username = credentials.username().map(str::to_owned).or(username);
            let username = username.unwrap_or_else(|| "default".to_owned());
            Ok(BasicAuth::new(username, credentials.password().to_owned()))
        };
        Box::pin(stream::once(current).chain(stream::pending()))
    }
}

/// The connections to all nodes, and the number of their replacements.
#[derive(Clone)]
struct Current {
    connection: ClusterConnection,
    number: u64,
}

impl Cluster {
    pub(crate) async fn connect(client: ClusterClient, time: Duration) -> RedisResult<Self> {
        let connection = timeout(time, client.get_async_connection())
            .await
            .unwrap_or_else(|_| Err(timed_out()))?;
        Ok(Self {
            client: Arc::new(client),
            slot: Arc::new(Mutex::new(Current { connection, number: 0 })),
            renewing: Arc::default(),
            patience: time * PATIENCE,
        })
    }

    /// Sends a command. `to` is the node that imports the slot of the key, or `None`.
    async fn send_once(
        &self,
        command: &Cmd,
        to: Option<SingleNodeRoutingInfo>,
        deadline: Instant,
    ) -> RedisResult<Value> {
        let Current { mut connection, number } = current(&self.slot);
        let sending = async {
            match to {
                None => connection.req_packed_command(command).await,
                Some(node) => {
                    let mut asking = redis::pipe();
                    asking.cmd("ASKING").add_command(command.clone());
                    let replies = connection.route_pipeline(asking, 0, 2, node).await?;
                    Ok(replies.into_iter().nth(1).unwrap_or(Value::Nil))
                }
            }
        };
        let reply = timeout_at(deadline, sending).await.unwrap_or_else(|_| Err(timed_out()));
        if reply.as_ref().is_err_and(is_silent) {
            self.renew(number);
        }
        reply?.extract_error()
    }

    /// Replaces all connections. Calls to nodes that reply continue on the old connections in the
    /// meantime.
    fn renew(&self, number: u64) {
        let Ok(renewing) = Arc::clone(&self.renewing).try_lock_owned() else { return };
        if current(&self.slot).number != number {
            return;
        }
        let (client, slot, patience) =
            (Arc::clone(&self.client), Arc::clone(&self.slot), self.patience);
        tokio::spawn(async move {
            if let Ok(Ok(connection)) = timeout(patience, client.get_async_connection()).await {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) =
                    Current { connection, number: number + 1 };
            }
            drop(renewing);
        });
    }
}

#[async_trait]
impl Connection for Cluster {
    async fn send(&self, command: &Cmd, deadline: Instant) -> RedisResult<Value> {
        let mut reply = self.send_once(command, None, deadline).await;
        for wait in WAITS {
            let Err(error) = &reply else { return reply };
            let to = match redirection(error) {
                Redirection::No => return reply,
                Redirection::Moved => None,
                Redirection::Ask(node) => Some(node),
            };
            let again = Instant::now() + wait;
            if again >= deadline {
                return reply;
            }
            sleep_until(again).await;
            reply = self.send_once(command, to, deadline).await;
        }
        reply
    }

    fn selects_servers(&self) -> bool {
        true
    }

    fn find_servers(&self) {
        self.renew(current(&self.slot).number);
    }

    async fn send_to(&self, address: &str, command: &Cmd, deadline: Instant) -> RedisResult<Value> {
        let Some(node) = by_address(address) else { return self.send(command, deadline).await };
        let Current { mut connection, number } = current(&self.slot);
        let sending = connection.route_command(command.clone(), RoutingInfo::SingleNode(node));
        let reply = timeout_at(deadline, sending).await.unwrap_or_else(|_| Err(timed_out()));
        if reply.as_ref().is_err_and(is_silent) {
            self.renew(number);
        }
        reply?.extract_error()
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cluster(..)")
    }
}

fn current(slot: &Mutex<Current>) -> Current {
    slot.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Returns whether redis-rs may not recover from the error. Either there is no reply, or the task
/// of the connection ended with its runtime, which looks like a closed connection.
fn is_silent(error: &RedisError) -> bool {
    error.is_timeout() || error.is_connection_dropped() && !error.is_connection_refusal()
}

/// The reason why Redis did not run a command: another node has the key or imports it.
enum Redirection {
    No,
    /// redis-rs loads the new map of the Cluster before it sends another command.
    Moved,
    Ask(SingleNodeRoutingInfo),
}

fn by_address(address: &str) -> Option<SingleNodeRoutingInfo> {
    let (host, port) = address.rsplit_once(':')?;
    Some(SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port: port.parse().ok()? })
}

fn redirection(error: &RedisError) -> Redirection {
    match error.kind() {
        redis::ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::TryAgain) => {
            Redirection::Moved
        }
        redis::ErrorKind::Server(ServerErrorKind::Ask) => {
            let node = error.redirect_node().and_then(|(address, _)| by_address(address));
            node.map_or(Redirection::No, Redirection::Ask)
        }
        _ => Redirection::No,
    }
}
