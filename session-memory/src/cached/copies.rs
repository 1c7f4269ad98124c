//! The copies of records in the cache. Each change of an entry depends on the current entry.
//! Therefore no copy outlives a later write of this process, or a later report of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::ops::compute::Op;
use moka::sync::Cache;
use session_core::Clock;
use session_core::store::{ChangeListener, Record, StoreKey, Version};

/// The size of an entry without its payload and owner, in bytes.
const OVERHEAD: usize = 200;

/// Copies by key.
pub(super) struct Copies {
    entries: Cache<StoreKey, Entry>,
    time_to_live: Duration,
    clock: Arc<dyn Clock>,
    /// The number of the next load or write.
    next: AtomicU64,
    /// Placeholders and copies with a smaller number are not used.
    first: AtomicU64,
}

#[derive(Clone)]
enum Entry {
    /// The placeholder of a copy that is being loaded, with the number of the load. Every write and
    /// every report removes the placeholder, so that an earlier load does not fill it.
    Placeholder(u64),
    Copy(Arc<Copy>),
}

struct Copy {
    record: Record,
    /// The number of the load. A write keeps this number, unless the write has a smaller number.
    number: u64,
    /// The last time at which the record was certainly current, as monotonic time.
    since: Duration,
}

impl Copies {
    pub(super) fn new(time_to_live: Duration, max_bytes: u64, clock: Arc<dyn Clock>) -> Self {
        let entries = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, entry: &Entry| entry.size())
            .time_to_live(time_to_live)
            .build();
        let (next, first) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { entries, time_to_live, clock, next, first }
    }

    /// Returns a copy that is recent and has not expired.
    pub(super) fn get(&self, key: &StoreKey) -> Option<Record> {
        match self.entries.get(key)? {
            Entry::Copy(copy) if self.is_usable(&copy) => Some(copy.record.clone()),
            Entry::Copy(_) | Entry::Placeholder(_) => None,
        }
    }

    fn is_usable(&self, copy: &Copy) -> bool {
        let age = self.clock.monotonic().saturating_sub(copy.since);
        age < self.time_to_live
            && copy.record.expires_at() > self.clock.now()
            && self.is_valid(copy.number)
    }

    /// Returns whether the call with this number started after the last report that all records may
    /// have changed.
    fn is_valid(&self, number: u64) -> bool {
        number >= self.first.load(Ordering::SeqCst)
    }

    /// Inserts the placeholder of a copy that is about to be loaded. Returns `None` if the key has
    /// a usable copy or the placeholder of another load.
    pub(super) fn reserve(&self, key: &StoreKey) -> Option<Reserved<'_>> {
        let number = self.start();
        let mut is_reserved = false;
        self.change(key, |entry| match entry {
            Some(Entry::Placeholder(other)) if self.is_valid(*other) => Op::Nop,
            Some(Entry::Copy(copy)) if self.is_usable(copy) => Op::Nop,
            _ => {
                is_reserved = true;
                Op::Put(Entry::Placeholder(number))
            }
        });
        let since = self.clock.monotonic();
        is_reserved.then(|| Reserved { copies: self, key: *key, number, since })
    }

    /// Records the start of a write. The methods of the returned value report the result. If this
    /// value is dropped without a result, the entry is removed.
    pub(super) fn begin_write(&self, key: &StoreKey) -> Write<'_> {
        let (number, since) = (self.start(), self.clock.monotonic());
        Write { copies: self, key: *key, number, since, is_known: false }
    }

    /// Returns the number of a call that starts.
    fn start(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    fn remove(&self, key: &StoreKey) {
        self.change(key, |entry| match entry {
            Some(_) => Op::Remove,
            None => Op::Nop,
        });
    }

    /// Changes the entry of a key. Other changes of this entry wait.
    fn change(&self, key: &StoreKey, change: impl FnOnce(Option<&Entry>) -> Op<Entry>) {
        // `Cache::invalidate` would not wait for a change that has already read the entry.
        let _result = self
            .entries
            .entry_by_ref(key)
            .and_compute_with(|entry| change(entry.as_ref().map(moka::Entry::value)));
    }
}

impl ChangeListener for Copies {
    fn changed(&self, key: &StoreKey) {
        self.remove(key);
    }

    fn all_changed(&self) {
        // `Cache::invalidate_all` does not affect a copy that a load in progress stores later.
        self.first.fetch_max(self.next.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

impl Entry {
    fn size(&self) -> u32 {
        let size = match self {
            Self::Placeholder(_) => OVERHEAD,
            Self::Copy(copy) => {
                let owner = copy.record.owner().map_or(0, str::len);
                let stored = copy.record.version().stored().map_or(0, <[u8]>::len);
                OVERHEAD + copy.record.payload().len() + owner + stored
            }
        };
        u32::try_from(size).unwrap_or(u32::MAX)
    }
}

/// The reservation of a placeholder. If the reservation is dropped before it is filled, the
/// placeholder is removed.
pub(super) struct Reserved<'a> {
    copies: &'a Copies,
    key: StoreKey,
    number: u64,
    since: Duration,
}

impl Reserved<'_> {
    /// Stores the copy, unless the placeholder was removed. After lost reports, the copy has an
    /// outdated number and is not used.
    pub(super) fn fill(self, record: Record) {
        let (number, since) = (self.number, self.since);
        self.copies.change(&self.key, |entry| match entry {
            Some(Entry::Placeholder(present)) if *present == number => {
                Op::Put(Entry::Copy(Arc::new(Copy { record, number, since })))
            }
            _ => Op::Nop,
        });
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.copies.change(&self.key, |entry| match entry {
            Some(Entry::Placeholder(number)) if *number == self.number => Op::Remove,
            _ => Op::Nop,
        });
    }
}

/// A write in progress.
pub(super) struct Write<'a> {
    copies: &'a Copies,
    key: StoreKey,
    number: u64,
    since: Duration,
    is_known: bool,
}

impl Write<'_> {
    /// Records that the write has replaced this version. The copy is replaced only if the copy has
    /// this version. Otherwise another write may have been later.
    pub(super) fn replaced(mut self, expected: &Version, record: Record) {
        self.is_known = true;
        let (number, since) = (self.number, self.since);
        self.copies.change(&self.key, |entry| match entry {
            Some(Entry::Copy(present)) if present.record.version() == *expected => {
                // After lost reports, neither an older copy nor an older write is used.
                let number = number.min(present.number);
                Op::Put(Entry::Copy(Arc::new(Copy { record, number, since })))
            }
            Some(_) => Op::Remove,
            None => Op::Nop,
        });
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        if !self.is_known {
            self.copies.remove(&self.key);
        }
    }
}
