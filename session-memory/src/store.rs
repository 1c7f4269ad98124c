//! The store in memory.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use session_core::events::Events;
use session_core::store::{
    KeyPage, NewRecord, OwnerIndex, Record, Replaced, Scan, SessionStore, StoreKey, Sweep, Version,
};
use session_core::{Error, ErrorKind, async_trait};

use crate::builder::MemoryStoreBuilder;
use crate::table::{Limits, Position, Table};

/// A store of records in memory, up to a capacity. Clones share the records.
///
/// # Examples
///
/// ```
/// use session_core::SessionConfig;
/// use session_memory::{MemorySessions, MemoryStore};
///
/// let store = MemoryStore::with_capacity(10_000);
/// let sessions = MemorySessions::new(store, SessionConfig::default());
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    table: Arc<Table>,
    max_payload: usize,
}

impl MemoryStore {
    /// The default capacity of a store, as a number of records.
    pub const DEFAULT_CAPACITY: u64 = 100_000;

    /// Returns an empty store with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns an empty store with room for this number of records.
    #[must_use]
    pub fn with_capacity(records: u64) -> Self {
        Self::builder().capacity(records).build()
    }

    /// Returns a builder with the default limits.
    #[must_use]
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder::default()
    }

    pub(crate) fn with_limits(limits: Limits, max_payload: usize, events: Events) -> Self {
        Self { table: Arc::new(Table::new(limits, events)), max_payload }
    }

    /// Returns the number of records, including tombstones and expired records.
    pub fn len(&self) -> u64 {
        self.table.len()
    }

    /// Returns whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn check_size(&self, record: &NewRecord<'_>) -> Result<(), Error> {
        let (size, limit) = (record.payload().len(), self.max_payload);
        if size <= limit {
            return Ok(());
        }
        let message = format!(
            "session payload of {size} bytes exceeds this memory store's limit of {limit} bytes"
        );
        let source = "the limit is MemoryStoreBuilder::max_payload";
        Err(Error::new(ErrorKind::TooLarge, message).with_source(source))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.table.load(key))
    }

    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        Ok(keys.iter().map(|key| self.table.load(key)).collect())
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.check_size(record)?;
        self.table.create(key, record).ok_or_else(|| {
            let message = "memory store already has a record under a key that must be new";
            Error::new(ErrorKind::Backend, message)
        })
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.check_size(record)?;
        let replaced = self.table.replace(key, expected, record);
        Ok(replaced.map_or(Replaced::Stale, Replaced::Done))
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        Ok(self.table.touch(key, expected, expires_at))
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        Ok(self.table.remove(key, expected))
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for MemoryStore {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(self.table.keys_of(owner))
    }
}

#[async_trait]
impl Sweep for MemoryStore {
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(self.table.sweep(now, limit))
    }
}

/// Scans the shards one after the other. A call locks each shard only while it reads the keys of
/// this shard. A position is valid only in this process.
#[async_trait]
impl Scan for MemoryStore {
    async fn scan(&self, after: Option<&str>, limit: usize) -> Result<KeyPage, Error> {
        let from = after.map_or(Ok(Position::default()), parse_position)?;
        let (keys, next) = self.table.scan(from, limit.max(1));
        Ok(KeyPage::new(keys, next.map(position)))
    }

    async fn count(&self, now: SystemTime) -> Result<u64, Error> {
        Ok(self.table.count(now))
    }
}

fn position(Position { shard, slot }: Position) -> String {
    format!("{shard}.{slot}")
}

fn parse_position(text: &str) -> Result<Position, Error> {
    let parsed = text.split_once('.').and_then(|(shard, slot)| {
        Some(Position { shard: shard.parse().ok()?, slot: slot.parse().ok()? })
    });
    parsed.filter(|parsed| position(*parsed) == text).ok_or_else(|| {
        Error::new(ErrorKind::Malformed, "scan position was not returned by this store")
    })
}

#[cfg(test)]
mod tests {
    use fuzzing::Fuzz;

    use super::*;

    #[test]
    fn fuzzed_scan_position_has_one_spelling() {
        let store = MemoryStore::new();
        let samples = ["0.0", "7.12", "18446744073709551615.18446744073709551615"];
        Fuzz::new("scan position", samples).words(&["+", ".", "0", " "]).run(|input| {
            let Ok(text) = str::from_utf8(input) else { return false };
            let Ok(from) = parse_position(text) else { return false };
            assert_eq!(position(from), text);
            assert!(store.table.scan(from, 10).0.is_empty());
            true
        });
    }
}
