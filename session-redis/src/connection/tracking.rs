//! Reports of changed keys: `CLIENT TRACKING`, and the listeners of its messages.
//!
//! The store uses the default mode of tracking. The server records the keys that the connection has
//! read, and sends one message when one of these keys changes. The store does not use `NOLOOP`,
//! because the server removes a key from its list at each change, even without a report.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::{Cmd, PushInfo, PushKind, RedisResult, Value};
use session_core::store::ChangeListener;

use crate::names::key_of;

/// A receiver of the changes of records with a prefix.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) key_prefix: String,
    pub(crate) listener: Weak<dyn ChangeListener>,
}

/// The receivers of the changes that all connections of a store report.
#[derive(Default)]
pub(super) struct Listeners(RwLock<Vec<Listener>>);

/// Returns the command that lets the server report changes to a connection.
pub(super) fn start_tracking() -> Cmd {
    let mut command = redis::cmd("CLIENT");
    command.arg("TRACKING").arg("ON");
    command
}

impl Listeners {
    pub(super) fn add(&self, listener: Listener) {
        let mut listeners = self.write();
        listeners.retain(|other| other.listener.strong_count() > 0);
        listeners.push(listener);
    }

    pub(super) fn remove(&self, listener: &Listener) {
        self.write().retain(|other| !Weak::ptr_eq(&other.listener, &listener.listener));
    }

    /// Prepares a new connection. If the server refuses to report changes, sessions remain
    /// available.
    pub(super) async fn prepare(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        if !self.read().iter().any(|other| other.listener.strong_count() > 0) {
            return Ok(());
        }
        let reply = connection.req_packed_command(&start_tracking()).await?;
        if let Err(error) = reply.extract_error() {
            tracing::warn!(%error, "redis reports no changes; the cache uses copies until their time to live");
        }
        Ok(())
    }

    /// Reports the keys in a message of the server.
    pub(super) fn receive(&self, message: &PushInfo) {
        if message.kind != PushKind::Invalidate {
            return;
        }
        match message.data.first() {
            Some(Value::Array(names)) => {
                for name in names {
                    if let Value::BulkString(name) = name {
                        self.report(name);
                    }
                }
            }
            // The server removed all keys.
            _ => self.report_all(),
        }
    }

    fn report(&self, name: &[u8]) {
        for Listener { key_prefix, listener } in self.read().iter() {
            if let Some(key) = key_of(key_prefix, name)
                && let Some(listener) = listener.upgrade()
            {
                listener.changed(&key);
            }
        }
    }

    /// Reports that messages may have been lost.
    pub(super) fn report_all(&self) {
        for listener in self.read().iter().filter_map(|other| other.listener.upgrade()) {
            listener.all_changed();
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Listener>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Listener>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
