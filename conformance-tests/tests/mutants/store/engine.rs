//! Mutants of the rules of the engine over the store. Each engine here stands for a separate
//! process.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Error, ErrorKind};
use tokio::task::yield_now;

use super::mutation::{mutants, mutation};

mutants! {
    SecondPageInTwoSteps breaks concurrent_writes_of_other_keys_are_stored;
    FewConnections breaks concurrent_increments_are_all_counted;
    ReplaceRevivesSessions breaks save_after_logout_revives_nothing;
    TombstoneIsTooShort breaks save_during_rotation_is_stored;
}

/// The length of new sessions of the engine.
const SESSION: Range<usize> = 200..1000;

/// The first byte of a tombstone of the engine.
const TOMBSTONE: u8 = 2;

mutation! {
    SecondPageInTwoSteps;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if record.owner().is_some() || !(1000..4000).contains(&record.payload().len()) {
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
    FewConnections { busy: AtomicUsize };
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let busy = self.busy.fetch_add(1, Ordering::Relaxed);
        // Long enough for the calls that come at the same time.
        tokio::time::sleep(Duration::from_millis(if busy < 2 { 1 } else { 40 })).await;
        self.busy.fetch_sub(1, Ordering::Relaxed);
        if busy >= 24 {
            return Err(Error::new(ErrorKind::Unavailable, "all connections are busy"));
        }
        Ok(self.original.load(key))
    }
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        Ok(keys.iter().map(|key| self.original.load(key)).collect())
    }
}

mutation! {
    ReplaceRevivesSessions { removed: Mutex<HashMap<StoreKey, Version>> };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let revives = SESSION.contains(&record.payload().len()) && record.owner().is_none();
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
    /// A shorter record is written over the old bytes, and the old length stays.
    TombstoneIsTooShort;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.load(key).await?.filter(|old| SESSION.contains(&old.payload().len()));
        let Some(old) = old.filter(|_| record.payload().first() == Some(&TOMBSTONE)) else {
            return Ok(self.original.replace(key, expected, record));
        };
        let bytes = [record.payload(), &old.payload()[record.payload().len()..]].concat();
        let record = NewRecord::new(&bytes, record.created_at(), record.expires_at()).owned_by(record.owner());
        Ok(self.original.replace(key, expected, &record))
    }
}
