//! The settings of a cache.

use std::sync::Arc;
use std::time::Duration;

use session_core::Clock;
use session_core::config::SystemClock;

use super::Cached;
use super::copies::Copies;

/// The settings of a [`Cached`] store.
#[derive(Clone, Debug)]
pub struct CachedBuilder {
    time_to_live: Duration,
    max_bytes: u64,
    clock: Arc<dyn Clock>,
}

impl CachedBuilder {
    /// Sets the time for which a copy is used after it was loaded or written. The default is 5
    /// seconds. A change by another process is visible after at most this time.
    #[must_use]
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = time;
        self
    }

    /// Sets the largest size of all copies in bytes. It counts payloads, owners and 200 bytes per
    /// copy. The default is 64 MiB.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the clock, which should be that of the `SessionConfig`. The default is
    /// [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Returns this store with an empty cache in front of it.
    pub fn build<S>(self, store: S) -> Cached<S> {
        Cached { store, copies: Copies::new(self.time_to_live, self.max_bytes, self.clock) }
    }
}

impl Default for CachedBuilder {
    fn default() -> Self {
        Self {
            time_to_live: Duration::from_secs(5),
            max_bytes: 64 << 20,
            clock: Arc::new(SystemClock),
        }
    }
}
