//! A database behind a pool of sqlx.

use std::fmt;
use std::time::Duration;

use session_core::{Error, async_trait};
use sqlx::{AssertSqlSafe, Connection, Pool};

use super::answer::OwnedValue;
use super::batches::Batches;
use super::connections::Connections;
use super::failure::{self, Meaning};
use super::group::Group;
use super::suspicion::Suspicion;
use super::{Answer, Database, Value};
use crate::statements::{Scripts, Several, Statement};

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

    /// Runs the form of a statement for several calls, and gives each its answer. Only a database that has such forms needs it.
    fn run_several<'c>(
        _connection: &'c mut Self::Connection,
        _statement: &'c Statement,
        _several: &'c Several,
        _calls: &'c [Vec<OwnedValue>],
    ) -> impl Future<Output = sqlx::Result<Vec<Answer>>> + Send + 'c {
        std::future::ready(Err(sqlx::Error::Protocol("this database has no statements for several calls".to_owned())))
    }

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

pub(crate) struct Pooled<D: Driver> {
    connections: Connections<D>,
    deadline: Duration,
    suspicion: Suspicion,
    group: Option<Group<D>>,
    batches: Batches<D>,
}

impl<D: Driver> Pooled<D> {
    pub(super) fn new(pool: Pool<D>, deadline: Duration, prepared: bool, suspicion: Suspicion) -> Self {
        let group = D::EMBEDDED.then(|| Group::new(pool.clone(), prepared));
        let connections = Connections::new(pool, prepared);
        let batches = Batches::new(connections.clone(), deadline);
        Self { connections, deadline, suspicion, group, batches }
    }

    async fn answer(&self, statement: &Statement, values: &[Value<'_>]) -> sqlx::Result<Answer> {
        match (&self.group, &statement.several) {
            (Some(group), _) if statement.columns.is_empty() => group.write(statement, values).await,
            // Written out as text, a statement takes no arrays.
            (_, Some(several)) if self.connections.keep_statements() => {
                self.batches.call(statement, several, values).await
            }
            _ => self.connections.run(statement, values).await,
        }
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
        self.within_deadline(self.connections.run_script(script)).await
    }
}

impl<D: Driver> fmt::Debug for Pooled<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled")
            .field("connections", &self.connections.count())
            .field("deadline", &self.deadline)
            .field("prepared", &self.connections.keep_statements())
            .finish_non_exhaustive()
    }
}
