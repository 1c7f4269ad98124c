//! The task that removes expired records.

use std::time::{Duration, SystemTime};

use session_core::Sweep as _;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::SqlStore;

/// A running task of [`SqlStore::sweep_every`]. Dropped, it ends the task.
///
/// ```
/// use session_sql::SqlStore;
/// use std::time::Duration;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let store = SqlStore::connect("sqlite::memory:").await?;
/// let sweeper = store.sweep_every(Duration::from_secs(60), 1000);
/// assert!(sweeper.is_running());
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Sweeper {
    task: JoinHandle<()>,
}

impl Sweeper {
    /// Whether the task runs: until it is stopped, or its runtime ends.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// # use std::time::Duration;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let store = SqlStore::connect("sqlite::memory:").await?;
    /// assert!(store.sweep_every(Duration::from_secs(60), 1000).is_running());
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }

    /// Ends the task, and waits until it has ended.
    ///
    /// ```
    /// # use session_sql::SqlStore;
    /// # use std::time::Duration;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let store = SqlStore::connect("sqlite::memory:").await?;
    /// store.sweep_every(Duration::from_secs(60), 1000).stop().await;
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn stop(mut self) {
        self.task.abort();
        // It ends as cancelled, which is what was asked for.
        let _ = (&mut self.task).await;
    }

    pub(crate) fn start(store: SqlStore, period: Duration, limit: usize) -> Self {
        let (period, limit) = (period.max(Duration::from_millis(1)), limit.max(1));
        Self { task: tokio::spawn(sweep_for_ever(store, period, limit)) }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn sweep_for_ever(store: SqlStore, period: Duration, limit: usize) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        sweep_all(&store, limit).await;
    }
}

async fn sweep_all(store: &SqlStore, limit: usize) {
    loop {
        match store.sweep(SystemTime::now(), limit).await {
            Ok(swept) if swept >= limit => tokio::task::yield_now().await,
            Ok(_) => return,
            Err(error) => {
                let source = std::error::Error::source(&error);
                tracing::warn!(%error, source, "expired sessions could not be removed; trying again later");
                return;
            }
        }
    }
}
