//! The clock of the operating system, and a clock that tests set.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// The source of the current time. Set it with
/// [`SessionConfigBuilder::clock`](crate::SessionConfigBuilder::clock).
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the current time. The engine calls this method several times per request. Therefore
    /// it must be fast and must not block.
    fn now(&self) -> SystemTime;

    /// Returns the time since a fixed moment in the past, for measuring durations. Unlike
    /// [`now`](Self::now), it never decreases and does not jump when the system time is set.
    ///
    /// The default implementation returns the time since the first call in this process. Override
    /// this method if a test controls the deadlines of saves.
    fn monotonic(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// The clock of the operating system. This is the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that changes only when a test sets it. Clones share the time.
///
/// [`advance`](Self::advance) moves the system time and the monotonic time forward.
/// [`set`](Self::set) changes only the system time, as an administrator or a time server does.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use session_core::{ManualClock, SessionConfig};
///
/// let clock = ManualClock::at(SystemTime::now());
/// let config = SessionConfig::builder().clock(clock.clone()).build()?;
///
/// let before = config.now();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(config.now(), before + Duration::from_secs(3600));
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    times: Arc<Mutex<Times>>,
}

#[derive(Debug)]
struct Times {
    now: SystemTime,
    monotonic: Duration,
}

impl ManualClock {
    /// Returns a clock with this time.
    pub fn at(now: SystemTime) -> Self {
        Self { times: Arc::new(Mutex::new(Times { now, monotonic: Duration::ZERO })) }
    }

    /// Moves the system time and the monotonic time forward.
    pub fn advance(&self, by: Duration) {
        let mut times = self.times();
        times.now += by;
        times.monotonic += by;
    }

    /// Sets the system time, which may be earlier than before.
    pub fn set(&self, now: SystemTime) {
        self.times().now = now;
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        self.times().now
    }

    fn monotonic(&self) -> Duration {
        self.times().monotonic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_set_keeps_monotonic_time() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let clock = ManualClock::at(start);
        clock.advance(Duration::from_secs(5));
        clock.set(start);
        assert_eq!((clock.now(), clock.monotonic()), (start, Duration::from_secs(5)));
        clock.clone().advance(Duration::from_secs(1));
        assert_eq!(clock.monotonic(), Duration::from_secs(6));
    }

    #[test]
    fn system_clock_monotonic_time_does_not_decrease() {
        let before = SystemClock.monotonic();
        assert!(SystemClock.monotonic() >= before);
    }
}
