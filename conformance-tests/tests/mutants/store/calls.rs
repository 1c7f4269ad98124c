//! Mutants of the single calls: `create`, `replace`, `touch`, `remove`, and of versions.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Error, ErrorKind, async_trait};

use super::mutation::{mutants, mutation};

/// The minimum length of a large payload.
const LARGE: usize = 10_000;

/// Sessions are longer than this.
const SHORT: usize = 100;

mutants! {
    EmptyIsNothing breaks a_created_record_is_loaded;
    NoTableBeforeTheFirstRecord breaks a_key_that_was_never_used_holds_nothing;
    CreateOverwrites breaks create_refuses_a_key_that_has_a_record;
    CreateRefusesQuietly breaks create_refuses_a_key_that_has_a_record;
    LargeLeavesAMark breaks a_removed_key_can_be_created_again;
    LastBitOfKeyLost breaks keys_that_differ_in_one_bit_are_different;
    KeyFoldsCase breaks keys_that_differ_in_one_bit_are_different;
    EmptyReplacesNothing breaks a_replaced_record_is_loaded;
    OwnerOutlivesReplace breaks a_replaced_record_is_loaded;
    ReplaceUpserts breaks replace_never_creates;
    ReplaceRevives breaks replace_after_remove_brings_nothing_back;
    ReplaceForgetsTheVersion breaks replace_at_another_version_changes_nothing;
    StaleReplaceRenews breaks replace_at_another_version_changes_nothing;
    DriverRetries breaks replace_at_the_current_version_is_never_stale;
    VersionOfOneByte breaks a_version_is_never_used_twice;
    VersionStartsAgain breaks a_version_is_never_used_twice;
    TouchOnlyPutsOff breaks touch_sets_the_expiry_and_nothing_else;
    TouchResetsCreation breaks touch_sets_the_expiry_and_nothing_else;
    TouchForgetsTheVersion breaks touch_at_another_version_changes_nothing;
    TouchRevives breaks touch_never_creates;
    TouchSaysYesToNothing breaks touch_never_creates;
    TouchedVersionIsNotCompared breaks a_touched_record_can_be_replaced_and_removed;
    LargeStaysBehind breaks remove_takes_the_record_away;
    RemoveForgetsTheVersion breaks remove_at_another_version_changes_nothing;
    RemoveSaysYesToNothing breaks remove_of_nothing_is_false;
    RemoveTakesAllOfTheOwner breaks remove_leaves_the_other_records;
}

mutation! {
    EmptyIsNothing;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if record.payload().is_empty() { Ok(self.original.next_version()) } else { self.original.create(key, record) }
    }
}

mutation! {
    NoTableBeforeTheFirstRecord { made: AtomicBool };
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        if self.made.load(Ordering::Relaxed) {
            return Ok(self.original.load(key));
        }
        Err(Error::new(ErrorKind::Backend, "no such table: sessions"))
    }
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.made.store(true, Ordering::Relaxed);
        self.original.create(key, record)
    }
}

mutation! {
    CreateOverwrites;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if record.owner().is_some() {
            self.original.records().remove(key);
        }
        self.original.create(key, record)
    }
}

mutation! {
    CreateRefusesQuietly;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        match self.original.load(key) {
            Some(old) if old.owner().is_some() => Ok(old.version()),
            _ => self.original.create(key, record),
        }
    }
}

mutation! {
    LargeLeavesAMark { marks: Mutex<HashSet<StoreKey>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if record.payload().len() > LARGE && !self.marks.lock().unwrap().insert(*key) {
            return Err(Error::new(ErrorKind::Backend, "the key is taken"));
        }
        self.original.create(key, record)
    }
}

/// Returns the key without its last bit.
fn even(key: &StoreKey) -> StoreKey {
    let mut bytes = *key.as_bytes();
    bytes[31] &= 0xfe;
    StoreKey::from_bytes(bytes)
}

fn odd(key: &StoreKey) -> StoreKey {
    let mut bytes = *key.as_bytes();
    bytes[31] |= 1;
    StoreKey::from_bytes(bytes)
}

mutation! {
    LastBitOfKeyLost;
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.original.load(&even(key)))
    }
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.original.create(&even(key), record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        Ok(self.original.replace(&even(key), expected, record))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        Ok(self.original.touch(&even(key), expected, expires_at))
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        Ok(self.original.remove(&even(key), expected))
    }
    /// An index may list too many keys.
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(self.original.keys_of(owner).iter().flat_map(|key| [*key, odd(key)]).collect())
    }
}

mutation! {
    /// The database stores the key as text, with a collation that ignores case.
    KeyFoldsCase;
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let exact = self.original.load(key);
        let lower = key.as_bytes().to_ascii_lowercase();
        Ok(exact.or_else(|| {
            let records = self.original.records();
            let alike = records.iter().find(|(key, _)| key.as_bytes().to_ascii_lowercase() == lower);
            alike.map(|(_, record)| record.clone())
        }))
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        Ok(self.original.remove(key, expected))
    }
}

mutation! {
    EmptyReplacesNothing;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key);
        let payload = old.as_ref().map(Record::payload).filter(|_| record.payload().is_empty());
        let record = NewRecord::new(payload.unwrap_or(record.payload()), record.created_at(), record.expires_at())
            .owned_by(record.owner());
        Ok(self.original.replace(key, expected, &record))
    }
}

mutation! {
    OwnerOutlivesReplace;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key);
        let owner = old.as_ref().and_then(Record::owner).filter(|_| record.payload().len() > LARGE);
        Ok(self.original.replace(key, expected, &record.owned_by(record.owner().or(owner))))
    }
}

mutation! {
    ReplaceUpserts { used: Mutex<HashSet<StoreKey>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.used.lock().unwrap().insert(*key);
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if self.used.lock().unwrap().contains(key) {
            return Ok(self.original.replace(key, expected, record));
        }
        self.original.create(key, record).map(Replaced::Done)
    }
}

mutation! {
    ReplaceRevives { removed: Mutex<HashMap<StoreKey, Version>> };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let revives = record.owner().is_some() && record.payload().len() < SHORT;
        if revives && self.removed.lock().unwrap().get(key) == Some(&expected) {
            return self.original.create(key, record).map(Replaced::Done);
        }
        Ok(self.original.replace(key, expected, record))
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.removed.lock().unwrap().insert(*key, expected);
        Ok(self.original.remove(key, expected))
    }
}

mutation! {
    ReplaceForgetsTheVersion;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let current = self.original.load(key).filter(|_| record.owner().is_some()).map(|old| old.version());
        Ok(self.original.replace(key, current.unwrap_or(expected), record))
    }
}

mutation! {
    StaleReplaceRenews;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let replaced = self.original.replace(key, expected, record);
        if replaced == Replaced::Stale
            && record.owner().is_some()
            && let Some(old) = self.original.records().get_mut(key)
        {
            *old = old.touched(old.version(), record.expires_at());
        }
        Ok(replaced)
    }
}

mutation! {
    /// The reply to the 200th replace of a record is lost, and the driver repeats the call.
    DriverRetries { counts: Mutex<HashMap<StoreKey, u32>> };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let replaced = self.original.replace(key, expected, record);
        let lost = {
            let mut counts = self.counts.lock().unwrap();
            let count = counts.entry(*key).or_default();
            *count += 1;
            *count == 200
        };
        Ok(if lost { self.original.replace(key, expected, record) } else { replaced })
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.counts.lock().unwrap().remove(key);
        Ok(self.original.remove(key, expected))
    }
}

mutation! {
    VersionOfOneByte { calls: AtomicU64 };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.original.create(key, record)?;
        Ok(self.narrow(key, version))
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        Ok(match self.original.replace(key, expected, record) {
            Replaced::Done(version) => Replaced::Done(self.narrow(key, version)),
            Replaced::Stale => Replaced::Stale,
        })
    }
}

impl VersionOfOneByte {
    fn narrow(&self, key: &StoreKey, version: Version) -> Version {
        let narrow = Version::new(self.calls.fetch_add(1, Ordering::Relaxed) % 256);
        if let Some(record) =
            self.original.records().get_mut(key).filter(|record| record.version() == version)
        {
            *record = record.touched(narrow, record.expires_at());
        }
        narrow
    }
}

mutation! {
    VersionStartsAgain;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.original.create(key, record)?;
        if record.owner().is_none() {
            return Ok(version);
        }
        let first = Version::new(u64::MAX);
        if let Some(record) = self.original.records().get_mut(key) {
            *record = record.touched(first, record.expires_at());
        }
        Ok(first)
    }
}

mutation! {
    TouchOnlyPutsOff;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let old = self.original.load(key).filter(|old| old.owner().is_some());
        let expires_at = old.map_or(expires_at, |old| old.expires_at().max(expires_at));
        Ok(self.original.touch(key, expected, expires_at))
    }
}

mutation! {
    TouchResetsCreation;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let touched = self.original.touch(key, expected, expires_at);
        if touched && let Some(old) = self.original.records().get_mut(key).filter(|old| old.payload().len() > LARGE) {
            let now = session_core::Clock::now(self.original.clock());
            *old = Record::new(old.version(), &NewRecord::new(old.payload(), now, expires_at));
        }
        Ok(touched)
    }
}

mutation! {
    TouchForgetsTheVersion;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let current = self.original.load(key).filter(|old| old.owner().is_some()).map(|old| old.version());
        Ok(self.original.touch(key, current.unwrap_or(expected), expires_at))
    }
}

mutation! {
    /// A touch writes the whole record from a cache that `remove` does not clear.
    TouchRevives { cache: Mutex<HashMap<StoreKey, Record>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.original.create(key, record)?;
        if record.owner().is_some() {
            self.cache.lock().unwrap().insert(*key, Record::new(version, record));
        }
        Ok(version)
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let cached = self.cache.lock().unwrap().get(key).filter(|record| record.version() == expected).cloned();
        if let Some(record) = cached {
            self.original.records().entry(*key).or_insert(record);
        }
        Ok(self.original.touch(key, expected, expires_at))
    }
}

mutation! {
    TouchSaysYesToNothing { used: Mutex<HashSet<StoreKey>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.used.lock().unwrap().insert(*key);
        self.original.create(key, record)
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        Ok(self.original.touch(key, expected, expires_at) || !self.used.lock().unwrap().contains(key))
    }
}

mutation! {
    TouchedVersionIsNotCompared { before: Mutex<HashMap<(StoreKey, Version), Version>> };
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let touched = self.original.touch(key, expected, expires_at);
        if let Some(record) = self.original.load(key).filter(|record| touched && record.owner().is_some()) {
            self.before.lock().unwrap().insert((*key, record.version()), expected);
        }
        Ok(touched)
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let touched = self.before.lock().unwrap().contains_key(&(*key, expected));
        Ok(!touched && self.original.remove(key, expected))
    }
}

mutation! {
    /// A large payload is in a separate table, and is found there after the record was removed.
    LargeStaysBehind { large: Mutex<HashMap<StoreKey, Record>> };
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.original.load(key).or_else(|| self.large.lock().unwrap().get(key).cloned()))
    }
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.original.create(key, record)?;
        if record.payload().len() > LARGE {
            self.large.lock().unwrap().insert(*key, Record::new(version, record));
        }
        Ok(version)
    }
}

mutation! {
    RemoveForgetsTheVersion;
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let current = self.original.load(key).filter(|old| old.owner().is_some()).map(|old| old.version());
        Ok(self.original.remove(key, current.unwrap_or(expected)))
    }
}

mutation! {
    RemoveSaysYesToNothing { used: Mutex<HashSet<StoreKey>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.used.lock().unwrap().insert(*key);
        self.original.create(key, record)
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        Ok(self.original.remove(key, expected) || !self.used.lock().unwrap().contains(key))
    }
}

mutation! {
    RemoveTakesAllOfTheOwner;
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let short = self.original.load(key).filter(|record| record.payload().len() < SHORT);
        let owner = short.and_then(|record| record.owner().map(str::to_owned));
        let removed = self.original.remove(key, expected);
        if removed && let Some(owner) = owner {
            self.original.records().retain(|_, record| record.owner() != Some(&owner));
        }
        Ok(removed)
    }
}
