//! The ready session interface over the memory store.

use session_core::{ServerSideSessions, SessionConfig, delegate_sessions};

use crate::MemoryStore;

/// Sessions in memory.
///
/// ```
/// use session_core::SessionConfig;
/// use session_memory::MemorySessions;
///
/// let sessions = MemorySessions::new(SessionConfig::default());
/// ```
#[derive(Debug)]
pub struct MemorySessions {
    engine: ServerSideSessions<MemoryStore>,
}

impl MemorySessions {
    /// Sessions in a new store of the [default capacity](MemoryStore::DEFAULT_CAPACITY).
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use session_memory::MemorySessions;
    /// let sessions = MemorySessions::new(SessionConfig::default());
    /// ```
    pub fn new(config: SessionConfig) -> Self {
        Self::with_store(MemoryStore::new(), config)
    }

    /// Sessions in this store; clones of a store share what they hold.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use session_memory::{MemorySessions, MemoryStore};
    /// let sessions = MemorySessions::with_store(MemoryStore::with_capacity(1000), SessionConfig::default());
    /// ```
    pub fn with_store(store: MemoryStore, config: SessionConfig) -> Self {
        Self { engine: ServerSideSessions::new(store, config) }
    }

    /// The store.
    ///
    /// ```
    /// # use session_core::SessionConfig;
    /// # use session_memory::MemorySessions;
    /// assert_eq!(MemorySessions::new(SessionConfig::default()).store().len(), 0);
    /// ```
    pub fn store(&self) -> &MemoryStore {
        self.engine.store()
    }
}

delegate_sessions!(MemorySessions, engine);
