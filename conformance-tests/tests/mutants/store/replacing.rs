//! Mutants of the rules of `replace`.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use session_core::Error;
use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};

use super::mutation::{mutants, mutation};
use super::written::{LARGE, SHORT};

mutants! {
    EmptyReplacesNothing breaks replaced_record_is_loaded;
    OwnerOutlivesReplace breaks replaced_record_is_loaded;
    ReplaceUpserts breaks replace_never_creates;
    ReplaceRevives breaks replace_after_remove_restores_nothing;
    ReplaceForgetsTheVersion breaks replace_at_other_version_changes_nothing;
    StaleReplaceRenews breaks replace_at_other_version_changes_nothing;
    ThousandReplacesRemove breaks replace_at_current_version_is_never_stale;
    DriverRetries breaks replace_at_current_version_is_never_stale;
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
        self.removed.lock().unwrap().insert(*key, expected.clone());
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
        let replaced = self.original.replace(key, expected.clone(), record);
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
    /// The history of a record has a limit, beyond which the record is lost.
    ThousandReplacesRemove { counts: Mutex<HashMap<StoreKey, u32>> };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let replaced = self.original.replace(key, expected, record);
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(*key).or_default();
        *count += 1;
        if *count == 1_000 && record.owner().is_none() {
            self.original.records().remove(key);
        }
        Ok(replaced)
    }
}
