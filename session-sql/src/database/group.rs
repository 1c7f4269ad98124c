//! Group commit: writes that wait at the same time share one transaction, and so one wait for the disk.
//!
//! A task of its own carries them out, so that a caller that gives up takes nobody with it. Each write keeps an answer of its
//! own: a statement that fails is undone alone, and if the transaction fails, each of its writes is carried out by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{Connection as _, Pool};
use tokio::sync::oneshot;

use super::answer::{Answer, OwnedValue, Value};
use super::failure;
use super::pooled::Driver;
use crate::statements::Statement;

/// How many writes share a transaction at most: other processes wait for its end.
const MOST: usize = 64;

pub(super) struct Group<D: Driver> {
    shared: Arc<Shared<D>>,
}

struct Shared<D: Driver> {
    pool: Pool<D>,
    prepared: bool,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Write>,
    is_served: bool,
}

struct Write {
    statement: Statement,
    values: Vec<OwnedValue>,
    reply: oneshot::Sender<sqlx::Result<Answer>>,
}

/// The task that serves the queue. It may be dropped with its runtime: then those who wait get an error, and the next
/// write starts another task.
struct Server<D: Driver> {
    shared: Arc<Shared<D>>,
    is_done: bool,
}

impl<D: Driver> Group<D> {
    pub(super) fn new(pool: Pool<D>, prepared: bool) -> Self {
        Self { shared: Arc::new(Shared { pool, prepared, queue: Mutex::default() }) }
    }

    /// Carries out one statement. Given up before its turn, it does nothing.
    pub(super) async fn write(&self, statement: &Statement, values: &[Value<'_>]) -> sqlx::Result<Answer> {
        let (reply, answer) = oneshot::channel();
        let values = values.iter().copied().map(OwnedValue::from).collect();
        let is_served = {
            let mut queue = self.shared.queue();
            queue.waiting.push_back(Write { statement: statement.clone(), values, reply });
            std::mem::replace(&mut queue.is_served, true)
        };
        if !is_served {
            let server = Server { shared: Arc::clone(&self.shared), is_done: false };
            tokio::spawn(server.serve());
        }
        answer.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }
}

impl<D: Driver> Server<D> {
    async fn serve(mut self) {
        while let Some(writes) = self.next() {
            self.shared.carry_out(writes).await;
        }
    }

    fn next(&mut self) -> Option<Vec<Write>> {
        let mut queue = self.shared.queue();
        queue.waiting.retain(|write| !write.is_given_up());
        let count = queue.waiting.len().min(MOST);
        queue.is_served = count > 0;
        self.is_done = count == 0;
        (count > 0).then(|| queue.waiting.drain(..count).collect())
    }
}

impl<D: Driver> Shared<D> {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn carry_out(&self, writes: Vec<Write>) {
        if writes.len() > 1
            && let Ok(answers) = self.together(&writes).await
        {
            for (write, answer) in writes.into_iter().zip(answers) {
                let _ = write.reply.send(answer);
            }
            return;
        }
        for write in writes {
            if !write.is_given_up() {
                let answer = self.alone(&write).await;
                let _ = write.reply.send(answer);
            }
        }
    }

    /// An error says that nothing was written.
    async fn together(&self, writes: &[Write]) -> sqlx::Result<Vec<sqlx::Result<Answer>>> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut answers = Vec::with_capacity(writes.len());
        for write in writes {
            let answer = write.run::<D>(&mut transaction, self.prepared).await;
            match answer {
                // It may have undone what came before it.
                Err(error) if failure::breaks_connection(&error, D::meaning) => {
                    transaction.rollback().await?;
                    return Err(error);
                }
                answer => answers.push(answer),
            }
        }
        transaction.commit().await?;
        Ok(answers)
    }

    async fn alone(&self, write: &Write) -> sqlx::Result<Answer> {
        let mut connection = self.pool.acquire().await?;
        write.run::<D>(&mut connection, self.prepared).await
    }
}

impl Write {
    fn is_given_up(&self) -> bool {
        self.reply.is_closed()
    }

    async fn run<D: Driver>(&self, connection: &mut D::Connection, prepared: bool) -> sqlx::Result<Answer> {
        let values: Vec<_> = self.values.iter().map(OwnedValue::borrowed).collect();
        D::run(connection, &self.statement, &values, prepared).await
    }
}

impl<D: Driver> Drop for Server<D> {
    fn drop(&mut self) {
        if !self.is_done {
            let mut queue = self.shared.queue();
            queue.is_served = false;
            queue.waiting.clear();
        }
    }
}
