//! Group commit: writes that wait at the same time share one transaction, and therefore one wait
//! for the disk.
//!
//! A task runs the writes, so that a cancelled call does not cancel the other calls. Each write has
//! its own result. A write that the database rejects is rolled back alone. After any other error of
//! a statement, the transaction is rolled back and each of its writes is run separately. If
//! `COMMIT` fails, the effect of the writes is unknown, and no write is repeated.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::connections::Connections;
use super::driver::Driver;
use super::failure;
use super::file::DatabaseFile;
use super::query::{OwnedValue, QueryResult, Value};
use super::transaction::Transaction;
use crate::statements::Statement;

/// The maximum number of writes in one transaction. Other processes wait for the end of the
/// transaction.
const MAX_WRITES: usize = 64;

pub(super) struct Group<D: Driver> {
    shared: Arc<Shared<D>>,
}

struct Shared<D: Driver> {
    connections: Connections<D>,
    file: Option<Arc<DatabaseFile>>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Write>,
    has_worker: bool,
}

struct Write {
    statement: Statement,
    values: Vec<OwnedValue>,
    reply: oneshot::Sender<sqlx::Result<QueryResult>>,
}

/// The reason why a transaction was not committed.
enum Failure {
    /// None of its writes was applied.
    RolledBack,
    /// `COMMIT` failed. It is not known whether the writes were applied.
    Unknown(sqlx::Error),
}

/// The task that runs the writes of the queue.
///
/// The task may be dropped with its runtime. Then the waiting calls fail, and the next write starts
/// another task.
struct Worker<D: Driver> {
    shared: Arc<Shared<D>>,
    is_done: bool,
}

impl<D: Driver> Group<D> {
    pub(super) fn new(connections: Connections<D>, file: Option<Arc<DatabaseFile>>) -> Self {
        Self { shared: Arc::new(Shared { connections, file, queue: Mutex::default() }) }
    }

    /// Runs one statement. A call that is cancelled while it waits has no effect.
    pub(super) async fn write(
        &self,
        statement: &Statement,
        values: &[Value<'_>],
    ) -> sqlx::Result<QueryResult> {
        let (reply, result) = oneshot::channel();
        let values = values.iter().copied().map(OwnedValue::from).collect();
        let has_worker = {
            let mut queue = self.shared.queue();
            queue.waiting.push_back(Write { statement: statement.clone(), values, reply });
            std::mem::replace(&mut queue.has_worker, true)
        };
        if !has_worker {
            let worker = Worker { shared: Arc::clone(&self.shared), is_done: false };
            tokio::spawn(worker.run());
        }
        result.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}

impl<D: Driver> Worker<D> {
    async fn run(mut self) {
        while let Some(writes) = self.next() {
            self.shared.run(writes).await;
            self.shared.empty_log().await;
        }
    }

    fn next(&mut self) -> Option<Vec<Write>> {
        let mut queue = self.shared.queue();
        queue.waiting.retain(|write| !write.is_cancelled());
        let count = queue.waiting.len().min(MAX_WRITES);
        queue.has_worker = count > 0;
        self.is_done = count == 0;
        (count > 0).then(|| queue.waiting.drain(..count).collect())
    }
}

impl<D: Driver> Shared<D> {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, writes: Vec<Write>) {
        if writes.len() == 1 {
            return self.run_separately(writes).await;
        }
        match self.run_together(&writes).await {
            Ok(results) => {
                for (write, result) in writes.into_iter().zip(results) {
                    let _ = write.reply.send(result);
                }
            }
            Err(Failure::RolledBack) => self.run_separately(writes).await,
            Err(Failure::Unknown(error)) => {
                for write in writes {
                    let _ = write.reply.send(Err(failure::copy(&error)));
                }
            }
        }
    }

    /// Runs the writes in one transaction.
    async fn run_together(
        &self,
        writes: &[Write],
    ) -> Result<Vec<sqlx::Result<QueryResult>>, Failure> {
        let lease = self.connections.lease().await.map_err(|_| Failure::RolledBack)?;
        let mut transaction = Transaction::begin(lease).await.map_err(|_| Failure::RolledBack)?;
        let mut results = Vec::with_capacity(writes.len());
        for write in writes {
            let result = self.run_in(&mut transaction, write).await;
            self.note_failure(&result);
            if let Err(error) = &result
                && !(failure::changes_nothing(error, D::meaning) && transaction.is_open().await)
            {
                transaction.roll_back().await;
                return Err(Failure::RolledBack);
            }
            results.push(result);
        }
        let committed = transaction.commit().await;
        self.note_failure(&committed);
        committed.map_err(Failure::Unknown)?;
        Ok(results)
    }

    fn note_failure<T>(&self, result: &sqlx::Result<T>) {
        if let (Some(file), Err(error)) = (&self.file, result)
            && failure::is_of_disk(error)
        {
            file.failed();
        }
    }

    /// Empties the log if it is long, or may have filled the disk. If the attempt fails, a later
    /// write tries again.
    async fn empty_log(&self) {
        let Some(file) = &self.file else { return };
        if file.must_empty_log()
            && let Ok(mut lease) = self.connections.lease().await
            && let Ok(connection) = lease.connection()
        {
            let emptied = D::empty_log(connection).await;
            if let Err(error) = &emptied {
                tracing::debug!(%error, "the write-ahead log could not be emptied");
            }
            file.attempted(emptied.is_ok_and(|is_empty| is_empty));
        }
    }

    async fn run_in(
        &self,
        transaction: &mut Transaction<D>,
        write: &Write,
    ) -> sqlx::Result<QueryResult> {
        let (values, prepared) = (write.values(), self.connections.keep_statements());
        D::run(transaction.connection()?, &write.statement, &values, prepared).await
    }

    async fn run_separately(&self, writes: Vec<Write>) {
        for write in writes {
            if !write.is_cancelled() {
                let result = self.connections.run(&write.statement, &write.values()).await;
                self.note_failure(&result);
                let _ = write.reply.send(result);
            }
        }
    }
}

impl Write {
    fn is_cancelled(&self) -> bool {
        self.reply.is_closed()
    }

    fn values(&self) -> Vec<Value<'_>> {
        self.values.iter().map(OwnedValue::borrowed).collect()
    }
}

impl<D: Driver> Drop for Worker<D> {
    fn drop(&mut self) {
        if !self.is_done {
            let mut queue = self.shared.queue();
            queue.has_worker = false;
            queue.waiting.clear();
        }
    }
}
