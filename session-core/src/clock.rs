//! Where the time comes from: the system, or a clock that a test sets.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The source of every "now" in the ecosystem; set it with
/// [`SessionConfigBuilder::clock`](crate::SessionConfigBuilder::clock).
///
/// ```
/// use session_core::{Clock, SystemClock};
/// use std::time::SystemTime;
///
/// assert!(SystemClock.now() > SystemTime::UNIX_EPOCH);
/// ```
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time now. Called a few times per request: it must be cheap and must not block.
    ///
    /// ```
    /// # use session_core::{Clock, SystemClock};
    /// let now = SystemClock.now();
    /// assert!(now <= SystemClock.now());
    /// ```
    fn now(&self) -> SystemTime;
}

/// The clock of the operating system; the default.
///
/// ```
/// use session_core::{Clock, SystemClock};
///
/// let _now = SystemClock.now();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock that stands still until it is told otherwise, for tests. Clones share the time.
///
/// ```
/// use session_core::{Clock, ManualClock};
/// use std::time::{Duration, SystemTime};
///
/// let clock = ManualClock::at(SystemTime::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<Mutex<SystemTime>>,
}

impl ManualClock {
    /// A clock that shows this time.
    ///
    /// ```
    /// # use session_core::{Clock, ManualClock};
    /// # use std::time::SystemTime;
    /// let clock = ManualClock::at(SystemTime::UNIX_EPOCH);
    /// assert_eq!(clock.now(), SystemTime::UNIX_EPOCH);
    /// ```
    pub fn at(now: SystemTime) -> Self {
        Self { now: Arc::new(Mutex::new(now)) }
    }

    /// Moves the time forward.
    ///
    /// ```
    /// # use session_core::{Clock, ManualClock};
    /// # use std::time::{Duration, SystemTime};
    /// let clock = ManualClock::at(SystemTime::UNIX_EPOCH);
    /// clock.advance(Duration::from_millis(1));
    /// assert!(clock.now() > SystemTime::UNIX_EPOCH);
    /// ```
    pub fn advance(&self, by: Duration) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// Shows another time, earlier or later.
    ///
    /// ```
    /// # use session_core::{Clock, ManualClock};
    /// # use std::time::{Duration, SystemTime};
    /// let clock = ManualClock::at(SystemTime::now());
    /// clock.set(SystemTime::UNIX_EPOCH);
    /// assert_eq!(clock.now(), SystemTime::UNIX_EPOCH);
    /// ```
    pub fn set(&self, now: SystemTime) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
