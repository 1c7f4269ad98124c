//! One statement on a pooled connection, within the deadline, on any of the databases.

mod answer;
mod batches;
mod connections;
mod failure;
mod group;
#[cfg(feature = "mysql")]
mod mysql;
mod options;
mod pooled;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod suspicion;

use std::fmt::Debug;

use session_core::{Error, async_trait};

use crate::statements::{Scripts, Statement};

pub(crate) use answer::{Answer, Cell, Value};
pub(crate) use options::existing;
pub(crate) use options::{Settings, connect};

/// A database that answers, whichever it is.
#[async_trait]
pub(crate) trait Database: Debug + Send + Sync {
    /// Its name in messages.
    fn name(&self) -> &'static str;

    fn scripts(&self) -> &'static Scripts;

    /// Runs one statement, once: again only if the database says that it undid it.
    async fn run(&self, statement: &Statement, values: &[Value<'_>]) -> Result<Answer, Error>;

    /// Runs a text of several statements without values.
    async fn run_script(&self, script: &str) -> Result<(), Error>;
}
