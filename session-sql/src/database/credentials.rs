//! The credentials of new connections, if the application sets a provider.

use std::sync::{Arc, OnceLock, Weak};

use session_core::store::CredentialsProvider;
use sqlx::{Connection, Pool};

use super::driver::Driver;

/// The provider, and the pool and the options for its credentials.
pub(super) struct Provided<D: Driver> {
    provider: Arc<dyn CredentialsProvider>,
    options: <D::Connection as Connection>::Options,
    /// The options of the pool contain this value, so a strong reference would keep the pool open.
    pool: Arc<OnceLock<Weak<Pool<D>>>>,
}

impl<D: Driver> Provided<D> {
    #[cfg(any(feature = "postgres", feature = "mysql"))]
    pub(super) fn new(
        provider: Arc<dyn CredentialsProvider>,
        options: <D::Connection as Connection>::Options,
    ) -> Self {
        Self { provider, options, pool: Arc::default() }
    }

    pub(super) fn set_pool(&self, pool: &Arc<Pool<D>>) {
        // The cell is set only once.
        let _ = self.pool.set(Arc::downgrade(pool));
    }

    /// Returns the options with the current credentials.
    pub(super) async fn options(&self) -> sqlx::Result<<D::Connection as Connection>::Options> {
        let credentials = self.provider.credentials().await;
        let credentials =
            credentials.map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))?;
        Ok(D::with_credentials(&self.options, &credentials))
    }

    /// Sets the current credentials if the pool is about to add a connection.
    pub(super) async fn refresh_if_needed(&self) -> sqlx::Result<()> {
        let grows = |pool: Arc<Pool<D>>| {
            pool.num_idle() == 0 && pool.size() < pool.options().get_max_connections()
        };
        if self.pool().is_some_and(grows) { self.refresh().await } else { Ok(()) }
    }

    /// Sets the current credentials on the pool.
    pub(super) async fn refresh(&self) -> sqlx::Result<()> {
        let options = self.options().await?;
        if let Some(pool) = self.pool() {
            pool.set_connect_options(options);
        }
        Ok(())
    }

    fn pool(&self) -> Option<Arc<Pool<D>>> {
        self.pool.get()?.upgrade()
    }
}

impl<D: Driver> Clone for Provided<D> {
    fn clone(&self) -> Self {
        let (provider, pool) = (Arc::clone(&self.provider), Arc::clone(&self.pool));
        Self { provider, options: self.options.clone(), pool }
    }
}

/// Returns whether the server refused the credentials.
pub(super) fn is_refused<D: Driver>(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(D::is_refusal)
}
