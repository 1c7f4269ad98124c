//! Concurrent loads share one `MGET`, which costs the server and the client less than separate
//! `GET`s.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::{Cmd, RedisResult, Value};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::connection::Connection;
use crate::error::timed_out;

/// The minimum number of concurrent loads that share a command. With fewer loads, the task that
/// sends the command costs more than it saves.
const SHARED_FROM: usize = 4;
/// The maximum number of keys in a command.
pub(crate) const MOST_KEYS: usize = 128;

/// The loads of a store that are in progress.
#[derive(Debug, Default)]
pub(crate) struct Loads {
    running: AtomicUsize,
    waiting: Mutex<Vec<Waiting>>,
}

/// A load whose command is not sent yet.
#[derive(Debug)]
struct Waiting {
    name: Vec<u8>,
    reply: oneshot::Sender<Value>,
}

/// The task that sends the command of the waiting loads. If the task is dropped with its runtime,
/// the loads send separate commands.
struct Task {
    loads: Arc<Loads>,
    has_taken: bool,
}

/// A guard that counts a load until the guard is dropped.
struct Running<'a>(&'a AtomicUsize);

impl Loads {
    /// Returns the reply to `alone`, the command of a load. Loads that begin at the same time may
    /// share another command instead. If the shared command fails, `alone` is sent.
    pub(crate) async fn run(
        self: &Arc<Self>,
        name: &[u8],
        connection: &Arc<dyn Connection>,
        deadline: Instant,
        alone: impl Future<Output = RedisResult<Value>>,
    ) -> RedisResult<Value> {
        let others = self.running.fetch_add(1, Ordering::Relaxed);
        let _running = Running(&self.running);
        if others >= SHARED_FROM
            && connection.shares_loads()
            && let Some(reply) = self.wait(name, connection, deadline)
        {
            match timeout_at(deadline, reply).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(_)) => {}
                Err(_) => {
                    // The task may be on a runtime that does not run. Later loads start another
                    // task.
                    self.lock().clear();
                    return Err(timed_out());
                }
            }
        }
        alone.await
    }

    /// Adds a load to the waiting loads. The first load starts a task that sends the command.
    /// Therefore no load needs to be polled again, and each load may be dropped. The deadline of
    /// the first load is the earliest.
    fn wait(
        self: &Arc<Self>,
        name: &[u8],
        connection: &Arc<dyn Connection>,
        deadline: Instant,
    ) -> Option<oneshot::Receiver<Value>> {
        let (reply, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.len() == MOST_KEYS {
            return None;
        }
        waiting.push(Waiting { name: name.to_vec(), reply });
        if waiting.len() == 1 {
            let task = Task { loads: Arc::clone(self), has_taken: false };
            tokio::spawn(task.run(Arc::clone(connection), deadline));
        }
        Some(receiver)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Task {
    async fn run(mut self, connection: Arc<dyn Connection>, deadline: Instant) {
        // The other ready tasks run first.
        tokio::task::yield_now().await;
        let waiting = std::mem::take(&mut *self.loads.lock());
        self.has_taken = true;
        if waiting.is_empty() {
            return;
        }
        let command = get(waiting.iter().map(|load| &*load.name));
        if let Ok(Value::Array(values)) = connection.send(&command, deadline).await {
            for (load, value) in waiting.into_iter().zip(values) {
                // The load may have been dropped.
                _ = load.reply.send(value);
            }
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.has_taken {
            self.loads.lock().clear();
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the command that reads the values of these keys.
pub(crate) fn get<'a>(names: impl ExactSizeIterator<Item = &'a [u8]>) -> Cmd {
    let mut get = Cmd::with_capacity(names.len() + 1, names.len() * 64);
    get.arg("MGET");
    for name in names {
        get.arg(name);
    }
    get
}
