//! The table with its shards, its limits and the choice of records to evict.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use session_core::events::{Event, Events};
use session_core::store::{MAX_CLOCK_SKEW, NewRecord, Record, StoreKey, Version};

use crate::hash::Place;
use crate::shard::{Shard, Shared};

const MAX_SHARDS: u64 = 64;
/// The smallest capacity of a shard. In a larger shard, the evicted record is a better choice,
/// because it is the least recently used record of its shard.
const MIN_PER_SHARD: u64 = 512;
/// The number of a slot has 32 bits.
const MAX_RECORDS: u64 = 1 << 31;

/// The limits of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

/// The position of a scan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position {
    pub(crate) shard: usize,
    pub(crate) slot: usize,
}

/// Records by key, up to a limit. Locks are acquired in this order: one shard, the index of owners.
///
/// A write first stores its record, and then evicts other records while the table is too large.
pub(crate) struct Table {
    shards: Box<[Mutex<Shard>]>,
    shared: Arc<Shared>,
    limits: Limits,
    events: Events,
}

impl Table {
    pub(crate) fn new(limits: Limits, events: Events) -> Self {
        let limits = Limits { records: limits.records.min(MAX_RECORDS), ..limits };
        let shared = Arc::<Shared>::default();
        let shards = (limits.records / MIN_PER_SHARD).clamp(1, MAX_SHARDS);
        let shards = (0..shards).map(|_| Mutex::new(Shard::new(Arc::clone(&shared)))).collect();
        Self { shards, shared, limits, events }
    }

    pub(crate) fn len(&self) -> u64 {
        self.shared.records()
    }

    pub(crate) fn keys_of(&self, owner: &str) -> Vec<StoreKey> {
        self.shared.owners.keys_of(owner)
    }

    pub(crate) fn load(&self, key: &StoreKey) -> Option<Record> {
        let place = Place::of(key);
        self.shard(place).load(place.tag, key)
    }

    /// Creates a record, unless the key has a record.
    pub(crate) fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Option<Version> {
        let place = Place::of(key);
        let mut shard = self.shard(place);
        shard.remove_some_expired(expired_before(record));
        let version = shard.create(place.tag, key, record)?;
        drop(shard);
        self.make_room(place, key, record);
        Some(Version::new(version))
    }

    /// Replaces the record if its version is `expected`.
    pub(crate) fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Option<Version> {
        let place = Place::of(key);
        let version = self.shard(place).replace(place.tag, key, expected.get(), record)?;
        self.make_room(place, key, record);
        Some(Version::new(version))
    }

    /// Sets the expiry of the record if its version is `expected`. Returns whether the expiry was
    /// set.
    pub(crate) fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> bool {
        let place = Place::of(key);
        self.shard(place).touch(place.tag, key, expected.get(), expires_at)
    }

    /// Removes the record if its version is `expected`. Returns whether the record was removed.
    pub(crate) fn remove(&self, key: &StoreKey, expected: Version) -> bool {
        let place = Place::of(key);
        self.shard(place).remove(place.tag, key, expected.get())
    }

    /// Removes at most `limit` records that expired before a time, and returns their number.
    pub(crate) fn sweep(&self, time: SystemTime, limit: usize) -> usize {
        let swept = (0..self.shards.len()).fold(0, |swept, shard| {
            swept + if swept < limit { self.lock(shard).sweep(time, limit - swept) } else { 0 }
        });
        if swept > 0 {
            self.events.report(Event::Swept { count: swept as u64 });
        }
        swept
    }

    /// Returns at most `limit` keys from a position on, and the position after them.
    pub(crate) fn scan(&self, from: Position, limit: usize) -> (Vec<StoreKey>, Option<Position>) {
        let (mut keys, mut from) = (Vec::new(), from);
        while from.shard < self.shards.len() && keys.len() < limit {
            let left = limit - keys.len();
            let (mut found, next) = self.lock(from.shard).keys_from(from.slot, left);
            keys.append(&mut found);
            from = match next {
                Some(slot) => Position { slot, ..from },
                None => Position { shard: from.shard + 1, slot: 0 },
            };
        }
        (keys, (from.shard < self.shards.len()).then_some(from))
    }

    /// Returns the number of records that expire at a time or later.
    pub(crate) fn count(&self, time: SystemTime) -> u64 {
        (0..self.shards.len()).map(|shard| self.lock(shard).count(time)).sum()
    }

    fn is_too_large(&self) -> bool {
        self.shared.records() > self.limits.records || self.shared.bytes() > self.limits.bytes
    }

    /// Evicts records after a write, until the table is within its limits.
    fn make_room(&self, written: Place, key: &StoreKey, record: &NewRecord<'_>) {
        let mut first = self.number(written);
        if !self.is_too_large() {
            return;
        }
        while self.is_too_large() {
            let Some(shard) = self.evict(first, written, key, expired_before(record)) else {
                break;
            };
            first = shard + 1;
        }
        match self.shared.take_evicted() {
            0 => {}
            count => self.events.report(Event::Evicted { count }),
        }
    }

    /// Searches the shards from `first` on, evicts records of one shard, and returns this shard.
    ///
    /// All shards are searched for records that have expired or have no owner, before a record with
    /// an owner is evicted. If all other records have an owner, a new record without an owner is
    /// evicted itself. Otherwise the written record is the last candidate.
    fn evict(
        &self,
        first: usize,
        written: Place,
        key: &StoreKey,
        expired_before: SystemTime,
    ) -> Option<usize> {
        let own = self.number(written);
        let mut shards = (first..first + self.shards.len()).map(|shard| shard % self.shards.len());
        let evict_new = |always| self.lock(own).evict_new(written.tag, key, always).then_some(own);
        shards
            .clone()
            .find(|shard| self.lock(*shard).evict_dispensable(key, expired_before))
            .or_else(|| evict_new(false))
            .or_else(|| shards.find(|shard| self.lock(*shard).evict_any(key)))
            .or_else(|| evict_new(true))
    }

    fn number(&self, place: Place) -> usize {
        usize::from(place.shard) % self.shards.len()
    }

    fn shard(&self, place: Place) -> MutexGuard<'_, Shard> {
        self.lock(self.number(place))
    }

    fn lock(&self, number: usize) -> MutexGuard<'_, Shard> {
        // No code of a caller runs under the lock, so a panic there is a bug in this crate.
        self.shards[number].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the expiry before which a record has expired by the clock of every engine.
///
/// The table has no clock. It uses the creation time of the written record, which is never later
/// than the current time. Therefore a test with a manual clock needs no configuration.
fn expired_before(written: &NewRecord<'_>) -> SystemTime {
    written.created_at().checked_sub(MAX_CLOCK_SKEW).unwrap_or(SystemTime::UNIX_EPOCH)
}
