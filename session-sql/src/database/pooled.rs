//! A database behind a pool of sqlx.

use std::fmt;
use std::time::Duration;

use session_core::{Error, async_trait};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection, Pool};

use super::failure::{self, Meaning};
use super::group::Group;
use super::suspicion::Suspicion;
use super::{Answer, Database, Value};
use crate::statements::{Scripts, Statement};

/// What differs between the databases.
pub(crate) trait Driver: sqlx::Database {
    const LABEL: &'static str;
    const SCRIPTS: Scripts;
    /// Whether the database runs in this process. Then its writes queue here and are committed in groups, and a connection
    /// whose call was given up is used on: the call ends by itself, and with the connection could go the data.
    const EMBEDDED: bool;
    /// What each new connection is told.
    const GREETING: Option<&'static str> = None;

    /// Runs one statement, as a prepared one unless told otherwise.
    fn run<'c>(
        connection: &'c mut Self::Connection,
        statement: &'c Statement,
        values: &'c [Value<'c>],
        prepared: bool,
    ) -> impl Future<Output = sqlx::Result<Answer>> + Send + 'c;

    /// Runs a text of several statements.
    fn run_script(
        connection: &mut Self::Connection,
        script: AssertSqlSafe<String>,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Whether sqlx keeps prepared statements on these connections.
    fn keeps_statements(_options: &<Self::Connection as Connection>::Options) -> bool {
        true
    }

    fn meaning(error: &dyn sqlx::error::DatabaseError) -> Meaning;

    /// The longest message that the server takes, in bytes, if it may close the connection on a longer one before its answer can be read.
    fn longest_message(_connection: &mut Self::Connection) -> impl Future<Output = sqlx::Result<Option<u64>>> + Send {
        std::future::ready(Ok(None))
    }
}

/// Values of fewer bytes are taken by every server: one that closes the connection on them is out.
const SURELY_TAKEN: usize = 64 << 10;

pub(crate) struct Pooled<D: Driver> {
    pub(super) pool: Pool<D>,
    pub(super) deadline: Duration,
    pub(super) prepared: bool,
    pub(super) suspicion: Suspicion,
    group: Option<Group<D>>,
}

/// A connection that goes back to its pool only if its call ended well. Half an answer may wait on any other, and a server
/// that hangs would keep it, and the place in the pool, for as long as the operating system believes in it.
struct Lease<D: sqlx::Database> {
    connection: Option<PoolConnection<D>>,
    sound: bool,
}

impl<D: Driver> Pooled<D> {
    pub(super) fn new(pool: Pool<D>, deadline: Duration, prepared: bool, suspicion: Suspicion) -> Self {
        let group = D::EMBEDDED.then(|| Group::new(pool.clone(), prepared));
        Self { pool, deadline, prepared, suspicion, group }
    }

    async fn answer(&self, statement: &Statement, values: &[Value<'_>]) -> sqlx::Result<Answer> {
        if let Some(group) = &self.group
            && statement.columns.is_empty()
        {
            return group.write(statement, values).await;
        }
        let answer = self.ask(statement, values).await;
        if matches!(answer, Err(sqlx::Error::Io(_)))
            && let Some(too_long) = self.too_long(values).await
        {
            return Err(too_long);
        }
        answer
    }

    async fn ask(&self, statement: &Statement, values: &[Value<'_>]) -> sqlx::Result<Answer> {
        let mut lease = self.lease().await?;
        let Some(connection) = &mut lease.connection else { return Err(sqlx::Error::PoolClosed) };
        let mut answer = D::run(connection, statement, values, self.prepared).await;
        while answer.as_ref().is_err_and(|error| failure::is_rolled_back(error, D::meaning)) {
            answer = D::run(connection, statement, values, self.prepared).await;
        }
        lease.sound |= answer.as_ref().err().is_none_or(|error| !failure::breaks_connection(error, D::meaning));
        answer
    }

    /// The error for values that the server closed the connection on because they are too long for it.
    async fn too_long(&self, values: &[Value<'_>]) -> Option<sqlx::Error> {
        let length = values.iter().map(Value::length).sum::<usize>();
        if length < SURELY_TAKEN {
            return None;
        }
        let mut lease = self.lease().await.ok()?;
        let limit = D::longest_message(lease.connection.as_mut()?).await.ok()??;
        lease.sound = true;
        failure::too_long(length, limit)
    }

    async fn lease(&self) -> sqlx::Result<Lease<D>> {
        Ok(Lease { connection: Some(self.pool.acquire().await?), sound: D::EMBEDDED })
    }

    async fn within_deadline<T>(&self, work: impl Future<Output = sqlx::Result<T>>) -> Result<T, Error> {
        let result = match tokio::time::timeout(self.deadline, work).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Err(failure::convert(D::LABEL, error, D::meaning)),
            Err(_) => Err(failure::deadline(D::LABEL)),
        };
        if result.as_ref().is_err_and(|error| error.kind() == session_core::ErrorKind::Unavailable) {
            self.suspicion.raise();
        }
        result
    }
}

#[async_trait]
impl<D: Driver> Database for Pooled<D> {
    fn name(&self) -> &'static str {
        D::LABEL
    }

    fn scripts(&self) -> &'static Scripts {
        &const { D::SCRIPTS }
    }

    async fn run(&self, statement: &Statement, values: &[Value<'_>]) -> Result<Answer, Error> {
        self.within_deadline(self.answer(statement, values)).await
    }

    async fn run_script(&self, script: &str) -> Result<(), Error> {
        let work = async {
            let mut lease = self.lease().await?;
            let Some(connection) = &mut lease.connection else { return Err(sqlx::Error::PoolClosed) };
            D::run_script(connection, AssertSqlSafe(script.to_owned())).await?;
            lease.sound = true;
            Ok(())
        };
        self.within_deadline(work).await
    }
}

impl<D: sqlx::Database> Drop for Lease<D> {
    fn drop(&mut self) {
        if !self.sound
            && let Some(connection) = self.connection.take()
        {
            drop(connection.detach());
        }
    }
}

impl<D: Driver> fmt::Debug for Pooled<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled")
            .field("connections", &self.pool.size())
            .field("deadline", &self.deadline)
            .field("prepared", &self.prepared)
            .finish_non_exhaustive()
    }
}
