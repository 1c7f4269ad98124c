//! A Cluster. redis-rs knows its nodes and repairs its connections, but resends nothing: only what Redis itself sent elsewhere
//! goes there.

use std::fmt;
use std::time::Duration;

use redis::aio::ConnectionLike as _;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::SingleNodeRoutingInfo;
use redis::{Cmd, RedisError, RedisResult, ServerErrorKind, Value};
use session_core::async_trait;
use tokio::time::{Instant, sleep_until, timeout_at};

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

pub(crate) struct Cluster(ClusterConnection);

impl Cluster {
    pub(crate) async fn connect(client: &ClusterClient, deadline: Instant) -> RedisResult<Self> {
        let connection = timeout_at(deadline, client.get_async_connection()).await;
        connection.unwrap_or_else(|_| Err(timed_out())).map(Self)
    }

    async fn send_once(&self, command: &Cmd) -> RedisResult<Value> {
        self.0.clone().req_packed_command(command).await?.extract_error()
    }

    /// Sends a command to the node that is about to take the key over.
    async fn ask(&self, command: &Cmd, node: SingleNodeRoutingInfo) -> RedisResult<Value> {
        let mut asking = redis::pipe();
        asking.cmd("ASKING").add_command(command.clone());
        let answers = self.0.clone().route_pipeline(asking, 0, 2, node).await?;
        answers.into_iter().nth(1).unwrap_or(Value::Nil).extract_error()
    }
}

#[async_trait]
impl Connection for Cluster {
    async fn send(&self, command: &Cmd, deadline: Instant) -> RedisResult<Value> {
        let mut answer = timeout_at(deadline, self.send_once(command)).await.unwrap_or_else(|_| Err(timed_out()));
        for wait in WAITS {
            let Err(error) = &answer else { return answer };
            let elsewhere = elsewhere(error);
            let again = Instant::now() + wait;
            if elsewhere == Elsewhere::No || again >= deadline {
                return answer;
            }
            sleep_until(again).await;
            let sending = async {
                match elsewhere {
                    Elsewhere::Ask(node) => self.ask(command, node).await,
                    _ => self.send_once(command).await,
                }
            };
            answer = timeout_at(deadline, sending).await.unwrap_or_else(|_| Err(timed_out()));
        }
        answer
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cluster(..)")
    }
}

/// Whether Redis has not carried a command out because another node has, or soon will have, the key.
#[derive(PartialEq)]
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
