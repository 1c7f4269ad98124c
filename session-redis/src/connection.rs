//! The connection that all calls share, and the deadline of a call.

#[cfg(feature = "cluster")]
mod cluster;
mod reconnecting;
#[cfg(feature = "sentinel")]
mod sentinel;
mod tracking;

use std::{fmt, io};

use redis::aio::ConnectionLike;
use redis::{Cmd, RedisResult, Value};
use session_core::async_trait;
use session_core::store::{Credentials, CredentialsProvider};
use tokio::time::{Instant, timeout_at};

use crate::address::invalid;
use crate::error::timed_out;

#[cfg(feature = "cluster")]
pub(crate) use cluster::{Cluster, NodeCredentials};
pub(crate) use reconnecting::{Reconnecting, Server};
#[cfg(feature = "sentinel")]
pub(crate) use sentinel::Sentinels;
pub(crate) use tracking::Listener;

/// A connection to Redis.
#[async_trait]
pub(crate) trait Connection: fmt::Debug + Send + Sync {
    /// Sends a command once and returns the reply. An error reply is returned as an error. The call
    /// always returns by the deadline.
    async fn send(&self, command: &Cmd, deadline: Instant) -> RedisResult<Value>;

    /// Returns whether one command may read keys of any slot. The default is `false`, because a
    /// connection of the application may be a connection to a Cluster.
    fn shares_loads(&self) -> bool {
        false
    }

    /// Reports the changes of records to a listener from now on.
    async fn report_changes(&self, _listener: Listener, _deadline: Instant) -> RedisResult<()> {
        Err(invalid(
            "a Cluster or an existing connection reports no changes; use CachedBuilder::build",
        ))
    }

    /// Returns whether [`send_to`](Self::send_to) can select a server of a Cluster.
    fn selects_servers(&self) -> bool {
        false
    }

    /// Starts to replace the connections to a Cluster, because one of its masters is missing.
    fn find_servers(&self) {}

    /// Sends a command to the server with this address in a Cluster, or to the only server.
    async fn send_to(
        &self,
        _address: &str,
        command: &Cmd,
        deadline: Instant,
    ) -> RedisResult<Value> {
        self.send(command, deadline).await
    }
}

/// Returns the current credentials, if there is a provider.
async fn provided(provider: Option<&dyn CredentialsProvider>) -> RedisResult<Option<Credentials>> {
    match provider {
        Some(provider) => credentials_of(provider).await.map(Some),
        None => Ok(None),
    }
}

async fn credentials_of(provider: &dyn CredentialsProvider) -> RedisResult<Credentials> {
    provider.credentials().await.map_err(|error| io::Error::other(error).into())
}

/// An existing connection of the application. It must reconnect by itself.
pub(crate) struct Given<C>(pub(crate) C);

#[async_trait]
impl<C: ConnectionLike + Clone + Send + Sync> Connection for Given<C> {
    async fn send(&self, command: &Cmd, deadline: Instant) -> RedisResult<Value> {
        let mut connection = self.0.clone();
        let reply = timeout_at(deadline, connection.req_packed_command(command)).await;
        reply.unwrap_or_else(|_| Err(timed_out()))?.extract_error()
    }
}

impl<C> fmt::Debug for Given<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(..)")
    }
}
