//! Batches: calls that would have to wait for a connection share one statement on the next that is free.
//!
//! While there are connections, each call has its own, as without batches. A batch is carried out by a task, so that a
//! caller that gives up takes nobody with it. Each call keeps an answer of its own: if the database refuses the statement, it
//! undid it, and each call is carried out by itself. After any other failure nobody knows what was done, and no call is made
//! again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::answer::{Answer, OwnedValue, Value};
use super::connections::Connections;
use super::failure;
use super::pooled::Driver;
use crate::statements::{Several, Statement};

/// How many calls share a statement at most, and how many bytes, unless one call alone has more.
const MOST: usize = 64;
const MOST_BYTES: usize = 1 << 20;

pub(super) struct Batches<D: Driver> {
    shared: Arc<Shared<D>>,
}

struct Shared<D: Driver> {
    connections: Connections<D>,
    deadline: Duration,
    /// By the text of the statement.
    lines: Mutex<HashMap<Arc<str>, Line>>,
}

/// The calls of one statement.
#[derive(Default)]
struct Line {
    /// How many statements are on their way: no more than there are connections.
    places: u32,
    waiting: VecDeque<Call>,
}

struct Call {
    values: Vec<OwnedValue>,
    reply: Reply,
    /// The caller's, which carries out the batch that it comes first in.
    runtime: Handle,
}

/// One of the places of a line. Dropping it hands it on to those who wait.
struct Place<D: Driver> {
    shared: Arc<Shared<D>>,
    statement: Statement,
    several: Several,
}

impl<D: Driver> Batches<D> {
    pub(super) fn new(connections: Connections<D>, deadline: Duration) -> Self {
        Self { shared: Arc::new(Shared { connections, deadline, lines: Mutex::default() }) }
    }

    /// Carries out one call. Given up before its turn, it does nothing.
    pub(super) async fn call(
        &self,
        statement: &Statement,
        several: &Several,
        values: &[Value<'_>],
    ) -> sqlx::Result<Answer> {
        match self.shared.enter(statement, several, values) {
            Ok(_place) => self.shared.connections.run(statement, values).await,
            Err(answer) => answer.await.unwrap_or(Err(sqlx::Error::WorkerCrashed)),
        }
    }
}

type Reply = oneshot::Sender<sqlx::Result<Answer>>;
type Waiting = oneshot::Receiver<sqlx::Result<Answer>>;

impl<D: Driver> Shared<D> {
    fn lines(&self) -> MutexGuard<'_, HashMap<Arc<str>, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(
        self: &Arc<Self>,
        statement: &Statement,
        several: &Several,
        values: &[Value<'_>],
    ) -> Result<Place<D>, Waiting> {
        let mut lines = self.lines();
        let line = lines.entry(Arc::clone(&statement.sql)).or_default();
        if line.places < self.connections.most() {
            line.places += 1;
            return Ok(Place { shared: Arc::clone(self), statement: statement.clone(), several: several.clone() });
        }
        let (reply, answer) = oneshot::channel();
        let values = values.iter().copied().map(OwnedValue::from).collect();
        line.waiting.push_back(Call { values, reply, runtime: Handle::current() });
        Err(answer)
    }

    /// The calls that share the next statement; without any, there is a place more.
    fn next(&self, statement: &Statement) -> Vec<Call> {
        let mut lines = self.lines();
        let Some(line) = lines.get_mut(&statement.sql) else { return Vec::new() };
        line.waiting.retain(|call| !call.reply.is_closed());
        let mut bytes = 0;
        let fits = line.waiting.iter().take(MOST).take_while(|call| {
            bytes += call.values.iter().map(|value| value.borrowed().length()).sum::<usize>();
            bytes <= MOST_BYTES
        });
        let count = fits.count().max(1).min(line.waiting.len());
        if count == 0 {
            line.places -= 1;
        }
        line.waiting.drain(..count).collect()
    }

    async fn one_by_one(&self, statement: &Statement, calls: &[Vec<OwnedValue>], replies: Vec<Reply>) {
        for (values, mut reply) in calls.iter().zip(replies) {
            let values: Vec<_> = values.iter().map(OwnedValue::borrowed).collect();
            tokio::select! {
                biased;
                () = reply.closed() => {}
                answer = self.connections.run(statement, &values) => {
                    let _ = reply.send(answer);
                }
            }
        }
    }
}

impl<D: Driver> Place<D> {
    async fn carry_out(self, calls: Vec<Call>) {
        let (values, replies): (Vec<_>, Vec<_>) = calls.into_iter().map(|call| (call.values, call.reply)).unzip();
        let (shared, statement) = (&*self.shared, &self.statement);
        let together = shared.connections.run_several(statement, &self.several, &values);
        match timeout(shared.deadline, together).await {
            Ok(Ok(answers)) => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    let _ = reply.send(Ok(answer));
                }
            }
            Ok(Err(error)) if failure::is_refusal(&error, D::meaning) => {
                shared.one_by_one(statement, &values, replies).await;
            }
            Ok(Err(error)) => {
                for reply in replies {
                    let _ = reply.send(Err(failure::copy(&error)));
                }
            }
            // The callers' own deadlines have passed.
            Err(_) => {}
        }
    }
}

impl<D: Driver> Drop for Place<D> {
    fn drop(&mut self) {
        let calls = self.shared.next(&self.statement);
        let Some(first) = calls.first() else { return };
        let (runtime, shared) = (first.runtime.clone(), Arc::clone(&self.shared));
        let place = Self { shared, statement: self.statement.clone(), several: self.several.clone() };
        runtime.spawn(place.carry_out(calls));
    }
}
