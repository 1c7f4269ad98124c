//! Durations of the checks.

use std::time::Duration;

pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// The slack with which an engine may store such a session, and one second.
pub(crate) const SLACK: Duration = Duration::from_secs(61);

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
