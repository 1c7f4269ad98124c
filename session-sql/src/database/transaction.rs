//! A transaction of SQLite. SQLite may roll back the transaction by itself after an error.
//!
//! sqlx counts the transactions of a connection. It refuses to start another transaction after
//! SQLite has rolled back a transaction by itself. Therefore this module uses ordinary statements
//! for transactions.

use sqlx::AssertSqlSafe;

use super::connections::Lease;
use super::driver::Driver;

/// A connection with an open transaction. Dropping this value closes the connection, and SQLite
/// rolls back the transaction.
pub(super) struct Transaction<D: Driver> {
    lease: Lease<D>,
}

impl<D: Driver> Transaction<D> {
    pub(super) async fn begin(mut lease: Lease<D>) -> sqlx::Result<Self> {
        lease.set_sound(false);
        let mut this = Self { lease };
        match this.execute("BEGIN IMMEDIATE").await {
            Ok(()) => Ok(this),
            Err(error) => {
                this.roll_back().await;
                Err(error)
            }
        }
    }

    pub(super) fn connection(&mut self) -> sqlx::Result<&mut D::Connection> {
        self.lease.connection()
    }

    /// Returns whether SQLite has not rolled back the transaction.
    pub(super) async fn is_open(&mut self) -> bool {
        // `BEGIN` fails while a transaction is open.
        self.execute("BEGIN").await.is_err()
    }

    /// Commits the transaction. After an error, the connection has no transaction.
    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        let committed = self.execute("COMMIT").await;
        match committed {
            Ok(()) => self.lease.set_sound(true),
            Err(_) => self.roll_back().await,
        }
        committed
    }

    /// Rolls back the transaction if SQLite has not done so.
    pub(super) async fn roll_back(mut self) {
        // Starts a transaction if none is open, because `ROLLBACK` fails without a transaction.
        let _ = self.is_open().await;
        let rolled_back = self.execute("ROLLBACK").await;
        self.lease.set_sound(rolled_back.is_ok());
    }

    async fn execute(&mut self, statement: &str) -> sqlx::Result<()> {
        D::run_script(self.lease.connection()?, AssertSqlSafe(statement.to_owned())).await
    }
}
