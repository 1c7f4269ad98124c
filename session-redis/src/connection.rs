//! One connection that everybody shares, and the time that a call may take on it.

#[cfg(feature = "cluster")]
mod cluster;
mod reconnecting;

use std::fmt;

use redis::aio::ConnectionLike;
use redis::{Cmd, RedisResult, Value};
use session_core::async_trait;
use tokio::time::{Instant, timeout_at};

use crate::error::timed_out;

#[cfg(feature = "cluster")]
pub(crate) use cluster::Cluster;
pub(crate) use reconnecting::{Reconnecting, Server};

/// Where commands go.
#[async_trait]
pub(crate) trait Connection: fmt::Debug + Send + Sync {
    /// Sends a command, once, and gives Redis's answer; an error of Redis's is an error. Whatever happens, it is over at
    /// the deadline.
    async fn send(&self, command: &Cmd, deadline: Instant) -> RedisResult<Value>;
}

/// A connection that the application made. How it comes back when it is lost is its own affair.
pub(crate) struct Given<C>(pub(crate) C);

#[async_trait]
impl<C: ConnectionLike + Clone + Send + Sync> Connection for Given<C> {
    async fn send(&self, command: &Cmd, deadline: Instant) -> RedisResult<Value> {
        let mut connection = self.0.clone();
        let answer = timeout_at(deadline, connection.req_packed_command(command)).await;
        answer.unwrap_or_else(|_| Err(timed_out()))?.extract_error()
    }
}

impl<C> fmt::Debug for Given<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(..)")
    }
}
