//! Random calls, whose results are compared with those of a simple map.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use session_core::store::{
    MAX_CLOCK_SKEW, NewRecord, OwnerIndex as _, Record, Replaced, SessionStore as _, StoreKey,
    Sweep as _, Version,
};
use session_memory::MemoryStore;

const KEYS: u8 = 12;
const OWNERS: [Option<&str>; 4] = [None, Some(""), Some("ada"), Some("eve")];

#[derive(Clone, Debug)]
enum Call {
    Create(u8, Contents),
    /// With the current version, or with an earlier one.
    Replace(u8, bool, Contents),
    Touch(u8, bool, u64),
    Remove(u8, bool),
    Load(u8),
    Sweep(u64, usize),
}

#[derive(Clone, Debug)]
struct Contents {
    payload: Vec<u8>,
    owner: usize,
    created: u64,
    expires: u64,
}

impl Contents {
    fn record(&self) -> NewRecord<'_> {
        NewRecord::new(&self.payload, time(self.created), time(self.expires))
            .owned_by(OWNERS[self.owner])
    }
}

fn time(minutes: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(minutes * 60)
}

fn key(number: u8) -> StoreKey {
    StoreKey::from_bytes([number; 32])
}

fn contents() -> impl Strategy<Value = Contents> {
    let payload = proptest::collection::vec(any::<u8>(), 0..4);
    let fields = (payload, 0..OWNERS.len(), 0..20_u64, 0..30_u64);
    fields.prop_map(|(payload, owner, created, expires)| Contents {
        payload,
        owner,
        created,
        expires,
    })
}

fn call() -> impl Strategy<Value = Call> {
    // Calls with an earlier version are rarer.
    let is_current = || proptest::bool::weighted(0.8);
    prop_oneof![
        4 => (0..KEYS, contents()).prop_map(|(key, new)| Call::Create(key, new)),
        4 => (0..KEYS, is_current(), contents()).prop_map(|(k, at, new)| Call::Replace(k, at, new)),
        1 => (0..KEYS, is_current(), 0..30_u64).prop_map(|(k, at, to)| Call::Touch(k, at, to)),
        1 => (0..KEYS, is_current()).prop_map(|(key, at)| Call::Remove(key, at)),
        1 => (0..KEYS).prop_map(Call::Load),
        1 => (0..30_u64, 0..4_usize).prop_map(|(at, limit)| Call::Sweep(at, limit)),
    ]
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Entry {
    record: Record,
    last_use: usize,
    is_tombstone: bool,
}

/// A store that does everything in the simplest way.
#[derive(Debug, Default)]
struct Model {
    entries: BTreeMap<u8, Entry>,
    versions: BTreeSet<u64>,
    step: usize,
}

impl Model {
    fn entry(&self, version: Version, new: &Contents) -> Entry {
        Entry {
            record: Record::new(version, &new.record()),
            last_use: self.step,
            is_tombstone: false,
        }
    }

    fn expected(&self, key: u8, is_current: bool) -> Version {
        let version = self.entries.get(&key).map_or(0, |entry| entry.record.version().get());
        Version::new(if is_current { version } else { version.wrapping_sub(1) })
    }

    fn is_there(&self, key: u8, is_current: bool) -> bool {
        is_current && self.entries.contains_key(&key)
    }

    fn expired(&self, before: SystemTime) -> Vec<u8> {
        let expired = self.entries.iter().filter(|(_, entry)| entry.record.expires_at() < before);
        expired.map(|(key, _)| *key).collect()
    }

    /// Returns the class of each record, the one to evict first is the smallest.
    fn order(&self, key: u8) -> (u8, usize) {
        let entry = &self.entries[&key];
        let class = match (entry.is_tombstone, entry.record.owner()) {
            (true, _) => 2,
            (false, Some(_)) => 1,
            (false, None) => 0,
        };
        (class, entry.last_use)
    }

    /// Returns the key that a store of one shard evicts after a write of `new`.
    fn victim(&self, new: u8) -> u8 {
        let others: Vec<_> = self.entries.keys().copied().filter(|key| *key != new).collect();
        let class = |key: &u8| self.order(*key).0;
        let count = |of: u8| self.entries.keys().filter(|key| class(key) == of).count();
        let has_many_tombstones = count(2) * 3 > count(1);
        let order = |key: &u8| {
            let (class, last_use) = self.order(*key);
            (if class == 2 && has_many_tombstones { 1 } else { class * 2 }, last_use)
        };
        match others.into_iter().min_by_key(order) {
            Some(other) if class(&other) == 0 || class(&new) > 0 => other,
            _ => new,
        }
    }
}

async fn run(store: &MemoryStore, model: &mut Model, call: &Call) {
    model.step += 1;
    match call {
        Call::Create(number, new) => {
            let created = store.create(&key(*number), &new.record()).await;
            let Ok(version) = created else {
                assert!(model.entries.contains_key(number));
                return;
            };
            assert!(!model.entries.contains_key(number), "a record was overwritten");
            assert!(version.get() > 0 && model.versions.insert(version.get()));
            let entry = model.entry(version, new);
            model.entries.insert(*number, entry);
        }
        Call::Replace(number, at, new) => {
            let expected = model.expected(*number, *at);
            let result = store.replace(&key(*number), expected, &new.record()).await.unwrap();
            let Replaced::Done(version) = result else {
                assert!(!model.is_there(*number, *at));
                return;
            };
            assert!(model.is_there(*number, *at) && model.versions.insert(version.get()));
            let mut entry = model.entry(version, new);
            let old = &model.entries[number];
            entry.is_tombstone = entry.record.owner().is_none()
                && (old.is_tombstone || old.record.owner().is_some());
            model.entries.insert(*number, entry);
        }
        Call::Touch(number, at, to) => {
            let expected = model.expected(*number, *at);
            let touched = store.touch(&key(*number), expected, time(*to)).await.unwrap();
            assert_eq!(touched, model.is_there(*number, *at));
            if touched {
                let version = store.load(&key(*number)).await.unwrap().unwrap().version();
                assert!(model.versions.insert(version.get()));
                let entry = model.entries.get_mut(number).unwrap();
                entry.record = entry.record.touched(version, time(*to));
                entry.last_use = model.step;
            }
        }
        Call::Remove(number, at) => {
            let expected = model.expected(*number, *at);
            let removed = store.remove(&key(*number), expected).await.unwrap();
            assert_eq!(removed, model.is_there(*number, *at));
            if removed {
                model.entries.remove(number);
            }
        }
        Call::Load(number) => {
            let loaded = store.load(&key(*number)).await.unwrap();
            if let Some(entry) = model.entries.get_mut(number) {
                entry.last_use = model.step;
                assert_eq!(loaded.as_ref(), Some(&entry.record));
            }
        }
        Call::Sweep(at, limit) => {
            let expired = model.expired(time(*at)).len();
            let swept = store.sweep(time(*at), *limit).await.unwrap();
            assert_eq!(swept, expired.min(*limit));
        }
    }
}

/// Compares all records and owners. It loads the records in the order of their last use, which
/// therefore stays the same.
async fn compare(store: &MemoryStore, model: &Model) {
    assert_eq!(store.len(), model.entries.len() as u64);
    let mut keys: Vec<_> = model.entries.keys().copied().collect();
    keys.sort_by_key(|key| model.entries[key].last_use);
    keys.extend((0..KEYS).filter(|key| !model.entries.contains_key(key)));
    for number in keys {
        let record = model.entries.get(&number).map(|entry| &entry.record);
        assert_eq!(store.load(&key(number)).await.unwrap().as_ref(), record, "key {number}");
    }
    for owner in OWNERS.into_iter().flatten() {
        let has_owner = |entry: &Entry| entry.record.owner() == Some(owner);
        let keys = model.entries.iter().filter(|(_, entry)| has_owner(entry));
        let expected: Vec<_> = keys.map(|(number, _)| key(*number)).collect();
        assert_eq!(store.keys_of(owner).await.unwrap(), expected, "owner {owner:?}");
    }
}

/// Removes the records from the model that the store has removed after their expiry. Returns the
/// keys.
async fn adopt_removals(store: &MemoryStore, model: &mut Model, before: SystemTime) -> usize {
    let mut removed = 0;
    let mut expired = model.expired(before);
    expired.sort_by_key(|key| model.entries[key].last_use);
    for number in expired {
        if store.load(&key(number)).await.unwrap().is_none() {
            model.entries.remove(&number);
            removed += 1;
        } else {
            // The load has made it the most recently used one.
            model.step += 1;
            model.entries.get_mut(&number).unwrap().last_use = model.step;
        }
    }
    removed
}

fn check(capacity: u64, calls: &[Call]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (store, mut model) = (MemoryStore::with_capacity(capacity), Model::default());
        for call in calls {
            if let Call::Create(number, new) = call {
                let before = time(new.created).checked_sub(MAX_CLOCK_SKEW).unwrap();
                // A creation may remove an expired record, also that of its key.
                if model.expired(before).contains(number) {
                    continue;
                }
            }
            run(&store, &mut model, call).await;
            let (new, before) = match call {
                Call::Create(number, new) => (Some(*number), time(new.created) - MAX_CLOCK_SKEW),
                Call::Sweep(at, _) => (None, time(*at)),
                _ => (None, SystemTime::UNIX_EPOCH),
            };
            let is_over = model.entries.len() as u64 > capacity;
            let removed = adopt_removals(&store, &mut model, before).await;
            if let Some(new) = new.filter(|_| is_over && removed == 0) {
                let victim = model.victim(new);
                model.entries.remove(&victim);
            }
            compare(&store, &model).await;
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn store_with_room_behaves_like_map(calls in proptest::collection::vec(call(), 1..60)) {
        check(1_000, &calls);
    }

    #[test]
    fn full_store_evicts_same_records_as_map(
        capacity in 1..6_u64,
        calls in proptest::collection::vec(call(), 1..60),
    ) {
        check(capacity, &calls);
    }
}
