//! Sweeps of a store that other tests may sweep concurrently, but never at a time in the future.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::store::{MAX_CLOCK_SKEW, Sweep};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::time;
use crate::report::{Checked, Failure};

/// The number of attempts of a check. In one attempt, a concurrent sweep may remove a record that
/// the checked sweep must not remove. This does not occur in all attempts.
pub(crate) const ATTEMPTS: u32 = 10;

pub(crate) const LIMIT: usize = 1000;

/// The number of sweeps that is sufficient to remove all records of other runs from a store.
pub(crate) const SWEEPS: usize = 1000;

/// The shortest time after the expiry of a record at which a sweep must remove the record.
pub(crate) const OVERDUE: Duration = MAX_CLOCK_SKEW.saturating_add(Duration::from_millis(1));

/// The time at which the records of a check expired. A sweep at a busy time does not remove the
/// records of a quiet time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Era {
    Busy,
    Quiet,
}

impl Era {
    /// Returns a random time in the distant past, in whole seconds.
    pub(crate) fn moment(self) -> SystemTime {
        const YEAR: u64 = 365 * 24 * 3600;
        let years = match self {
            Self::Busy => 0,
            Self::Quiet => 20,
        };
        let seconds = years * YEAR + fastrand::u64(..10 * YEAR);
        SystemTime::UNIX_EPOCH + Duration::from_hours(24) + Duration::from_secs(seconds)
    }
}

pub(crate) fn sweeper(store: &StoreUnderTest) -> Result<Arc<dyn Sweep>, Failure> {
    store.sweeper().ok_or_else(|| store.lacks("sweep"))
}

pub(crate) async fn sweep(
    store: &StoreUnderTest,
    now: SystemTime,
    limit: usize,
) -> Result<usize, Failure> {
    let removed = sweeper(store)?.sweep(now, limit).await;
    store.note(format!("sweep({}, up to {limit})", time("at", now)), removed, usize::to_string)
}

/// Sweeps until a sweep removes fewer records than its limit.
pub(crate) async fn sweep_all(store: &StoreUnderTest, now: SystemTime, limit: usize) -> Checked {
    for _ in 0..SWEEPS {
        if sweep(store, now, limit).await? < limit {
            break;
        }
    }
    Ok(())
}

/// Sweeps until no expired record is left.
pub(crate) async fn swept(store: &StoreUnderTest, now: SystemTime) -> Checked {
    for _ in 0..SWEEPS {
        if sweep(store, now, LIMIT).await? == 0 {
            break;
        }
    }
    Ok(())
}
