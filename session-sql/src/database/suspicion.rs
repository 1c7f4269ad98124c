//! Whether a connection that has been idle may be broken.
//!
//! A ping before each call would double the round trips, and without any, each idle connection to a server that was restarted
//! fails one call. So once a connection broke, each other that was idle at that moment is pinged before its next use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub(super) struct Suspicion {
    start: Instant,
    /// Microseconds from the start to the last break; 0 for none.
    last_break: Arc<AtomicU64>,
}

impl Suspicion {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), last_break: Arc::default() }
    }

    /// Notes that a connection broke.
    pub(super) fn raise(&self) {
        self.last_break.fetch_max(micros(self.start.elapsed()).max(1), Ordering::Relaxed);
    }

    /// Whether a connection broke while this one was idle.
    pub(super) fn covers(&self, idle_for: Duration) -> bool {
        let idle_since = micros(self.start.elapsed().saturating_sub(idle_for));
        idle_since <= self.last_break.load(Ordering::Relaxed)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_idle_when_a_connection_broke_is_suspected_and_nothing_else() {
        let suspicion = Suspicion {
            start: Instant::now().checked_sub(Duration::from_secs(10)).unwrap(),
            last_break: Arc::default(),
        };
        assert!(!suspicion.covers(Duration::from_secs(5)));
        suspicion.raise();
        assert!(suspicion.covers(Duration::from_secs(5)));
        std::thread::sleep(Duration::from_millis(2));
        assert!(!suspicion.covers(Duration::ZERO));
    }
}
