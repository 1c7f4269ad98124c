//! The task that removes expired records.

use std::time::{Duration, SystemTime};

use session_core::store::Sweep as _;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::SqlStore;

/// A task that [`SqlStore::sweep_every`] started. Dropping this value ends the task.
#[derive(Debug)]
pub struct Sweeper {
    task: JoinHandle<()>,
}

impl Sweeper {
    /// Returns whether the task is running. The task runs until it is stopped or its runtime ends.
    pub fn is_running(&self) -> bool {
        !self.task.is_finished()
    }

    /// Ends the task and waits until it has ended.
    pub async fn stop(mut self) {
        self.task.abort();
        // The result is that the task was cancelled.
        let _ = (&mut self.task).await;
    }

    pub(crate) fn start(store: SqlStore, period: Duration, limit: usize) -> Self {
        let (period, limit) = (period.max(Duration::from_millis(1)), limit.max(1));
        Self { task: tokio::spawn(sweep_repeatedly(store, period, limit)) }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn sweep_repeatedly(store: SqlStore, period: Duration, limit: usize) {
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
