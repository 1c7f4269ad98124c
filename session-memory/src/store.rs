//! The store: a moka cache of records, and an index by owner.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use moka::ops::compute::{CompResult, Op};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use session_core::{
    Error, ErrorKind, NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Sweep, Version, async_trait,
};

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
    records: Cache<StoreKey, Arc<Record>>,
    owners: Arc<Owners>,
    /// Counts up over all keys, so that no version is ever used twice.
    versions: Arc<AtomicU64>,
}

/// Which keys an owner has. Each version of a record is noted from before it can be read until after it is gone, so that
/// whatever calls and evictions overlap, a key is listed while a record of it bears the owner.
#[derive(Debug, Default)]
struct Owners {
    keys: Mutex<HashMap<String, HashMap<StoreKey, Vec<Version>>>>,
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
            .eviction_listener(move |key: Arc<StoreKey>, record: Arc<Record>, cause| {
                if cause.was_evicted() {
                    evicted.forget(&key, record.owner(), record.version());
                }
            })
            .build();
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

    /// Changes the record at a version, atomically; the record before, if that version was there.
    fn change(
        &self,
        key: &StoreKey,
        expected: impl Fn(&Record) -> bool,
        change: impl FnOnce(&Record) -> Op<Arc<Record>>,
    ) -> Option<Arc<Record>> {
        let mut before = None;
        let result = self.records.entry_by_ref(key).and_compute_with(|entry| match entry {
            Some(entry) if expected(entry.value()) => {
                before = Some(Arc::clone(entry.value()));
                change(entry.value())
            }
            _ => Op::Nop,
        });
        drop(result);
        before
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
        Ok(self.records.get(key).map(|record| Record::clone(&record)))
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.next_version();
        self.owners.note(key, record.owner(), version);
        let new = Arc::new(Record::new(version, record));
        let result = self.records.entry_by_ref(key).and_compute_with(|entry| match entry {
            Some(_) => Op::Nop,
            None => Op::Put(new),
        });
        if let CompResult::Inserted(_) = result {
            return Ok(version);
        }
        self.owners.forget(key, record.owner(), version);
        Err(Error::new(ErrorKind::Backend, "the memory store has a record under a key that should be new"))
    }

    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let version = self.next_version();
        self.owners.note(key, record.owner(), version);
        let new = Arc::new(Record::new(version, record));
        let before = self.change(key, |old| old.version() == expected, |_| Op::Put(new));
        let Some(before) = before else {
            self.owners.forget(key, record.owner(), version);
            return Ok(Replaced::Stale);
        };
        self.owners.forget(key, before.owner(), before.version());
        Ok(Replaced::Done(version))
    }

    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let version = self.next_version();
        let touch = |old: &Record| {
            self.owners.note(key, old.owner(), version);
            Op::Put(Arc::new(old.touched(version, expires_at)))
        };
        let Some(before) = self.change(key, |old| old.version() == expected, touch) else { return Ok(false) };
        self.owners.forget(key, before.owner(), before.version());
        Ok(true)
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let Some(before) = self.change(key, |old| old.version() == expected, |_| Op::Remove) else { return Ok(false) };
        self.owners.forget(key, before.owner(), before.version());
        Ok(true)
    }
}

#[async_trait]
impl OwnerIndex for MemoryStore {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(self.owners.lock().get(owner).map(|keys| keys.keys().copied().collect()).unwrap_or_default())
    }
}

#[async_trait]
impl Sweep for MemoryStore {
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let expired = self.records.iter().filter(|(_, record)| record.expires_at() < now).take(limit);
        let expired: Vec<_> = expired.map(|(key, record)| (*key, record.version())).collect();
        let mut swept = 0;
        for (key, version) in expired {
            swept += usize::from(self.remove(&key, version).await?);
        }
        Ok(swept)
    }
}

impl Owners {
    fn note(&self, key: &StoreKey, owner: Option<&str>, version: Version) {
        let Some(owner) = owner else { return };
        let mut owners = self.lock();
        if !owners.contains_key(owner) {
            owners.insert(owner.to_owned(), HashMap::new());
        }
        if let Some(keys) = owners.get_mut(owner) {
            keys.entry(*key).or_default().push(version);
        }
    }

    fn forget(&self, key: &StoreKey, owner: Option<&str>, version: Version) {
        let Some(owner) = owner else { return };
        let mut owners = self.lock();
        let Some(keys) = owners.get_mut(owner) else { return };
        if let Some(versions) = keys.get_mut(key) {
            versions.retain(|noted| *noted != version);
            if versions.is_empty() {
                keys.remove(key);
            }
        }
        if keys.is_empty() {
            owners.remove(owner);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, HashMap<StoreKey, Vec<Version>>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
