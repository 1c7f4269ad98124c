//! One statement on a pooled connection, within the deadline, on any database.

mod address;
mod backoff;
mod batches;
mod connections;
mod credentials;
mod driver;
mod failure;
mod file;
mod group;
#[cfg(feature = "mysql")]
mod mysql;
mod options;
mod pooled;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod refusal;
#[cfg(feature = "sqlite")]
mod sqlite;
mod suspicion;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod tls;
mod transaction;

use std::fmt::Debug;

use session_core::{Error, async_trait};

use crate::statements::{Scripts, Statement};

pub(crate) use failure::{is_denied, is_missing};
pub(crate) use options::{Settings, connect, existing};
pub(crate) use query::{Cell, QueryResult, Value};

/// A database of any supported kind.
#[async_trait]
pub(crate) trait Database: Debug + Send + Sync {
    /// Returns the name of the database for messages.
    fn name(&self) -> &'static str;

    /// Returns the name in OpenTelemetry's conventions for databases.
    fn system(&self) -> &'static str;

    fn scripts(&self) -> &'static Scripts;

    /// Runs one statement. The statement is repeated only if the database reports that the
    /// statement was rolled back.
    async fn run(&self, statement: &Statement, values: &[Value<'_>]) -> Result<QueryResult, Error>;

    /// Returns whether a call has succeeded since a connection was lost. Returns `true` only once
    /// for each loss.
    fn take_recovery(&self) -> bool;

    /// Runs a script of several statements without values.
    async fn run_script(&self, script: &str) -> Result<(), Error>;
}
