//! A part of the table, behind one lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use session_core::store::{NewRecord, Record, StoreKey, Version};

use crate::hash::Place;
use crate::index::Index;
use crate::lists::{Class, Lists};
use crate::owners::Owners;

/// The number of slots that each creation checks for an expired record.
const CHECKED_SLOTS: usize = 8;

/// The index of owners and the counters of all shards.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) owners: Owners,
    records: AtomicU64,
    bytes: AtomicU64,
    /// The number of evicted sessions that are not reported yet.
    evicted: AtomicU64,
}

impl Shared {
    /// Returns the number of sessions that were evicted since the last call.
    pub(crate) fn take_evicted(&self) -> u64 {
        self.evicted.swap(0, Ordering::Relaxed)
    }

    pub(crate) fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn resize(&self, old: u64, new: u64) {
        if old != new {
            // The subtraction and the addition wrap around, so that a decrease is also an addition.
            self.bytes.fetch_add(new.wrapping_sub(old), Ordering::Relaxed);
        }
    }
}

/// A record with its key.
struct Slot {
    key: StoreKey,
    version: u64,
    created_at: SystemTime,
    expires_at: SystemTime,
    payload: Box<[u8]>,
    owner: Option<Arc<str>>,
    class: Class,
}

impl Slot {
    fn record(&self) -> Record {
        let record = NewRecord::new(&self.payload, self.created_at, self.expires_at);
        Record::new(Version::new(self.version), &record.owned_by(self.owner.as_deref()))
    }

    /// Returns the number of bytes that the record uses, without the index of owners.
    fn size(&self) -> u64 {
        let owner = self.owner.as_ref().map_or(0, |owner| owner.len());
        (size_of::<Self>() + self.payload.len() + owner) as u64
    }

    fn write(&mut self, version: u64, record: &NewRecord<'_>, owners: &Owners) {
        self.version = version;
        (self.created_at, self.expires_at) = (record.created_at(), record.expires_at());
        if self.payload.len() == record.payload().len() {
            self.payload.copy_from_slice(record.payload());
        } else {
            self.payload = record.payload().into();
        }
        if self.owner.as_deref() != record.owner() {
            self.class = if record.owner().is_some() { Class::Owned } else { Class::Tombstone };
            let new = record.owner().map(Arc::from);
            let old = std::mem::replace(&mut self.owner, new.clone());
            owners.change(self.key, old, new);
        }
    }
}

/// Records whose keys have certain bits in common, one slot for each.
///
/// The caller of a method holds the lock of the shard. A method locks the index of owners while it
/// changes the index.
pub(crate) struct Shard {
    shared: Arc<Shared>,
    index: Index,
    slots: Vec<Option<Slot>>,
    vacant: Vec<u32>,
    lists: Lists,
    /// The slot that the next creation checks first.
    hand: usize,
    /// The counter of versions for all keys of the shard, so that no version is used twice for a
    /// key.
    versions: u64,
}

impl Shard {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            index: Index::default(),
            slots: Vec::new(),
            vacant: Vec::new(),
            lists: Lists::default(),
            hand: 0,
            versions: 0,
        }
    }

    pub(crate) fn load(&mut self, tag: u32, key: &StoreKey) -> Option<Record> {
        let number = self.find(tag, key)?;
        let slot = self.slot(number)?;
        let (class, record) = (slot.class, slot.record());
        self.lists.renew(class, number);
        Some(record)
    }

    /// Creates a record, unless the key has a record.
    pub(crate) fn create(
        &mut self,
        tag: u32,
        key: &StoreKey,
        record: &NewRecord<'_>,
    ) -> Option<u64> {
        if self.find(tag, key).is_some() {
            return None;
        }
        let number = match self.vacant.pop() {
            Some(number) => number,
            None => u32::try_from(self.slots.len()).ok()?,
        };
        let mut slot = Slot {
            key: *key,
            version: self.next_version(),
            created_at: record.created_at(),
            expires_at: record.expires_at(),
            payload: Box::default(),
            owner: None,
            class: Class::Anonymous,
        };
        slot.write(slot.version, record, &self.shared.owners);
        self.shared.records.fetch_add(1, Ordering::Relaxed);
        self.shared.resize(0, slot.size());
        self.index.insert(tag, number);
        self.lists.push(slot.class, number);
        let version = slot.version;
        match self.slots.get_mut(number as usize) {
            Some(vacant) => *vacant = Some(slot),
            None => self.slots.push(Some(slot)),
        }
        Some(version)
    }

    /// Replaces the record if its version is `expected`.
    pub(crate) fn replace(
        &mut self,
        tag: u32,
        key: &StoreKey,
        expected: u64,
        record: &NewRecord<'_>,
    ) -> Option<u64> {
        let number = self.find_at(tag, key, expected)?;
        let version = self.next_version();
        let slot = self.slots[number as usize].as_mut()?;
        let (class, size) = (slot.class, slot.size());
        slot.write(version, record, &self.shared.owners);
        self.shared.resize(size, slot.size());
        if slot.class == class {
            self.lists.renew(class, number);
        } else {
            self.lists.unlink(class, number);
            self.lists.push(slot.class, number);
        }
        Some(version)
    }

    /// Sets the expiry of the record if its version is `expected`. Returns whether the expiry was
    /// set.
    pub(crate) fn touch(
        &mut self,
        tag: u32,
        key: &StoreKey,
        expected: u64,
        expires_at: SystemTime,
    ) -> bool {
        let Some(number) = self.find_at(tag, key, expected) else { return false };
        let version = self.next_version();
        let Some(slot) = self.slots[number as usize].as_mut() else { return false };
        (slot.version, slot.expires_at) = (version, expires_at);
        self.lists.renew(slot.class, number);
        true
    }

    /// Removes the record if its version is `expected`. Returns whether the record was removed.
    pub(crate) fn remove(&mut self, tag: u32, key: &StoreKey, expected: u64) -> bool {
        let number = self.find_at(tag, key, expected);
        number.is_some_and(|number| self.take(number))
    }

    /// Removes records that expired before a time: the least recently used record of each class,
    /// and the records in the next few slots.
    pub(crate) fn remove_some_expired(&mut self, time: SystemTime) {
        self.remove_oldest_expired(time);
        for _ in 0..CHECKED_SLOTS.min(self.slots.len()) {
            self.hand = (self.hand + 1) % self.slots.len();
            if let Ok(number) = u32::try_from(self.hand)
                && self.has_expired(number, time)
            {
                self.take(number);
            }
        }
    }

    /// Removes at most `limit` records that expired before a time, and returns their number.
    pub(crate) fn sweep(&mut self, time: SystemTime, limit: usize) -> usize {
        let numbers = (0..).take(self.slots.len());
        let expired = numbers.filter(|number| self.has_expired(*number, time));
        let expired: Vec<_> = expired.take(limit).collect();
        expired.into_iter().filter(|number| self.take(*number)).count()
    }

    /// Returns at most `limit` keys, starting at a slot, and the slot of the next key.
    ///
    /// A record stays in its slot until it is removed.
    pub(crate) fn keys_from(&self, start: usize, limit: usize) -> (Vec<StoreKey>, Option<usize>) {
        let slots = self.slots.iter().enumerate().skip(start);
        let mut used = slots.filter_map(|(number, slot)| Some((number, slot.as_ref()?.key)));
        let keys: Vec<_> = used.by_ref().take(limit).map(|(_, key)| key).collect();
        (keys, used.next().map(|(number, _)| number))
    }

    /// Returns the number of records that expire at a time or later.
    pub(crate) fn count(&self, time: SystemTime) -> u64 {
        let used = self.slots.iter().flatten();
        used.filter(|slot| slot.expires_at >= time).count() as u64
    }

    /// Removes the least recently used records if they expired before a time, or else evicts the
    /// least recently used record without an owner. Returns whether a record was removed. The
    /// record with the key `new` stays.
    pub(crate) fn evict_dispensable(&mut self, new: &StoreKey, time: SystemTime) -> bool {
        self.remove_oldest_expired(time) || self.evict(Class::Anonymous, new)
    }

    /// Evicts the least recently used record with an owner, or else a tombstone. If tombstones
    /// exceed a third of the owned records, they are evicted first, so that rotations cannot evict
    /// sessions. Returns whether a record was evicted. The record with the key `new` stays.
    pub(crate) fn evict_any(&mut self, new: &StoreKey) -> bool {
        let [owned, tombstones] = [Class::Owned, Class::Tombstone].map(|of| self.lists.len(of));
        if tombstones * 3 > owned && self.evict(Class::Tombstone, new) {
            return true;
        }
        self.evict(Class::Owned, new) || self.evict(Class::Tombstone, new)
    }

    /// Evicts the record with this key if `always` is true or the record has no owner.
    pub(crate) fn evict_new(&mut self, tag: u32, key: &StoreKey, always: bool) -> bool {
        let number = self.find(tag, key);
        let number = number.filter(|number| {
            always || self.slot(*number).is_some_and(|slot| slot.class == Class::Anonymous)
        });
        number.is_some_and(|number| self.take_session(number))
    }

    /// Evicts a session.
    fn take_session(&mut self, number: u32) -> bool {
        self.shared.evicted.fetch_add(1, Ordering::Relaxed);
        self.take(number)
    }

    fn evict(&mut self, class: Class, new: &StoreKey) -> bool {
        let is_new = |number: &u32| self.slot(*number).is_some_and(|slot| slot.key == *new);
        let mut oldest = self.lists.oldest(class);
        if let Some(number) = oldest.filter(is_new) {
            oldest = self.lists.newer(number);
        }
        oldest.is_some_and(|number| match class {
            Class::Tombstone => self.take(number),
            Class::Anonymous | Class::Owned => self.take_session(number),
        })
    }

    fn remove_oldest_expired(&mut self, time: SystemTime) -> bool {
        Class::ALL.into_iter().fold(false, |removed, class| {
            let oldest = self.lists.oldest(class);
            let expired = oldest.filter(|number| self.has_expired(*number, time));
            expired.is_some_and(|number| self.take(number)) || removed
        })
    }

    /// Empties a slot. Returns whether the slot had a record.
    fn take(&mut self, number: u32) -> bool {
        let Some(slot) = self.slots[number as usize].take() else { return false };
        self.index.remove(Place::of(&slot.key).tag, number);
        self.lists.unlink(slot.class, number);
        self.vacant.push(number);
        self.shared.records.fetch_sub(1, Ordering::Relaxed);
        self.shared.resize(slot.size(), 0);
        self.shared.owners.change(slot.key, slot.owner, None);
        true
    }

    fn find(&self, tag: u32, key: &StoreKey) -> Option<u32> {
        self.index.find(tag, |number| self.slot(number).is_some_and(|slot| slot.key == *key))
    }

    fn find_at(&self, tag: u32, key: &StoreKey, version: u64) -> Option<u32> {
        let number = self.find(tag, key)?;
        (self.slot(number)?.version == version).then_some(number)
    }

    fn has_expired(&self, number: u32, time: SystemTime) -> bool {
        self.slot(number).is_some_and(|slot| slot.expires_at < time)
    }

    fn slot(&self, number: u32) -> Option<&Slot> {
        self.slots.get(number as usize)?.as_ref()
    }

    fn next_version(&mut self) -> u64 {
        self.versions += 1;
        self.versions
    }
}
