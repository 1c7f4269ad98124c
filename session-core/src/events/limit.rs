//! Limits the rate of events that any client can cause.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::event::Event;

/// The maximum number of reports of one kind in a second.
const PER_SECOND: u32 = 10;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The limits of one handler: one for each kind of limited event.
#[derive(Default)]
pub(super) struct Limits {
    kinds: [Mutex<Limit>; 8],
}

/// The number of reports in the current second.
#[derive(Default)]
struct Limit {
    second: u64,
    reported: u32,
    /// The number of events without a report.
    held: u64,
}

impl Limits {
    /// Returns the event to report, with its count, or `None` if its kind was reported too often.
    pub(super) fn admit<'a>(&self, event: Event<'a>) -> Option<Event<'a>> {
        let mut event = event;
        let (kind, count) = match &mut event {
            Event::Expired { count } => (0, count),
            Event::RotatedId { count } => (1, count),
            Event::UnknownId { count } => (2, count),
            Event::ForgedCookie { count } => (3, count),
            Event::CsrfRefused { count } => (4, count),
            Event::SeveralCookies { of_different_users: false, count } => (5, count),
            Event::SeveralCookies { of_different_users: true, count } => (6, count),
            Event::Evicted { count } => (7, count),
            _ => return Some(event),
        };
        let mut limit = self.kinds[kind].lock().unwrap_or_else(PoisonError::into_inner);
        *count = limit.admit(*count, START.elapsed())?;
        drop(limit);
        Some(event)
    }
}

impl Limit {
    /// Returns the number of events since the last report, if the event must be reported.
    fn admit(&mut self, count: u64, now: Duration) -> Option<u64> {
        if self.second != now.as_secs() {
            (self.second, self.reported) = (now.as_secs(), 0);
        }
        let total = self.held.saturating_add(count);
        if self.reported >= PER_SECOND {
            self.held = total;
            return None;
        }
        (self.reported, self.held) = (self.reported + 1, 0);
        Some(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_is_reported_ten_times_per_second_and_counted() {
        let mut limit = Limit::default();
        let at = Duration::from_millis;
        let reported: Vec<_> = (0..100).filter_map(|n| limit.admit(1, at(500 + n))).collect();
        assert_eq!(reported, [1; 10]);
        assert_eq!(limit.admit(1, at(1_000)), Some(91));
        assert_eq!(limit.admit(5, at(1_001)), Some(5));
        assert_eq!((2..10).filter_map(|_| limit.admit(1, at(1_002))).sum::<u64>(), 8);
        assert_eq!(limit.admit(1, at(1_999)), None);
        assert_eq!(limit.admit(1, at(60_000)), Some(2));
    }

    #[test]
    fn kinds_of_events_are_counted_apart() {
        let limits = Limits::default();
        let unknown = |_| limits.admit(Event::UnknownId { count: 1 }).is_some();
        assert!((0..1_000).filter(|n| unknown(*n)).count() < 1_000);
        assert!(limits.admit(Event::ForgedCookie { count: 1 }).is_some());
        let calls = |_| limits.admit(Event::Reconnected).is_some();
        assert_eq!((0..1_000).filter(|n| calls(*n)).count(), 1_000);
    }
}
