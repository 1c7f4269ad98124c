//! Mutants of the rules of concurrent calls, and of calls that are dropped.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Error, ErrorKind};
use tokio::task::yield_now;

use super::mutation::{mutants, mutation};
use super::written::is_short;

mutants! {
    SwapInTwoSteps breaks concurrent_calls_have_order;
    TouchWritesThePayloadBack breaks concurrent_calls_have_order;
    RemoveInTwoSteps breaks concurrent_calls_have_order;
    CreateInTwoSteps breaks concurrent_calls_have_order;
    LoadInTwoSteps breaks concurrent_calls_have_order;
    GivenUpReplaceIsHalfDone breaks dropped_call_is_applied_whole_or_not_at_all;
    GivenUpTouchLosesTheRecord breaks dropped_call_is_applied_whole_or_not_at_all;
    GivenUpCreateBlocksTheKey breaks dropped_call_is_applied_whole_or_not_at_all;
    OwnedSwapInTwoSteps breaks concurrent_calls_on_owned_record_have_order;
    ReadsTheOwnerSeparately breaks concurrent_read_sees_whole_record;
    ReadsManyOwnersSeparately breaks concurrent_read_sees_whole_record;
    DroppedLoadBlocks breaks dropped_read_blocks_no_call;
    DroppedListingBlocks breaks dropped_read_blocks_no_call;
}

mutation! {
    SwapInTwoSteps;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if !is_short(record) {
            return Ok(self.original.replace(key, expected, record));
        }
        if self.original.load(key).is_none_or(|old| old.version() != expected) {
            return Ok(Replaced::Stale);
        }
        yield_now().await;
        let version = self.original.next_version();
        self.original.records().insert(*key, Record::new(version.clone(), record));
        Ok(Replaced::Done(version))
    }
}

mutation! {
    TouchWritesThePayloadBack;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let Some(old) = self.original.load(key).filter(|old| old.version() == expected) else { return Ok(false) };
        yield_now().await;
        let version = self.original.next_version();
        self.original.records().insert(*key, old.touched(version, expires_at));
        Ok(true)
    }
}

mutation! {
    RemoveInTwoSteps;
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let old = self.original.load(key).filter(|old| old.version() == expected);
        let Some(old) = old else { return Ok(false) };
        if old.owner().is_none() && old.payload().len() < 100 {
            yield_now().await;
        }
        Ok(self.original.records().remove(key).is_some())
    }
}

mutation! {
    CreateInTwoSteps;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if !is_short(record) || self.original.load(key).is_some() {
            return self.original.create(key, record);
        }
        yield_now().await;
        let version = self.original.next_version();
        self.original.records().insert(*key, Record::new(version.clone(), record));
        Ok(version)
    }
}

mutation! {
    LoadInTwoSteps;
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let Some(first) = self.original.load(key) else { return Ok(None) };
        if first.owner().is_some() || first.payload().len() >= 100 {
            return Ok(Some(first));
        }
        yield_now().await;
        let Some(second) = self.original.load(key) else { return Ok(None) };
        Ok(Some(first.touched(second.version(), second.expires_at())))
    }
}

mutation! {
    GivenUpReplaceIsHalfDone;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key).filter(|old| old.version() == expected && old.owner().is_some());
        let Some(old) = old else { return Ok(self.original.replace(key, expected, record)) };
        let half = NewRecord::new(record.payload(), old.created_at(), old.expires_at()).owned_by(old.owner());
        self.original.records().insert(*key, Record::new(expected.clone(), &half));
        yield_now().await;
        Ok(self.original.replace(key, expected, record))
    }
}

mutation! {
    GivenUpTouchLosesTheRecord;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let old = self.original.load(key).filter(|old| old.version() == expected);
        let old = old.filter(|old| old.owner().is_some() && old.payload().len() < 100);
        let Some(old) = old else { return Ok(self.original.touch(key, expected, expires_at)) };
        self.original.remove(key, expected);
        yield_now().await;
        let version = self.original.next_version();
        self.original.records().insert(*key, old.touched(version, expires_at));
        Ok(true)
    }
}

mutation! {
    /// The key is reserved before the record is written.
    GivenUpCreateBlocksTheKey { taken: Mutex<HashSet<StoreKey>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if record.owner().is_none() {
            return self.original.create(key, record);
        }
        if self.taken.lock().unwrap().replace(*key).is_some() {
            return Err(Error::new(ErrorKind::Backend, "the key is taken"));
        }
        yield_now().await;
        let created = self.original.create(key, record);
        self.taken.lock().unwrap().remove(key);
        created
    }
}

mutation! {
    /// The version is compared before the index is written, and not again afterwards.
    OwnedSwapInTwoSteps;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if record.owner().is_none_or(|owner| !owner.starts_with("owner of")) {
            return Ok(self.original.replace(key, expected, record));
        }
        if self.original.load(key).is_none_or(|old| old.version() != expected) {
            return Ok(Replaced::Stale);
        }
        yield_now().await;
        let current = self.original.load(key).map_or(expected, |old| old.version());
        Ok(self.original.replace(key, current, record))
    }
}

mutation! {
    ReadsTheOwnerSeparately;
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let Some(first) = self.original.load(key).filter(|first| first.owner().is_some()) else {
            return Ok(self.original.load(key));
        };
        yield_now().await;
        Ok(self.original.load(key).map(|second| joined(&first, &second)))
    }
}

mutation! {
    ReadsManyOwnersSeparately;
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let first: Vec<_> = keys.iter().map(|key| self.original.load(key)).collect();
        yield_now().await;
        let second = keys.iter().map(|key| self.original.load(key));
        Ok(first.iter().zip(second).map(|(first, second)| Some(joined(first.as_ref()?, &second?))).collect())
    }
}

/// Returns the payload of the first record with the other fields of the second.
fn joined(first: &Record, second: &Record) -> Record {
    let record = NewRecord::new(first.payload(), second.created_at(), second.expires_at());
    Record::new(second.version(), &record.owned_by(second.owner()))
}

mutation! {
    /// Only one call of this kind runs at a time, for one kind of record. Other rules also drop
    /// calls, if the machine is slow.
    DroppedLoadBlocks { is_busy: AtomicBool };
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let found = self.original.load(key);
        let is_affected = |record: &Record| record.owner() == Some("ada") && record.payload() == b"one";
        if !found.as_ref().is_some_and(is_affected) {
            return Ok(found);
        }
        while self.is_busy.swap(true, Ordering::Relaxed) {
            yield_now().await;
        }
        yield_now().await;
        let result = self.original.load(key);
        self.is_busy.store(false, Ordering::Relaxed);
        Ok(result)
    }
}

mutation! {
    /// Only one call of this kind runs at a time.
    DroppedListingBlocks { is_busy: AtomicBool };
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        while self.is_busy.swap(true, Ordering::Relaxed) {
            yield_now().await;
        }
        yield_now().await;
        let result = self.original.keys_of(owner);
        self.is_busy.store(false, Ordering::Relaxed);
        Ok(result)
    }
}
