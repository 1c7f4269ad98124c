//! A database behind a pool of sqlx.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use session_core::{Error, ErrorKind, async_trait};
use sqlx::Pool;

use super::batches::Batches;
use super::connections::Connections;
use super::credentials::Provided;
use super::driver::Driver;
use super::file::DatabaseFile;
use super::group::Group;
use super::suspicion::Suspicion;
use super::{Database, QueryResult, Value, failure};
use crate::statements::{Scripts, Statement};

pub(crate) struct Pooled<D: Driver> {
    connections: Connections<D>,
    deadline: Duration,
    suspicion: Suspicion,
    group: Option<Group<D>>,
    file: Option<Arc<DatabaseFile>>,
    batches: Batches<D>,
}

impl<D: Driver> Pooled<D> {
    pub(super) fn new(
        pool: Pool<D>,
        deadline: Duration,
        prepared: bool,
        suspicion: Suspicion,
        provided: Option<Provided<D>>,
        file: Option<Arc<DatabaseFile>>,
    ) -> Self {
        let connections = Connections::new(pool, prepared, suspicion.clone(), provided);
        let group = D::EMBEDDED.then(|| Group::new(connections.clone(), file.clone()));
        let batches = Batches::new(connections.clone(), deadline);
        Self { connections, deadline, suspicion, group, file, batches }
    }

    async fn dispatch(
        &self,
        statement: &Statement,
        values: &[Value<'_>],
    ) -> sqlx::Result<QueryResult> {
        if let Some(file) = &self.file {
            file.check()?;
        }
        match (&self.group, &statement.batch) {
            (Some(group), _) if statement.columns.is_empty() => {
                group.write(statement, values).await
            }
            // A statement that is sent as text has no arrays.
            (_, Some(batch)) if self.connections.keep_statements() => {
                self.batches.call(statement, batch, values).await
            }
            _ => self.connections.run(statement, values).await,
        }
    }

    async fn within_deadline<T>(
        &self,
        work: impl Future<Output = sqlx::Result<T>>,
    ) -> Result<T, Error> {
        let result = match tokio::time::timeout(self.deadline, work).await {
            Ok(Ok(value)) => {
                self.suspicion.dispel();
                return Ok(value);
            }
            Ok(Err(error)) => Err(failure::convert(D::LABEL, error, D::meaning)),
            Err(_) => Err(failure::deadline(D::LABEL)),
        };
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unavailable) {
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

    fn system(&self) -> &'static str {
        D::SYSTEM
    }

    fn scripts(&self) -> &'static Scripts {
        &const { D::SCRIPTS }
    }

    async fn run(&self, statement: &Statement, values: &[Value<'_>]) -> Result<QueryResult, Error> {
        self.within_deadline(self.dispatch(statement, values)).await
    }

    fn take_recovery(&self) -> bool {
        self.suspicion.take_recovery()
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
