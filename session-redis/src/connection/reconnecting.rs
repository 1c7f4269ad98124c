//! A multiplexed connection to one server, given by its address or found by Sentinel. A lost
//! connection is replaced.
//!
//! The `ConnectionManager` of redis-rs does not support Sentinel, waits between attempts while
//! calls queue, and keeps a connection that no longer replies.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::future::BoxFuture;
use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ProtocolVersion, PushInfo, PushKind, RedisResult,
    ServerErrorKind, Value,
};
use session_core::async_trait;
use session_core::events::{Event, Events};
use session_core::store::{Credentials, CredentialsProvider};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::tracking::{Listener, Listeners, start_tracking};
use super::{Connection, provided};
use crate::address::invalid;
use crate::error::timed_out;

/// A connector to the server that currently has the data.
#[async_trait]
pub(crate) trait Connector: Send + Sync {
    async fn connect(
        &mut self,
        config: &AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection>;

    /// Waits until the server of the last connection no longer has the data. Returns `None` if
    /// only a call detects this.
    fn moved(&self) -> Option<BoxFuture<'static, ()>> {
        None
    }
}

/// The server at an address.
pub(crate) struct Server {
    /// Returns the client with these credentials, or with the credentials of the settings.
    client: Box<dyn Fn(Option<Credentials>) -> RedisResult<Client> + Send + Sync>,
    provider: Option<Arc<dyn CredentialsProvider>>,
}

impl Server {
    pub(crate) fn new(
        client: impl Fn(Option<Credentials>) -> RedisResult<Client> + Send + Sync + 'static,
        provider: Option<Arc<dyn CredentialsProvider>>,
    ) -> Self {
        Self { client: Box::new(client), provider }
    }
}

#[async_trait]
impl Connector for Server {
    async fn connect(
        &mut self,
        config: &AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        let credentials = provided(self.provider.as_deref()).await?;
        (self.client)(credentials)?.get_multiplexed_async_connection_with_config(config).await
    }
}

pub(crate) struct Reconnecting<C> {
    /// Locked while a connection is being opened, so that all waiting calls share one connection.
    connector: tokio::sync::Mutex<C>,
    slot: Arc<Slot>,
    made: AtomicU64,
    protocol: ProtocolVersion,
    events: Events,
}

/// The current connection, if there is one.
#[derive(Default)]
struct Slot {
    current: Mutex<Option<Current>>,
    listeners: Listeners,
}

struct Current {
    number: u64,
    connection: MultiplexedConnection,
    /// The task that ends with the connection.
    follower: Option<Follower>,
}

/// A task that drops the connection when the data moves to another server. The task ends when this
/// value is dropped.
struct Follower(AbortHandle);

impl<C: Connector> Reconnecting<C> {
    /// Connects for the first time.
    pub(crate) async fn connect(
        connector: C,
        protocol: ProtocolVersion,
        deadline: Instant,
        events: Events,
    ) -> RedisResult<Self> {
        let (connector, made) = (tokio::sync::Mutex::new(connector), AtomicU64::new(0));
        let this = Self { connector, slot: Arc::default(), made, protocol, events };
        timeout_at(deadline, this.connection()).await.unwrap_or_else(|_| Err(timed_out()))?;
        Ok(this)
    }

    /// Returns the current connection, or a new connection if there is none.
    async fn connection(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        let mut connector = self.connector.lock().await;
        if let Some(current) = self.slot.get() {
            return Ok(current);
        }
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        // The deadline of the waiting call is stricter than these two timeouts.
        let mut config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        if self.protocol.supports_resp3() {
            // A closed connection is detected before the next call needs it.
            let watch = Watch { slot: Arc::downgrade(&self.slot), number };
            config = config.set_push_sender(move |push: PushInfo| -> Result<(), ()> {
                watch.receive(&push);
                Ok(())
            });
        }
        let mut connection = connector.connect(&config).await?;
        self.slot.listeners.prepare(&mut connection).await?;
        self.slot.put(number, connection.clone(), connector.moved());
        drop(connector);
        if number > 0 {
            self.events.report(Event::Reconnected);
        }
        Ok((number, connection))
    }
}

#[async_trait]
impl<C: Connector> Connection for Reconnecting<C> {
    async fn send(&self, command: &Cmd, deadline: Instant) -> RedisResult<Value> {
        let (number, mut connection) = match self.slot.get() {
            Some(current) => current,
            // Boxed because this future is large and rarely needed.
            None => Box::pin(timeout_at(deadline, self.connection()))
                .await
                .unwrap_or_else(|_| Err(timed_out()))?,
        };
        let reply = timeout_at(deadline, connection.req_packed_command(command)).await;
        let reply = reply.unwrap_or_else(|_| Err(timed_out())).and_then(Value::extract_error);
        if let Err(error) = &reply {
            let kind = error.kind();
            // A server that has become a replica stays a replica. The address may lead to another
            // server in the meantime.
            let moved = kind == redis::ErrorKind::Server(ServerErrorKind::ReadOnly);
            if moved || kind == redis::ErrorKind::Io || error.is_unrecoverable_error() {
                self.slot.forget(number);
            }
        }
        reply
    }

    fn shares_loads(&self) -> bool {
        true
    }

    async fn report_changes(&self, listener: Listener, deadline: Instant) -> RedisResult<()> {
        if !self.protocol.supports_resp3() {
            return Err(invalid("RESP2 reports no changes; remove `protocol=resp2`"));
        }
        // From now on, each new connection is prepared. The command prepares the current
        // connection.
        self.slot.listeners.add(listener.clone());
        let reply = self.send(&start_tracking(), deadline).await;
        if reply.is_err() {
            self.slot.listeners.remove(&listener);
        }
        reply.map(drop)
    }
}

impl<C> fmt::Debug for Reconnecting<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting").field("made", &self.made).finish_non_exhaustive()
    }
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self) -> Option<(u64, MultiplexedConnection)> {
        self.lock().as_ref().map(|current| (current.number, current.connection.clone()))
    }

    /// Uses a new connection until the data moves to another server.
    fn put(
        self: &Arc<Self>,
        number: u64,
        connection: MultiplexedConnection,
        moved: Option<BoxFuture<'static, ()>>,
    ) {
        *self.lock() = Some(Current { number, connection, follower: None });
        let Some(moved) = moved else { return };
        let watch = Watch { slot: Arc::downgrade(self), number };
        let following = tokio::spawn(async move {
            moved.await;
            watch.forget();
        });
        let mut follower = Some(Follower(following.abort_handle()));
        // The connection may have been dropped already.
        if let Some(current) = self.lock().as_mut().filter(|current| current.number == number) {
            current.follower = follower.take();
        }
    }

    /// Drops a connection, unless there is a newer connection. Calls in progress may still receive
    /// a reply.
    fn forget(&self, number: u64) {
        let mut slot = self.lock();
        let forgotten = slot.take_if(|current| current.number == number);
        drop(slot);
        if forgotten.is_some() {
            // A load that starts after this report uses another connection.
            self.listeners.report_all();
        }
        // Dropping the connection may access the slot.
        drop(forgotten);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A guard that a task owns. It removes the connection from the slot when the task requires a new
/// connection, or when the task is dropped with its runtime.
struct Watch {
    slot: Weak<Slot>,
    number: u64,
}

impl Watch {
    fn receive(&self, push: &PushInfo) {
        if push.kind == PushKind::Disconnection {
            self.forget();
        } else if let Some(slot) = self.slot.upgrade() {
            slot.listeners.receive(push);
        }
    }

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
