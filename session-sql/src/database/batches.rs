//! Batches of calls. Calls that would wait for a connection share one statement, or on MySQL one
//! transaction, on the next free connection.
//!
//! While connections are free, each call uses its own connection, as without batches. A task runs a
//! batch, so that a cancelled call does not cancel the other calls. Each call has its own result.
//!
//! If the database rejects a batch, the batch is rolled back and each call is run separately. After
//! any other failure, the effect of the calls is unknown, and no call is repeated.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::connections::Connections;
use super::driver::Driver;
use super::failure;
use super::query::{OwnedValue, QueryResult, Value};
use crate::statements::{Batch, KEYS_PER_STATEMENT, Statement};

/// The maximum number of calls in one statement.
const MAX_CALLS: usize = KEYS_PER_STATEMENT;
/// The maximum size of a batch in bytes of values. A single call may exceed this size.
const MAX_BYTES: usize = 1 << 20;

pub(super) struct Batches<D: Driver> {
    shared: Arc<Shared<D>>,
}

struct Shared<D: Driver> {
    connections: Connections<D>,
    deadline: Duration,
    /// The queue of each statement, by its text.
    queues: Mutex<HashMap<Arc<str>, WaitQueue>>,
}

/// The calls of one statement.
#[derive(Default)]
struct WaitQueue {
    /// The number of statements in progress, at most the number of connections.
    permits: u32,
    waiting: VecDeque<Call>,
}

struct Call {
    values: Vec<OwnedValue>,
    reply: Reply,
    /// The runtime of the caller. It runs the batch whose first call is this call.
    runtime: Handle,
}

/// The permit to run a statement. Dropping the permit passes it to the waiting calls.
struct Permit<D: Driver> {
    shared: Arc<Shared<D>>,
    statement: Statement,
    batch: Batch,
}

impl<D: Driver> Batches<D> {
    pub(super) fn new(connections: Connections<D>, deadline: Duration) -> Self {
        Self { shared: Arc::new(Shared { connections, deadline, queues: Mutex::default() }) }
    }

    /// Runs one call. A call that is cancelled while it waits has no effect.
    pub(super) async fn call(
        &self,
        statement: &Statement,
        batch: &Batch,
        values: &[Value<'_>],
    ) -> sqlx::Result<QueryResult> {
        match self.shared.enter(statement, batch, values) {
            Ok(_permit) => self.shared.connections.run(statement, values).await,
            Err(result) => result.await.unwrap_or(Err(sqlx::Error::WorkerCrashed)),
        }
    }
}

type Reply = oneshot::Sender<sqlx::Result<QueryResult>>;
type Waiting = oneshot::Receiver<sqlx::Result<QueryResult>>;

impl<D: Driver> Shared<D> {
    fn queues(&self) -> MutexGuard<'_, HashMap<Arc<str>, WaitQueue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a permit, or queues the call if there is none.
    fn enter(
        self: &Arc<Self>,
        statement: &Statement,
        batch: &Batch,
        values: &[Value<'_>],
    ) -> Result<Permit<D>, Waiting> {
        let mut queues = self.queues();
        let queue = queues.entry(Arc::clone(&statement.sql)).or_default();
        if queue.permits < self.connections.most() {
            queue.permits += 1;
            return Ok(Permit {
                shared: Arc::clone(self),
                statement: statement.clone(),
                batch: batch.clone(),
            });
        }
        let (reply, result) = oneshot::channel();
        let values = values.iter().copied().map(OwnedValue::from).collect();
        queue.waiting.push_back(Call { values, reply, runtime: Handle::current() });
        Err(result)
    }

    /// Removes and returns the calls of the next batch. If no call is waiting, returns the permit
    /// to the queue.
    fn next(&self, statement: &Statement) -> Vec<Call> {
        let mut queues = self.queues();
        let Some(queue) = queues.get_mut(&statement.sql) else { return Vec::new() };
        queue.waiting.retain(|call| !call.reply.is_closed());
        let mut bytes = 0;
        let fits = queue.waiting.iter().take(MAX_CALLS).take_while(|call| {
            bytes += call.values.iter().map(|value| value.borrowed().length()).sum::<usize>();
            bytes <= MAX_BYTES
        });
        let count = fits.count().max(1).min(queue.waiting.len());
        if count == 0 {
            queue.permits -= 1;
        }
        queue.waiting.drain(..count).collect()
    }

    async fn run_separately(
        &self,
        statement: &Statement,
        calls: &[Vec<OwnedValue>],
        replies: Vec<Reply>,
    ) {
        for (values, mut reply) in calls.iter().zip(replies) {
            let values: Vec<_> = values.iter().map(OwnedValue::borrowed).collect();
            tokio::select! {
                biased;
                () = reply.closed() => {}
                result = self.connections.run(statement, &values) => {
                    let _ = reply.send(result);
                }
            }
        }
    }
}

impl<D: Driver> Permit<D> {
    async fn run(self, calls: Vec<Call>) {
        let (values, replies): (Vec<_>, Vec<_>) =
            calls.into_iter().map(|call| (call.values, call.reply)).unzip();
        let (shared, statement) = (&*self.shared, &self.statement);
        let together = shared.connections.run_batch(statement, &self.batch, &values);
        match timeout(shared.deadline, together).await {
            Ok(Ok(results)) => {
                for (reply, result) in replies.into_iter().zip(results) {
                    let _ = reply.send(Ok(result));
                }
            }
            Ok(Err(error)) if failure::is_rejection(&error, D::meaning) => {
                shared.run_separately(statement, &values, replies).await;
            }
            Ok(Err(error)) => {
                for reply in replies {
                    let _ = reply.send(Err(failure::copy(&error)));
                }
            }
            // The deadlines of the callers have passed.
            Err(_) => {}
        }
    }
}

impl<D: Driver> Drop for Permit<D> {
    fn drop(&mut self) {
        let calls = self.shared.next(&self.statement);
        let Some(first) = calls.first() else { return };
        let (runtime, shared) = (first.runtime.clone(), Arc::clone(&self.shared));
        let permit = Self { shared, statement: self.statement.clone(), batch: self.batch.clone() };
        runtime.spawn(permit.run(calls));
    }
}
