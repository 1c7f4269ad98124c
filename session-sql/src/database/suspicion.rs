//! Detects idle connections that may be broken or lead to the wrong server.
//!
//! A ping before each call would double the round trips. Without pings, each idle connection to a
//! restarted server would fail one call. The first call after a pause would also fail, because
//! servers and proxies close idle connections. Therefore a connection is pinged before its use if
//! it was idle for a long time, or if another connection broke in the meantime.
//!
//! A server that accepts no writes may have been replaced by another server. Open connections to
//! the old server read outdated sessions. Therefore all older connections are closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The shortest time between two invalidations of older connections. A server that stays read-only
/// must not be flooded with new connections.
const BETWEEN_CONDEMNATIONS: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(super) struct Suspicion {
    start: Instant,
    events: Arc<Events>,
    test_after_idle: Duration,
}

/// The times of the last events, in microseconds from the start; 0 for none.
#[derive(Debug, Default)]
struct Events {
    /// The time at which a connection broke.
    broken: AtomicU64,
    /// The time at which a server accepted no writes, or another file replaced the database.
    read_only: AtomicU64,
    /// Whether no call has succeeded since a connection broke.
    is_broken: AtomicBool,
    /// Whether a call has succeeded since a connection broke, and this recovery was not reported.
    has_recovered: AtomicBool,
}

/// The treatment of an idle connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    Use,
    Test,
    Close,
}

impl Suspicion {
    pub(super) fn new(test_after_idle: Duration) -> Self {
        Self { start: Instant::now(), events: Arc::default(), test_after_idle }
    }

    /// Records that a connection broke.
    pub(super) fn raise(&self) {
        self.events.raise(self.now());
    }

    /// Records that a call succeeded.
    pub(super) fn dispel(&self) {
        let events = &self.events;
        if events.is_broken.load(Ordering::Relaxed)
            && events.is_broken.swap(false, Ordering::Relaxed)
        {
            events.has_recovered.store(true, Ordering::Relaxed);
        }
    }

    /// Returns whether no call has succeeded since a connection broke.
    pub(super) fn is_raised(&self) -> bool {
        self.events.is_broken.load(Ordering::Relaxed)
    }

    /// Returns whether a call has succeeded since a connection broke. Returns `true` once for each
    /// recovery.
    pub(super) fn take_recovery(&self) -> bool {
        self.events.has_recovered.load(Ordering::Relaxed)
            && self.events.has_recovered.swap(false, Ordering::Relaxed)
    }

    /// Records that a server accepted no writes.
    pub(super) fn condemn(&self) {
        self.events.condemn(self.now());
    }

    /// Records that all connections lead to the wrong file.
    pub(super) fn condemn_all(&self) {
        self.events.read_only.fetch_max(self.now(), Ordering::Relaxed);
    }

    /// Returns how to treat a connection of this age that was idle for this time.
    pub(super) fn judge(&self, age: Duration, idle_for: Duration) -> Verdict {
        let now = self.now();
        let since = |ago| now.saturating_sub(micros(ago));
        match self.events.judge(since(age), since(idle_for)) {
            Verdict::Use if idle_for >= self.test_after_idle => Verdict::Test,
            verdict => verdict,
        }
    }

    fn now(&self) -> u64 {
        micros(self.start.elapsed()).max(1)
    }
}

impl Events {
    fn raise(&self, now: u64) {
        self.broken.fetch_max(now, Ordering::Relaxed);
        self.is_broken.store(true, Ordering::Relaxed);
    }

    fn condemn(&self, now: u64) {
        let is_due =
            |last| (last == 0 || now >= last + micros(BETWEEN_CONDEMNATIONS)).then_some(now);
        // The result is the time of an earlier event.
        let _ = self.read_only.fetch_update(Ordering::Relaxed, Ordering::Relaxed, is_due);
    }

    fn judge(&self, opened_at: u64, idle_since: u64) -> Verdict {
        if opened_at <= self.read_only.load(Ordering::Relaxed) {
            Verdict::Close
        } else if idle_since <= self.broken.load(Ordering::Relaxed) {
            Verdict::Test
        } else {
            Verdict::Use
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_connections_idle_at_last_break_are_tested() {
        let events = Events::default();
        assert_eq!(events.judge(1, 40), Verdict::Use);
        events.raise(50);
        events.raise(45);
        assert_eq!(events.judge(1, 50), Verdict::Test);
        assert_eq!(events.judge(1, 51), Verdict::Use);
    }

    #[test]
    fn recovery_is_reported_once_after_success() {
        let suspicion = Suspicion::new(Duration::MAX);
        suspicion.dispel();
        assert!(!suspicion.is_raised() && !suspicion.take_recovery());
        suspicion.raise();
        suspicion.raise();
        assert!(suspicion.is_raised() && !suspicion.take_recovery());
        suspicion.dispel();
        suspicion.dispel();
        assert!(!suspicion.is_raised());
        assert_eq!([suspicion.take_recovery(), suspicion.take_recovery()], [true, false]);
    }

    #[test]
    fn connections_idle_for_long_are_tested() {
        let (limit, age) = (Duration::from_secs(5), Duration::from_secs(9));
        let start = Instant::now().checked_sub(age * 2).unwrap();
        let judge = |test_after_idle, idle_for| {
            Suspicion { start, ..Suspicion::new(test_after_idle) }.judge(age, idle_for)
        };
        assert_eq!(judge(limit, Duration::from_millis(4999)), Verdict::Use);
        assert_eq!(judge(limit, limit), Verdict::Test);
        assert_eq!(judge(Duration::ZERO, Duration::ZERO), Verdict::Test);
        assert_eq!(judge(Duration::MAX, age), Verdict::Use);
    }

    #[test]
    fn only_connections_older_than_refused_write_are_closed() {
        let (events, pause) = (Events::default(), micros(BETWEEN_CONDEMNATIONS));
        events.condemn(50);
        assert_eq!(events.judge(50, 60), Verdict::Close);
        assert_eq!(events.judge(51, 60), Verdict::Use);
        events.condemn(49 + pause);
        assert_eq!(events.judge(51, 60), Verdict::Use);
        events.condemn(50 + pause);
        assert_eq!(events.judge(51, 60), Verdict::Close);
    }
}
