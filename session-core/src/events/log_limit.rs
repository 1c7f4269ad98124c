//! Limits the rate of log events during an outage.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// The shortest time between two log events with the same message.
const PERIOD: Duration = Duration::from_secs(1);
/// The maximum number of messages that are limited separately.
const MOST: usize = 16;

/// A limit of log events about failed requests, for authors of adapters. During an outage, each
/// message is logged once a second. Otherwise each request of a busy site would log an event.
///
/// # Examples
///
/// ```
/// use session_core::config::SystemClock;
/// use session_core::events::LogLimit;
/// use session_core::{Clock as _, Error};
///
/// static LIMIT: LogLimit = LogLimit::new();
///
/// fn log(error: &Error) {
///     if let Some(suppressed) = LIMIT.admit(error, SystemClock.monotonic()) {
///         eprintln!("session failed: {error} ({suppressed} more)");
///     }
/// }
/// ```
#[derive(Debug, Default)]
pub struct LogLimit {
    messages: Mutex<Vec<Logged>>,
}

/// A message that was logged.
#[derive(Debug)]
struct Logged {
    hash: u64,
    /// The time during which the message is not logged again.
    period: Range<Duration>,
    suppressed: u64,
}

impl LogLimit {
    /// Returns a limit that has admitted nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { messages: Mutex::new(Vec::new()) }
    }

    /// Returns the number of errors with this message that were not logged since the last logged
    /// error. Returns `None` if this error must not be logged. `now` is the time of
    /// [`Clock::monotonic`](crate::Clock::monotonic).
    ///
    /// Only errors of the kind [`ErrorKind::Unavailable`] are limited.
    pub fn admit(&self, error: &Error, now: Duration) -> Option<u64> {
        if error.kind() != ErrorKind::Unavailable {
            return Some(0);
        }
        let mut hasher = DefaultHasher::new();
        error.to_string().hash(&mut hasher);
        let (hash, period) = (hasher.finish(), now..now + PERIOD);
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let known = messages.iter().position(|logged| logged.hash == hash);
        if known.is_none() && messages.len() < MOST {
            messages.push(Logged { hash, period, suppressed: 0 });
            return Some(0);
        }
        let oldest = || messages.iter().enumerate().min_by_key(|(_, logged)| logged.period.start);
        let index = known.or_else(|| oldest().map(|(index, _)| index))?;
        let logged = &mut messages[index];
        if logged.period.contains(&now) {
            logged.suppressed += 1;
            return None;
        }
        let suppressed = logged.suppressed;
        *logged = Logged { hash, period, suppressed: 0 };
        Some(suppressed)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{Clock as _, ManualClock};

    #[test]
    fn outage_is_logged_once_per_second_with_count() {
        let (limit, clock) = (LogLimit::new(), ManualClock::at(SystemTime::UNIX_EPOCH));
        let down = Error::new(ErrorKind::Unavailable, "store is down");
        let mut logged = Vec::new();
        for _ in 0..16_000 {
            logged.extend(limit.admit(&down, clock.monotonic()));
            clock.advance(Duration::from_micros(200));
        }
        assert_eq!(logged, [0, 4_999, 4_999, 4_999]);
        clock.advance(Duration::from_secs(60));
        assert_eq!(limit.admit(&down, clock.monotonic()), Some(999));
    }

    #[test]
    fn messages_are_limited_separately_up_to_maximum() {
        let limit = LogLimit::new();
        let error = |number| Error::new(ErrorKind::Unavailable, format!("reason {number}"));
        let admit = |seconds| {
            let now = Duration::from_secs(seconds);
            (0..100).filter_map(|number| limit.admit(&error(number), now)).collect::<Vec<_>>()
        };
        assert_eq!(admit(0), [0; MOST]);
        assert!(admit(0).is_empty());
        let later = admit(1);
        assert_eq!(later.len(), MOST);
        assert_eq!(later.iter().sum::<u64>(), 100 - MOST as u64 + 100);
    }

    #[test]
    fn other_errors_are_always_logged() {
        let limit = LogLimit::new();
        let (failed, down) = (
            Error::new(ErrorKind::Backend, "store failed"),
            Error::new(ErrorKind::Unavailable, "store is down"),
        );
        assert_eq!(limit.admit(&down, Duration::ZERO), Some(0));
        for _ in 0..3 {
            assert_eq!(limit.admit(&failed, Duration::ZERO), Some(0));
            assert_eq!(limit.admit(&down, Duration::ZERO), None);
        }
        assert_eq!(limit.admit(&down, Duration::from_secs(1)), Some(3));
    }
}
