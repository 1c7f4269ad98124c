//! Mutants of the rules of `touch`.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::SystemTime;

use session_core::Error;
use session_core::store::{NewRecord, Record, StoreKey, Version};

use super::mutation::{mutants, mutation};
use super::written::LARGE;

mutants! {
    TouchOnlyPutsOff breaks touch_sets_only_expiry;
    TouchResetsCreation breaks touch_sets_only_expiry;
    TouchForgetsTheVersion breaks touch_at_other_version_changes_nothing;
    TouchRevives breaks touch_never_creates;
    TouchSaysYesToNothing breaks touch_never_creates;
    TouchedVersionIsNotCompared breaks touched_record_can_be_replaced_and_removed;
    TouchOfSameExpiryIsNoUpdate breaks touch_sets_only_expiry;
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
            self.cache.lock().unwrap().insert(*key, Record::new(version.clone(), record));
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
        let touched = self.original.touch(key, expected.clone(), expires_at);
        if let Some(record) = self.original.load(key).filter(|record| touched && record.owner().is_some()) {
            self.before.lock().unwrap().insert((*key, record.version()), expected);
        }
        Ok(touched)
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let touched = self.before.lock().unwrap().contains_key(&(*key, expected.clone()));
        Ok(!touched && self.original.remove(key, expected))
    }
}

mutation! {
    TouchOfSameExpiryIsNoUpdate;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let is_same = self.original.load(key).is_some_and(|old| old.expires_at() == expires_at);
        Ok(self.original.touch(key, expected, expires_at) && !is_same)
    }
}
