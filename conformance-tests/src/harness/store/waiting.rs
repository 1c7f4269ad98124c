//! Waiting for the actions of a store after an expiry.

use std::time::{Duration, SystemTime};

use session_core::store::MAX_CLOCK_SKEW;

use crate::harness::store::StoreUnderTest;
use crate::report::Checked;

/// A day, for a store with a manual clock.
const MINUTE_BY_MINUTE: (Duration, u32) = (Duration::from_mins(1), 24 * 60);

/// Nine seconds, for a store with a real clock.
const STEP_BY_STEP: (Duration, u32) = (Duration::from_millis(75), 120);

/// Returns an expiry that lets the store remove a record while a rule runs.
///
/// A sweep may keep a record for five minutes after its expiry. With a real clock and a sweep, the
/// expiry is therefore five minutes ago.
pub(crate) fn expiry_to_watch(store: &StoreUnderTest) -> SystemTime {
    if store.sweeper().is_some() && !store.moves_time() {
        store.now() - MAX_CLOCK_SKEW
    } else {
        store.now() + Duration::from_millis(500)
    }
}

pub(crate) async fn pass_until(store: &StoreUnderTest, moment: SystemTime) {
    if let Ok(rest) = moment.duration_since(store.now()) {
        store.pass(rest).await;
    }
}

/// Repeated attempts, with a sweep before each and a break after each.
pub(crate) struct Attempts<'a> {
    store: &'a StoreUnderTest,
    step: Duration,
    left: u32,
    /// The total duration of the breaks.
    pub(crate) time: Duration,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(store: &'a StoreUnderTest) -> Self {
        let (step, steps) = if store.moves_time() { MINUTE_BY_MINUTE } else { STEP_BY_STEP };
        Self { store, step, left: steps, time: step * steps }
    }

    /// Sweeps at the current time. Other tests may share the store, so no other time is used.
    pub(crate) async fn sweep(&self) -> Checked {
        if let Some(sweep) = self.store.sweeper() {
            self.store.quietly("sweep(now, 1000)", sweep.sweep(self.store.now(), 1000).await)?;
        }
        Ok(())
    }

    /// Waits until the next attempt. Returns `false` at once if no attempt is left.
    pub(crate) async fn has_next(&mut self) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        self.store.pass_unnoted(self.step).await;
        true
    }
}
