//! A Cluster. redis-rs knows its nodes and repairs connections that were closed, but resends nothing: only what Redis itself
//! sent elsewhere goes there. A connection on which nothing answers any more redis-rs keeps, so here it is replaced.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::ConnectionLike as _;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::SingleNodeRoutingInfo;
use redis::{Cmd, RedisError, RedisResult, ServerErrorKind, Value};
use session_core::async_trait;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::Connection;
use crate::error::timed_out;

/// How long to wait before a command goes to the node that has the key now, each time that it has moved.
const WAITS: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
    Duration::from_millis(160),
    Duration::from_millis(320),
];

/// How often the deadline of a call passes before a new connection to the whole Cluster is given up.
const PATIENCE: u32 = 5;

pub(crate) struct Cluster {
    client: Arc<ClusterClient>,
    slot: Arc<Mutex<Current>>,
    /// Locked while a new connection is being made.
    renewing: Arc<tokio::sync::Mutex<()>>,
    patience: Duration,
}

/// The connections to all nodes, and how often they were made.
#[derive(Clone)]
struct Current {
    connection: ClusterConnection,
    number: u64,
}

impl Cluster {
    pub(crate) async fn connect(client: ClusterClient, time: Duration) -> RedisResult<Self> {
        let connection = timeout(time, client.get_async_connection()).await.unwrap_or_else(|_| Err(timed_out()))?;
        Ok(Self {
            client: Arc::new(client),
            slot: Arc::new(Mutex::new(Current { connection, number: 0 })),
            renewing: Arc::default(),
            patience: time * PATIENCE,
        })
    }

    /// Sends a command, to the node that is about to take the key over if there is one.
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
                    let answers = connection.route_pipeline(asking, 0, 2, node).await?;
                    Ok(answers.into_iter().nth(1).unwrap_or(Value::Nil))
                }
            }
        };
        let answer = timeout_at(deadline, sending).await.unwrap_or_else(|_| Err(timed_out()));
        if answer.as_ref().is_err_and(is_silent) {
            self.renew(number);
        }
        answer?.extract_error()
    }

    /// Makes new connections beside the ones there are: calls to nodes that answer go on meanwhile.
    fn renew(&self, number: u64) {
        let Ok(renewing) = Arc::clone(&self.renewing).try_lock_owned() else { return };
        if current(&self.slot).number != number {
            return;
        }
        let (client, slot, patience) = (Arc::clone(&self.client), Arc::clone(&self.slot), self.patience);
        tokio::spawn(async move {
            if let Ok(Ok(connection)) = timeout(patience, client.get_async_connection()).await {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Current { connection, number: number + 1 };
            }
            drop(renewing);
        });
    }
}

#[async_trait]
impl Connection for Cluster {
    async fn send(&self, command: &Cmd, deadline: Instant) -> RedisResult<Value> {
        let mut answer = self.send_once(command, None, deadline).await;
        for wait in WAITS {
            let Err(error) = &answer else { return answer };
            let to = match elsewhere(error) {
                Elsewhere::No => return answer,
                Elsewhere::Moved => None,
                Elsewhere::Ask(node) => Some(node),
            };
            let again = Instant::now() + wait;
            if again >= deadline {
                return answer;
            }
            sleep_until(again).await;
            answer = self.send_once(command, to, deadline).await;
        }
        answer
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

/// Whether redis-rs may not get over it: nothing answers, or what drives the connection has gone with its runtime, which looks
/// as if the server had closed it.
fn is_silent(error: &RedisError) -> bool {
    error.is_timeout() || error.is_connection_dropped() && !error.is_connection_refusal()
}

/// Whether Redis has not carried a command out because another node has, or soon will have, the key.
enum Elsewhere {
    No,
    /// redis-rs asks for the new map of the Cluster before it sends anything else.
    Moved,
    Ask(SingleNodeRoutingInfo),
}

fn elsewhere(error: &RedisError) -> Elsewhere {
    match error.kind() {
        redis::ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::TryAgain) => Elsewhere::Moved,
        redis::ErrorKind::Server(ServerErrorKind::Ask) => {
            let node = error.redirect_node().and_then(|(address, _)| address.rsplit_once(':'));
            let node = node.and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
            node.map_or(Elsewhere::No, |(host, port)| Elsewhere::Ask(SingleNodeRoutingInfo::ByAddress { host, port }))
        }
        _ => Elsewhere::No,
    }
}
