//! Times in the table, in milliseconds since 1970. Earlier times are negative.

use std::time::{Duration, SystemTime};

/// Rounds a time down to milliseconds.
pub(crate) fn floor(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => whole(since),
        Err(before) => -whole(before.duration()) - i64::from(has_rest(before.duration())),
    }
}

/// Rounds a time up to milliseconds.
pub(crate) fn ceiling(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => whole(since).saturating_add(i64::from(has_rest(since))),
        Err(before) => -whole(before.duration()),
    }
}

/// Returns the time, or `None` if it cannot be represented.
pub(crate) fn time(milliseconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_millis(milliseconds.unsigned_abs());
    if milliseconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
}

fn whole(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn has_rest(duration: Duration) -> bool {
    !duration.subsec_nanos().is_multiple_of(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceiling_is_never_earlier_than_time() {
        let epoch = SystemTime::UNIX_EPOCH;
        let nanos = Duration::from_nanos;
        let cases = [
            (epoch, 0, 0),
            (epoch + nanos(1), 0, 1),
            (epoch + nanos(1_000_000), 1, 1),
            (epoch - nanos(1), -1, 0),
            (epoch - nanos(1_000_000), -1, -1),
            (epoch - nanos(1_000_001), -2, -1),
        ];
        for (moment, earlier, later) in cases {
            assert_eq!((floor(moment), ceiling(moment)), (earlier, later), "{moment:?}");
            assert!(time(earlier).unwrap() <= moment && moment <= time(later).unwrap());
        }
    }
}
