//! The settings of a cache.

use std::sync::{Arc, Weak};
use std::time::Duration;

use session_core::config::SystemClock;
use session_core::store::ReportChanges;
use session_core::{Clock, Error};

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
    /// seconds. A change by another process is visible after at most this time. With
    /// [`build_with_invalidation`](Self::build_with_invalidation), it is usually visible much
    /// earlier.
    #[must_use]
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.time_to_live = time;
        self
    }

    /// Sets the maximum size of all copies together in bytes. The size includes payloads, owners
    /// and 200 bytes per copy. The default is 64 MiB.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the clock, which should be the clock of the `SessionConfig`. The default is
    /// [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Returns this store with an empty cache in front of it.
    pub fn build<S>(self, store: S) -> Cached<S> {
        let copies = Copies::new(self.time_to_live, self.max_bytes, self.clock);
        Cached { store, copies: Arc::new(copies) }
    }

    /// Returns this store with an empty cache in front of it. The cache removes a copy when the
    /// store reports a change of its record, and all copies when reports may have been lost.
    ///
    /// The [time to live](Self::time_to_live) still applies, because reports are messages that can
    /// be late. The store also reports a write of this process. Therefore the next request after
    /// the write loads the session.
    ///
    /// # Errors
    ///
    /// Returns the error of [`ReportChanges::report_changes`]: the settings of the store exclude
    /// reports, or the store is not available.
    ///
    /// # Examples
    ///
    /// ```
    /// use session_core::store::ReportChanges;
    /// use session_core::{Error, ServerSideSessions, SessionConfig};
    /// use session_memory::Cached;
    ///
    /// async fn sessions<S: ReportChanges>(
    ///     store: S,
    /// ) -> Result<ServerSideSessions<Cached<S>>, Error> {
    ///     let store = Cached::builder().build_with_invalidation(store).await?;
    ///     Ok(ServerSideSessions::new(store, SessionConfig::default()))
    /// }
    /// ```
    pub async fn build_with_invalidation<S: ReportChanges>(
        self,
        store: S,
    ) -> Result<Cached<S>, Error> {
        let cached = self.build(store);
        let listener: Weak<Copies> = Arc::downgrade(&cached.copies);
        cached.store.report_changes(listener).await?;
        Ok(cached)
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
