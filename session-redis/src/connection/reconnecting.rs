//! A multiplexed connection to one server, be it named by its address or by Sentinel. It is made anew when it was lost.
//!
//! redis-rs's own `ConnectionManager` knows no Sentinel, waits between attempts while calls queue up behind it, and keeps a
//! connection on which nothing answers any more.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ProtocolVersion, PushInfo, PushKind, RedisResult, ServerErrorKind, Value,
};
use session_core::async_trait;
use tokio::time::{Instant, timeout_at};

use super::Connection;
use crate::error::timed_out;

/// Makes connections to whatever server is the right one at the time.
#[async_trait]
pub(crate) trait Connector: Send + Sync {
    async fn connect(&mut self, config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection>;
}

/// The server at an address.
pub(crate) struct Server(pub(crate) Client);

#[async_trait]
impl Connector for Server {
    async fn connect(&mut self, config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
        self.0.get_multiplexed_async_connection_with_config(config).await
    }
}

#[cfg(feature = "sentinel")]
#[async_trait]
impl Connector for redis::sentinel::SentinelClient {
    async fn connect(&mut self, config: &AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
        self.get_async_connection_with_config(config).await
    }
}

pub(crate) struct Reconnecting<C> {
    /// Locked while a connection is being made, so that one is made for all who wait.
    connector: tokio::sync::Mutex<C>,
    slot: Arc<Slot>,
    made: AtomicU64,
    protocol: ProtocolVersion,
}

/// The connection there is, and its number.
#[derive(Default)]
struct Slot(Mutex<Option<(u64, MultiplexedConnection)>>);

impl<C: Connector> Reconnecting<C> {
    /// Connects for the first time.
    pub(crate) async fn connect(connector: C, protocol: ProtocolVersion, deadline: Instant) -> RedisResult<Self> {
        let connector = tokio::sync::Mutex::new(connector);
        let this = Self { connector, slot: Arc::default(), made: AtomicU64::new(0), protocol };
        timeout_at(deadline, this.connection()).await.unwrap_or_else(|_| Err(timed_out()))?;
        Ok(this)
    }

    /// The connection there is by now, or a new one.
    async fn connection(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        let mut connector = self.connector.lock().await;
        if let Some(current) = self.slot.get() {
            return Ok(current);
        }
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        // The deadline of whoever waits is stricter than either.
        let mut config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        if self.protocol.supports_resp3() {
            // A connection that is closed while nobody waits for an answer is noticed before the next call needs it.
            let watch = Watch { slot: Arc::downgrade(&self.slot), number };
            config = config.set_push_sender(move |push: PushInfo| -> Result<(), ()> {
                if push.kind == PushKind::Disconnection {
                    watch.forget();
                }
                Ok(())
            });
        }
        let connection = connector.connect(&config).await?;
        self.slot.put(number, connection.clone());
        Ok((number, connection))
    }
}

#[async_trait]
impl<C: Connector> Connection for Reconnecting<C> {
    async fn send(&self, command: &Cmd, deadline: Instant) -> RedisResult<Value> {
        let (number, mut connection) = match self.slot.get() {
            Some(current) => current,
            // Rare, and far larger than all the rest: a call makes no room for it.
            None => Box::pin(timeout_at(deadline, self.connection())).await.unwrap_or_else(|_| Err(timed_out()))?,
        };
        let answer = timeout_at(deadline, connection.req_packed_command(command)).await;
        let answer = answer.unwrap_or_else(|_| Err(timed_out())).and_then(Value::extract_error);
        if let Err(error) = &answer {
            let kind = error.kind();
            // A server that has become a replica stays one; whoever names the server may name another by now.
            let moved = kind == redis::ErrorKind::Server(ServerErrorKind::ReadOnly);
            if moved || kind == redis::ErrorKind::Io || error.is_unrecoverable_error() {
                self.slot.forget(number);
            }
        }
        answer
    }
}

impl<C> fmt::Debug for Reconnecting<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting").field("made", &self.made).finish_non_exhaustive()
    }
}

impl Slot {
    fn get(&self) -> Option<(u64, MultiplexedConnection)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, number: u64, connection: MultiplexedConnection) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, connection));
    }

    /// Lets a connection go, unless there is a newer one. Calls that wait on it may still be answered.
    fn forget(&self, number: u64) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = slot.take_if(|(current, _)| *current == number);
        drop(slot);
        // What this ends may look into the slot.
        drop(forgotten);
    }
}

/// Held by what drives a connection: it may tell that the connection was closed, or go, with its runtime, without a word.
struct Watch {
    slot: Weak<Slot>,
    number: u64,
}

impl Watch {
    fn forget(&self) {
        if let Some(slot) = self.slot.upgrade() {
            slot.forget(self.number);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.forget();
    }
}
