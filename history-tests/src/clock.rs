//! The clock of an engine, which notes when a save starts a store call.
//!
//! Requests on other threads may let time pass between the moment when the engine reads its clock
//! and the call that follows. Therefore the start of a call is the time at which the engine last
//! read the clock.

use std::time::{Duration, SystemTime};

use session_core::{Clock, ManualClock};

use crate::watched::CURRENT;

/// The time in which a save may wait, write and look up a lost reply.
const DEADLINE: Duration = Duration::from_secs(5);

/// The clock of an engine.
#[derive(Clone, Debug)]
pub(crate) struct EngineClock(pub(crate) ManualClock);

/// The readings of the clock by one save.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    first: Option<Duration>,
    /// The last one since the last call.
    last: Option<Duration>,
}

impl Readings {
    fn add(&mut self, time: Duration) {
        self.first.get_or_insert(time);
        self.last = Some(time);
    }

    /// Returns the time by which the next call starts after the deadline, if it starts late.
    pub(crate) fn overdue(&mut self, clock: &ManualClock) -> Option<Duration> {
        let began = self.last.take().unwrap_or_else(|| clock.monotonic());
        let elapsed = began.saturating_sub(self.first?);
        elapsed.checked_sub(DEADLINE).filter(|late| !late.is_zero())
    }
}

impl Clock for EngineClock {
    fn now(&self) -> SystemTime {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        let time = self.0.monotonic();
        let _ = CURRENT.try_with(|current| current.with_readings(|readings| readings.add(time)));
        time
    }
}
