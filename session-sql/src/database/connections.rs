//! The connections of a pool. One statement uses a connection at a time.

use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Pool};

use super::backoff::Backoff;
use super::credentials::{self, Provided};
use super::driver::Driver;
use super::failure;
use super::query::{OwnedValue, QueryResult, Value};
use super::refusal::{InUse, Refusal};
use super::suspicion::Suspicion;
use crate::statements::{Batch, Statement};

/// The length in bytes below which every server accepts values. A server that closes the connection
/// for shorter values is down.
const ALWAYS_ACCEPTED: usize = 64 << 10;

pub(super) struct Connections<D: Driver> {
    pool: Arc<Pool<D>>,
    prepared: bool,
    suspicion: Suspicion,
    refusal: Refusal,
    provided: Option<Provided<D>>,
}

/// A connection that returns to its pool only if its call succeeded or the error leaves the
/// connection usable.
///
/// After any other failed or dropped call, the connection may still have a part of the reply. A
/// server that hangs would occupy the connection until the operating system closes it.
pub(super) struct Lease<D: Driver> {
    connection: Option<PoolConnection<D>>,
    sound: bool,
    _in_use: InUse,
}

impl<D: Driver> Connections<D> {
    pub(super) fn new(
        pool: Pool<D>,
        prepared: bool,
        suspicion: Suspicion,
        provided: Option<Provided<D>>,
    ) -> Self {
        let pool = Arc::new(pool);
        if let Some(provided) = &provided {
            provided.set_pool(&pool);
        }
        Self { pool, prepared, suspicion, refusal: Refusal::default(), provided }
    }

    /// Returns the maximum number of connections.
    pub(super) fn most(&self) -> u32 {
        self.pool.options().get_max_connections()
    }

    pub(super) fn count(&self) -> u32 {
        self.pool.size()
    }

    pub(super) fn keep_statements(&self) -> bool {
        self.prepared
    }

    /// Runs a statement. The statement is repeated only if the database reports that it was rolled
    /// back.
    pub(super) async fn run(
        &self,
        statement: &Statement,
        values: &[Value<'_>],
    ) -> sqlx::Result<QueryResult> {
        let mut backoff = Backoff::default();
        let mut result = self.run_once(statement, values).await;
        while is_rolled_back::<D, _>(&result) && backoff.wait().await {
            result = self.run_once(statement, values).await;
        }
        if matches!(result, Err(sqlx::Error::Io(_)))
            && let Some(too_long) = self.too_long(values).await
        {
            return Err(too_long);
        }
        result
    }

    /// Runs the batch form of a statement. The batch is repeated only if the database reports that
    /// it was rolled back.
    pub(super) async fn run_batch(
        &self,
        statement: &Statement,
        batch: &Batch,
        calls: &[Vec<OwnedValue>],
    ) -> sqlx::Result<Vec<QueryResult>> {
        let mut backoff = Backoff::default();
        let mut results = self.run_batch_once(statement, batch, calls).await;
        while is_rolled_back::<D, _>(&results) && backoff.wait().await {
            results = self.run_batch_once(statement, batch, calls).await;
        }
        results
    }

    /// Runs a script of several statements.
    pub(super) async fn run_script(&self, script: &str) -> sqlx::Result<()> {
        let mut lease = self.lease().await?;
        D::run_script(lease.connection()?, AssertSqlSafe(script.to_owned())).await?;
        lease.set_sound(true);
        Ok(())
    }

    async fn run_once(
        &self,
        statement: &Statement,
        values: &[Value<'_>],
    ) -> sqlx::Result<QueryResult> {
        let mut lease = self.lease().await?;
        let result = D::run(lease.connection()?, statement, values, self.prepared).await;
        self.settle(&mut lease, &result);
        result
    }

    async fn run_batch_once(
        &self,
        statement: &Statement,
        batch: &Batch,
        calls: &[Vec<OwnedValue>],
    ) -> sqlx::Result<Vec<QueryResult>> {
        let mut lease = self.lease().await?;
        let results = D::run_batch(lease.connection()?, statement, batch, calls).await;
        self.settle(&mut lease, &results);
        results
    }

    /// Returns the connection to its pool or closes it, depending on the result of its call.
    fn settle<T>(&self, lease: &mut Lease<D>, result: &sqlx::Result<T>) {
        let Err(error) = result else { return lease.set_sound(true) };
        if failure::is_read_only(error, D::meaning) {
            self.suspicion.condemn();
        }
        if !failure::breaks_connection(error, D::meaning) {
            lease.set_sound(true);
        }
    }

    /// Returns the error for values that are too long, if the server closed the connection because
    /// of them.
    async fn too_long(&self, values: &[Value<'_>]) -> Option<sqlx::Error> {
        let length = values.iter().map(Value::length).sum::<usize>();
        if length < ALWAYS_ACCEPTED {
            return None;
        }
        let mut lease = self.lease().await.ok()?;
        let limit = D::longest_message(lease.connection().ok()?).await.ok()??;
        lease.set_sound(true);
        failure::too_long(length, limit)
    }

    pub(super) async fn lease(&self) -> sqlx::Result<Lease<D>> {
        let connection = Some(self.acquire().await?);
        Ok(Lease { connection, sound: D::EMBEDDED, _in_use: self.refusal.count() })
    }

    /// Waits for a connection. Fails at once if the server refuses connections.
    async fn acquire(&self) -> sqlx::Result<PoolConnection<D>> {
        if D::EMBEDDED {
            return self.pool.acquire().await;
        }
        tokio::select! {
            biased;
            acquired = self.acquire_from_pool() => acquired,
            refused = self.refusal.wait(&self.pool, &self.suspicion) => Err(refused),
        }
    }

    async fn acquire_from_pool(&self) -> sqlx::Result<PoolConnection<D>> {
        let Some(provided) = &self.provided else { return self.pool.acquire().await };
        provided.refresh_if_needed().await?;
        match self.pool.acquire().await {
            // The credentials changed in the meantime.
            Err(error) if credentials::is_refused::<D>(&error) => {
                provided.refresh().await?;
                self.pool.acquire().await
            }
            result => result,
        }
    }
}

impl<D: Driver> Clone for Connections<D> {
    fn clone(&self) -> Self {
        Self {
            pool: Arc::clone(&self.pool),
            prepared: self.prepared,
            suspicion: self.suspicion.clone(),
            refusal: self.refusal.clone(),
            provided: self.provided.clone(),
        }
    }
}

impl<D: Driver> Lease<D> {
    pub(super) fn connection(&mut self) -> sqlx::Result<&mut D::Connection> {
        self.connection.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    pub(super) fn set_sound(&mut self, sound: bool) {
        self.sound = sound;
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

fn is_rolled_back<D: Driver, T>(result: &sqlx::Result<T>) -> bool {
    result.as_ref().is_err_and(|error| failure::is_rolled_back(error, D::meaning))
}
