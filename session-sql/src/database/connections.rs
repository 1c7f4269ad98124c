//! The connections of a pool, each lent to one statement at a time.

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Pool};

use super::answer::{Answer, OwnedValue, Value};
use super::failure;
use super::pooled::Driver;
use crate::statements::{Several, Statement};

/// Values of fewer bytes are taken by every server: one that closes the connection on them is out.
const SURELY_TAKEN: usize = 64 << 10;

pub(super) struct Connections<D: Driver> {
    pool: Pool<D>,
    prepared: bool,
}

/// A connection that goes back to its pool only if its call ended well. Half an answer may wait on any other, and a server
/// that hangs would keep it, and the place in the pool, for as long as the operating system believes in it.
struct Lease<D: Driver> {
    connection: Option<PoolConnection<D>>,
    sound: bool,
}

impl<D: Driver> Connections<D> {
    pub(super) fn new(pool: Pool<D>, prepared: bool) -> Self {
        Self { pool, prepared }
    }

    /// How many there are at most.
    pub(super) fn most(&self) -> u32 {
        self.pool.options().get_max_connections()
    }

    pub(super) fn count(&self) -> u32 {
        self.pool.size()
    }

    pub(super) fn keep_statements(&self) -> bool {
        self.prepared
    }

    /// Runs a statement: again only if the database says that it undid it.
    pub(super) async fn run(&self, statement: &Statement, values: &[Value<'_>]) -> sqlx::Result<Answer> {
        let answer = self.ask(statement, values).await;
        if matches!(answer, Err(sqlx::Error::Io(_)))
            && let Some(too_long) = self.too_long(values).await
        {
            return Err(too_long);
        }
        answer
    }

    /// Runs the form of a statement for several calls, likewise.
    pub(super) async fn run_several(
        &self,
        statement: &Statement,
        several: &Several,
        calls: &[Vec<OwnedValue>],
    ) -> sqlx::Result<Vec<Answer>> {
        let mut lease = self.lease().await?;
        let mut answers = D::run_several(lease.connection()?, statement, several, calls).await;
        while is_rolled_back::<D, _>(&answers) {
            answers = D::run_several(lease.connection()?, statement, several, calls).await;
        }
        lease.settle(&answers);
        answers
    }

    /// Runs a text of several statements.
    pub(super) async fn run_script(&self, script: &str) -> sqlx::Result<()> {
        let mut lease = self.lease().await?;
        D::run_script(lease.connection()?, AssertSqlSafe(script.to_owned())).await?;
        lease.sound = true;
        Ok(())
    }

    async fn ask(&self, statement: &Statement, values: &[Value<'_>]) -> sqlx::Result<Answer> {
        let mut lease = self.lease().await?;
        let mut answer = D::run(lease.connection()?, statement, values, self.prepared).await;
        while is_rolled_back::<D, _>(&answer) {
            answer = D::run(lease.connection()?, statement, values, self.prepared).await;
        }
        lease.settle(&answer);
        answer
    }

    /// The error for values that the server closed the connection on because they are too long for it.
    async fn too_long(&self, values: &[Value<'_>]) -> Option<sqlx::Error> {
        let length = values.iter().map(Value::length).sum::<usize>();
        if length < SURELY_TAKEN {
            return None;
        }
        let mut lease = self.lease().await.ok()?;
        let limit = D::longest_message(lease.connection().ok()?).await.ok()??;
        lease.sound = true;
        failure::too_long(length, limit)
    }

    async fn lease(&self) -> sqlx::Result<Lease<D>> {
        Ok(Lease { connection: Some(self.pool.acquire().await?), sound: D::EMBEDDED })
    }
}

impl<D: Driver> Clone for Connections<D> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), prepared: self.prepared }
    }
}

impl<D: Driver> Lease<D> {
    fn connection(&mut self) -> sqlx::Result<&mut D::Connection> {
        self.connection.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    fn settle<T>(&mut self, answer: &sqlx::Result<T>) {
        self.sound |= answer.as_ref().err().is_none_or(|error| !failure::breaks_connection(error, D::meaning));
    }
}

impl<D: Driver> Drop for Lease<D> {
    fn drop(&mut self) {
        if !self.sound
            && let Some(connection) = self.connection.take()
        {
            drop(connection.detach());
        }
    }
}

fn is_rolled_back<D: Driver, T>(answer: &sqlx::Result<T>) -> bool {
    answer.as_ref().is_err_and(|error| failure::is_rolled_back(error, D::meaning))
}
