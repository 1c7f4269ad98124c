//! Durations of the checks.

use std::time::{Duration, SystemTime};

pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// The maximum slack of an expiry, which is one minute, and one more second.
pub(crate) const SLACK: Duration = Duration::from_secs(61);

pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// Returns whether two times are equal to the second.
pub(crate) fn is_near(time: SystemTime, other: SystemTime) -> bool {
    let apart = time.duration_since(other).unwrap_or_else(|error| error.duration());
    apart <= Duration::from_secs(1)
}
