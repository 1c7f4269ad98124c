//! The store: a moka cache of places for records, and an index by owner.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use moka::ops::compute::{CompResult, Op};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use session_core::{
    Error, ErrorKind, NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Sweep, Version, async_trait,
};

use crate::hash::FirstBytes;
use crate::owners::Owners;
use crate::place::Place;

/// Records in memory, up to a capacity. Clones share them.
///
/// ```
/// use session_memory::MemoryStore;
///
/// let store = MemoryStore::with_capacity(10_000);
/// assert_eq!(store.len(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore {
    records: Cache<StoreKey, Arc<Place>, FirstBytes>,
    owners: Arc<Owners>,
    /// Counts up over all keys, so that no version is ever used twice.
    versions: Arc<AtomicU64>,
}

impl MemoryStore {
    /// How many sessions a store keeps unless it is told otherwise.
    ///
    /// ```
    /// # use session_memory::MemoryStore;
    /// assert_eq!(MemoryStore::DEFAULT_CAPACITY, 100_000);
    /// ```
    pub const DEFAULT_CAPACITY: u64 = 100_000;

    /// An empty store of the default capacity.
    ///
    /// ```
    /// # use session_memory::MemoryStore;
    /// assert!(MemoryStore::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }

    /// An empty store for so many sessions. When it is full, the one that was not used for the longest time is evicted.
    ///
    /// ```
    /// # use session_memory::MemoryStore;
    /// let store = MemoryStore::with_capacity(50);
    /// ```
    #[must_use]
    pub fn with_capacity(sessions: u64) -> Self {
        let owners = Arc::<Owners>::default();
        let evicted = Arc::clone(&owners);
        let records = Cache::builder()
            .max_capacity(sessions)
            // The default policy refuses newcomers when it is full: a fresh login would vanish.
            .eviction_policy(EvictionPolicy::lru())
            .eviction_listener(move |key: Arc<StoreKey>, place: Arc<Place>, cause| {
                if cause.was_evicted()
                    && let Some(record) = place.close()
                {
                    evicted.forget(&key, record.owner(), record.version());
                }
            })
            .build_with_hasher(FirstBytes);
        Self { records, owners, versions: Arc::default() }
    }

    /// How many records there are, tombstones and expired ones among them.
    ///
    /// ```
    /// # use session_memory::MemoryStore;
    /// assert_eq!(MemoryStore::new().len(), 0);
    /// ```
    pub fn len(&self) -> u64 {
        self.records.run_pending_tasks();
        self.records.entry_count()
    }

    /// Whether there is no record.
    ///
    /// ```
    /// # use session_memory::MemoryStore;
    /// assert!(MemoryStore::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn next_version(&self) -> Version {
        Version::new(self.versions.fetch_add(1, Ordering::Relaxed))
    }

    /// Puts another record in the place of the one at a version, and keeps its owners' lists right.
    fn change(&self, key: &StoreKey, place: &Place, expected: Version, new: impl FnOnce(&Record) -> Record) -> bool {
        let old = place.change(expected, |old| {
            let new = new(old);
            self.owners.note(key, new.owner(), new.version());
            new
        });
        let Some(old) = old else { return false };
        self.owners.forget(key, old.owner(), old.version());
        true
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.records.get(key).and_then(|place| place.record()))
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.next_version();
        self.owners.note(key, record.owner(), version);
        let place = Arc::new(Place::new(Record::new(version, record)));
        let result = self.records.entry_by_ref(key).and_compute_with(|entry| match entry {
            Some(entry) if !entry.value().is_closed() => Op::Nop,
            _ => Op::Put(place),
        });
        if let CompResult::Inserted(_) | CompResult::ReplacedWith(_) = result {
            return Ok(version);
        }
        self.owners.forget(key, record.owner(), version);
        Err(Error::new(ErrorKind::Backend, "the memory store has a record under a key that should be new"))
    }

    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let Some(place) = self.records.get(key) else { return Ok(Replaced::Stale) };
        let version = self.next_version();
        let replaced = self.change(key, &place, expected, |_| Record::new(version, record));
        Ok(if replaced { Replaced::Done(version) } else { Replaced::Stale })
    }

    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let Some(place) = self.records.get(key) else { return Ok(false) };
        let version = self.next_version();
        Ok(self.change(key, &place, expected, |old| old.touched(version, expires_at)))
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let Some(place) = self.records.get(key) else { return Ok(false) };
        let Some(record) = place.close_at(expected) else { return Ok(false) };
        self.owners.forget(key, record.owner(), record.version());
        // A new record may have come meanwhile, in a place of its own.
        let result = self.records.entry_by_ref(key).and_compute_with(|entry| match entry {
            Some(entry) if Arc::ptr_eq(entry.value(), &place) => Op::Remove,
            _ => Op::Nop,
        });
        drop(result);
        Ok(true)
    }
}

#[async_trait]
impl OwnerIndex for MemoryStore {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(self.owners.keys_of(owner))
    }
}

#[async_trait]
impl Sweep for MemoryStore {
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let expired = self.records.iter().filter_map(|(key, place)| Some((*key, place.version_before(now)?)));
        let expired: Vec<_> = expired.take(limit).collect();
        let mut swept = 0;
        for (key, version) in expired {
            swept += usize::from(self.remove(&key, version).await?);
        }
        Ok(swept)
    }
}
