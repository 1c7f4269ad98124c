//! Mutants of the rules of `remove`.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use session_core::Error;
use session_core::store::{NewRecord, Record, StoreKey, Version};

use super::mutation::{mutants, mutation};
use super::written::{LARGE, SHORT};

mutants! {
    LargeStaysBehind breaks remove_removes_record;
    RemoveForgetsTheVersion breaks remove_at_other_version_changes_nothing;
    RemoveSaysYesToNothing breaks remove_without_record_is_false;
    RemoveTakesAllOfTheOwner breaks remove_leaves_other_records;
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
            self.large.lock().unwrap().insert(*key, Record::new(version.clone(), record));
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
