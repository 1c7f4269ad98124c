//! Mutants of the rules of what each observation shows after each call, for every kind of record.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use session_core::Error;
use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};

use super::listing::{Forgotten, all_but};
use super::mutation::{mutants, mutation};
use super::original::Original;
use super::written::{Written, is_of_the_engine, writes};

mutants! {
    OwnerBeyond511IsNotListed breaks created_record_is_observed_whole;
    EmptyOwnerOfLongPayloadIsLost breaks created_record_is_observed_whole;
    LoadManySkipsTheLongest breaks created_record_is_observed_whole;
    ReplaceBySameOwnerDropsItsLongPayload breaks replaced_record_is_observed_whole;
    ReplaceByLongOwnerKeepsTheOldEntry breaks replaced_record_is_observed_whole;
    ReplaceByEmptyKeepsTheOldPayload breaks replaced_record_is_observed_whole;
    TouchCutsAt64Kilobytes breaks touched_record_is_observed_whole;
    TouchTrims breaks touched_record_is_observed_whole;
    TouchLosesBinary breaks touched_record_is_observed_whole;
    TouchLosesTheEmptyOwner breaks touched_record_is_observed_whole;
    TouchCutsTheOwner breaks touched_record_is_observed_whole;
    TouchHidesALongOwner breaks touched_record_is_observed_whole;
    RemoveLeavesAMarkInTheIndex breaks removed_record_is_observed_nowhere;
    RemoveLeavesTheLongOwner breaks removed_record_is_observed_nowhere;
    StaleRemoveDropsTheEntry breaks refused_call_changes_nothing;
    StaleTouchDropsTheEntry breaks refused_call_changes_nothing;
    StaleReplaceMovesTheEntry breaks refused_call_changes_nothing;
    SecondCreateMovesTheEntry breaks refused_call_changes_nothing;
    StaleReplaceEmptiesTheLongPayload breaks refused_call_changes_nothing;
    ListingDropsTheEntry breaks reading_changes_nothing;
    SecondLoadTrims breaks reading_changes_nothing;
    LoadRenews breaks reading_changes_nothing;
    SweepDropsTheLists breaks reading_changes_nothing;
    SharedPayloadIsRemoved breaks call_on_other_record_changes_nothing;
    OwnerCountIsShared breaks call_on_other_record_changes_nothing;
    StaleRemoveArmsTheNextReplace breaks calls_in_any_order_leave_what_they_wrote;
}

/// Longer than the payloads of other rules.
const LONG: usize = 60_000;

mutation! {
    OwnerBeyond511IsNotListed;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(if owner.len() > 511 { Vec::new() } else { self.original.keys_of(owner) })
    }
}

writes! {
    EmptyOwnerOfLongPayloadIsLost,
    |record| if record.payload.len() > LONG && record.payload.len() < 80_000 {
        record.owner = None;
    }
}

mutation! {
    /// The records are sent together, up to a limit.
    LoadManySkipsTheLongest;
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let records = keys.iter().map(|key| self.original.load(key));
        Ok(records.map(|record| record.filter(|record| record.payload().len() < LONG)).collect())
    }
}

mutation! {
    /// The payload is written only if the owner has changed.
    ReplaceBySameOwnerDropsItsLongPayload;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key).filter(|old| old.owner() == record.owner() && old.owner().is_some());
        if old.is_none_or(|old| old.payload().len() < LONG || old.payload().len() > 80_000) {
            return Ok(self.original.replace(key, expected, record));
        }
        let cut = Written::new(record, |record| record.payload.truncate(LONG));
        Ok(self.original.replace(key, expected, &cut.as_new()))
    }
}

mutation! {
    ReplaceByLongOwnerKeepsTheOldEntry { hidden: Forgotten };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let hides = record.owner().is_some_and(|owner| (500..600).contains(&owner.len()));
        let mut hidden = self.hidden.lock().unwrap();
        hidden.remove(key);
        hidden.extend(hides.then_some(*key));
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.hidden, self.original.keys_of(owner)))
    }
}

mutation! {
    /// `SET payload = COALESCE(NULLIF(?, ''), payload)`.
    ReplaceByEmptyKeepsTheOldPayload;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key).filter(|_| record.payload().is_empty() && record.owner().is_some());
        let Some(old) = old else { return Ok(self.original.replace(key, expected, record)) };
        let kept = NewRecord::new(old.payload(), record.created_at(), record.expires_at()).owned_by(record.owner());
        Ok(self.original.replace(key, expected, &kept))
    }
}

/// Stores whose `touch` writes the record back with a change.
macro_rules! touches {
    ($($name:ident: |$record:ident| $change:expr;)+) => {
        $(mutation! {
            $name;
            async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
                Ok(touch_with(&self.original, key, expected, expires_at, |$record| $change))
            }
        })+
    };
}

fn touch_with(
    original: &Original,
    key: &StoreKey,
    expected: Version,
    expires_at: SystemTime,
    change: fn(&mut Written),
) -> bool {
    let Some(old) = original.load(key) else { return false };
    let old = NewRecord::new(old.payload(), old.created_at(), expires_at).owned_by(old.owner());
    let written = Written::new(&old, change);
    original.replace(key, expected, &written.as_new()) != Replaced::Stale
}

touches! {
    TouchCutsAt64Kilobytes: |record| record.payload.truncate(65_535);
    TouchTrims: |record| record.bytes(|bytes| bytes.trim_ascii_end().to_vec());
    TouchLosesBinary: |record| record.bytes(|bytes| String::from_utf8_lossy(bytes).into_owned().into_bytes());
    TouchLosesTheEmptyOwner: |record| record.owner = record.owner.take().filter(|owner| !owner.is_empty());
    TouchCutsTheOwner: |record| record.own(|owner| owner.chars().take(255).collect());
}

mutation! {
    TouchHidesALongOwner { hidden: Forgotten };
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let old = self.original.load(key);
        let hides = old.is_some_and(|old| old.owner().is_some_and(|owner| owner.len() > 300));
        self.hidden.lock().unwrap().extend(hides.then_some(*key));
        Ok(self.original.touch(key, expected, expires_at))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.hidden, self.original.keys_of(owner)))
    }
}

mutation! {
    /// The key is marked as removed, and a later create does not take the mark away.
    RemoveLeavesAMarkInTheIndex { removed: Forgotten };
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let removed = self.original.remove(key, expected);
        self.removed.lock().unwrap().extend(removed.then_some(*key));
        Ok(removed)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.removed, self.original.keys_of(owner)))
    }
}

mutation! {
    /// The owner is in another table, from which a long one is not removed.
    RemoveLeavesTheLongOwner { left: Mutex<HashMap<StoreKey, String>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let left = self.left.lock().unwrap().get(key).cloned();
        let owner = left.as_deref().or(record.owner());
        self.original.create(key, &record.owned_by(owner))
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let owner = self.original.load(key).and_then(|old| old.owner().map(str::to_owned));
        let removed = self.original.remove(key, expected);
        let long = owner.filter(|owner| removed && owner.len() > 255);
        self.left.lock().unwrap().extend(long.map(|owner| (*key, owner)));
        Ok(removed)
    }
}

mutation! {
    StaleRemoveDropsTheEntry { dropped: Forgotten };
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.dropped.lock().unwrap().insert(*key);
        Ok(self.original.remove(key, expected))
    }
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.dropped.lock().unwrap().remove(key);
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.dropped.lock().unwrap().remove(key);
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.dropped, self.original.keys_of(owner)))
    }
}

mutation! {
    StaleTouchDropsTheEntry { dropped: Forgotten };
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let touched = self.original.touch(key, expected, expires_at);
        self.dropped.lock().unwrap().extend((!touched).then_some(*key));
        Ok(touched)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.dropped, self.original.keys_of(owner)))
    }
}

/// The owners in an index, which differ from those in the records.
type Moved = Mutex<HashMap<StoreKey, Option<String>>>;

fn not_moved(moved: &Moved, owner: &str, mut keys: Vec<StoreKey>) -> Vec<StoreKey> {
    let moved = moved.lock().unwrap();
    keys.retain(|key| moved.get(key).is_none_or(|moved| moved.as_deref() == Some(owner)));
    keys
}

mutation! {
    StaleReplaceMovesTheEntry { moved: Moved };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.moved.lock().unwrap().insert(*key, record.owner().map(str::to_owned));
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(not_moved(&self.moved, owner, self.original.keys_of(owner)))
    }
}

mutation! {
    SecondCreateMovesTheEntry { moved: Moved };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.moved.lock().unwrap().insert(*key, record.owner().map(str::to_owned));
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.moved.lock().unwrap().remove(key);
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(not_moved(&self.moved, owner, self.original.keys_of(owner)))
    }
}

mutation! {
    /// A long payload is in a file, which is truncated before the version is compared.
    StaleReplaceEmptiesTheLongPayload;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key).filter(|old| old.version() != expected && old.payload().len() > LONG);
        if let Some(old) = old {
            let empty = NewRecord::new(b"", old.created_at(), old.expires_at()).owned_by(old.owner());
            self.original.records().insert(*key, Record::new(old.version(), &empty));
        }
        Ok(self.original.replace(key, expected, record))
    }
}

mutation! {
    /// A listing drops the entries of owners that are longer than its keys.
    ListingDropsTheEntry { dropped: Forgotten };
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let listed = all_but(&self.dropped, self.original.keys_of(owner));
        self.dropped.lock().unwrap().extend(listed.iter().filter(|_| owner.len() > 700));
        Ok(listed)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.dropped.lock().unwrap().remove(key);
        Ok(self.original.replace(key, expected, record))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        self.dropped.lock().unwrap().remove(key);
        Ok(self.original.touch(key, expected, expires_at))
    }
}

mutation! {
    /// A cache cuts the payload, and is read from the sixth load on.
    SecondLoadTrims { loaded: Mutex<HashMap<StoreKey, usize>> };
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let Some(record) = self.original.load(key) else { return Ok(None) };
        let mut loaded = self.loaded.lock().unwrap();
        let times = loaded.entry(*key).or_default();
        *times += 1;
        let is_long = record.payload().len() > LONG && record.payload().len() < 80_000;
        if *times < 6 || !is_long {
            return Ok(Some(record));
        }
        let cut = NewRecord::new(&record.payload()[..LONG], record.created_at(), record.expires_at());
        Ok(Some(Record::new(record.version(), &cut.owned_by(record.owner()))))
    }
}

mutation! {
    /// Expires a minute later with each load, after some of them.
    LoadRenews { loaded: Mutex<HashMap<StoreKey, usize>> };
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let Some(record) = self.original.load(key) else { return Ok(None) };
        let mut loaded = self.loaded.lock().unwrap();
        let times = loaded.entry(*key).or_default();
        *times += 1;
        if *times >= 6 && (LONG..80_000).contains(&record.payload().len()) {
            let later = record.touched(record.version(), record.expires_at() + Duration::from_mins(1));
            self.original.records().insert(*key, later);
        }
        Ok(self.original.load(key))
    }
}

mutation! {
    SweepDropsTheLists { dropped: Forgotten };
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let swept = self.original.sweep(now, limit);
        self.dropped.lock().unwrap().extend(self.original.records().keys());
        Ok(swept)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.dropped, self.original.keys_of(owner)))
    }
}

mutation! {
    /// Equal payloads are stored once, without a count of the records that have them.
    SharedPayloadIsRemoved { removed: Mutex<HashSet<Vec<u8>>> };
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let Some(record) = self.original.load(key) else { return Ok(None) };
        if !self.removed.lock().unwrap().contains(record.payload()) {
            return Ok(Some(record));
        }
        let empty = NewRecord::new(b"", record.created_at(), record.expires_at()).owned_by(record.owner());
        Ok(Some(Record::new(record.version(), &empty)))
    }
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.removed.lock().unwrap().remove(record.payload());
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.removed.lock().unwrap().remove(record.payload());
        Ok(self.original.replace(key, expected, record))
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let old = self.original.load(key).filter(|old| !old.payload().is_ascii() && !is_of_the_engine(old.payload()));
        let removed = self.original.remove(key, expected);
        self.removed.lock().unwrap().extend(old.filter(|_| removed).map(|old| old.payload().to_vec()));
        Ok(removed)
    }
}

mutation! {
    /// A stale remove counts as one record less of the owner; at zero, the list is dropped.
    OwnerCountIsShared { dropped: Forgotten };
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let owner = self.original.load(key).and_then(|old| old.owner().map(str::to_owned));
        let removed = self.original.remove(key, expected);
        if let Some(owner) = owner.filter(|_| !removed) {
            let others = self.original.keys_of(&owner).into_iter().filter(|other| other != key);
            self.dropped.lock().unwrap().extend(others);
        }
        Ok(removed)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.dropped, self.original.keys_of(owner)))
    }
}

mutation! {
    /// A refused remove leaves a mark, by which the next replace drops the index entry.
    StaleRemoveArmsTheNextReplace { armed: Forgotten, dropped: Forgotten };
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let removed = self.original.remove(key, expected);
        self.armed.lock().unwrap().extend((!removed).then_some(*key));
        Ok(removed)
    }
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.armed.lock().unwrap().remove(key);
        self.dropped.lock().unwrap().remove(key);
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let replaced = self.original.replace(key, expected, record);
        if replaced != Replaced::Stale && self.armed.lock().unwrap().remove(key) {
            self.dropped.lock().unwrap().insert(*key);
        }
        Ok(replaced)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.dropped, self.original.keys_of(owner)))
    }
}
