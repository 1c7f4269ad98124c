//! The builder of a store in memory.

use session_core::events::Events;

use crate::store::MemoryStore;
use crate::table::Limits;

/// A builder of a [`MemoryStore`].
///
/// # Examples
///
/// ```
/// use session_memory::MemoryStore;
///
/// let store = MemoryStore::builder().capacity(1_000_000).max_bytes(1 << 30).build();
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStoreBuilder {
    limits: Limits,
    max_payload: usize,
    events: Events,
}

impl MemoryStoreBuilder {
    /// Sets the maximum number of records. The default is [`MemoryStore::DEFAULT_CAPACITY`].
    #[must_use]
    pub fn capacity(mut self, records: u64) -> Self {
        self.limits.records = records;
        self
    }

    /// Sets the maximum size of all records together in bytes. The size includes payloads, owners
    /// and 112 bytes per record, but not the index of owners. The default is 256 MiB.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// Sets the maximum size of a payload, in bytes. A larger payload fails with
    /// [`ErrorKind::TooLarge`](session_core::ErrorKind::TooLarge). The default is 1 MiB.
    #[must_use]
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }

    /// Sets the receiver of eviction events. By default, only `tracing` receives these events.
    #[must_use]
    pub fn events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// Returns an empty store.
    #[must_use]
    pub fn build(self) -> MemoryStore {
        MemoryStore::with_limits(self.limits, self.max_payload, self.events)
    }
}

impl Default for MemoryStoreBuilder {
    fn default() -> Self {
        let limits = Limits { records: MemoryStore::DEFAULT_CAPACITY, bytes: 256 << 20 };
        Self { limits, max_payload: 1 << 20, events: Events::default() }
    }
}
