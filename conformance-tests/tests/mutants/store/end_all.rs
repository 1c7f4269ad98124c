//! Mutants of the rules of the end of all sessions of an owner.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use session_core::Error;
use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use tokio::time::sleep;

use super::listing::{Forgotten, all_but};
use super::mutation::{mutants, mutation};

mutants! {
    ForgetsGrownSessions breaks end_all_ends_every_session_of_owner;
    RevivesGrownSessions breaks end_all_ends_every_session_of_owner;
    SessionsAreReplacedInTwoSteps breaks end_all_during_save_is_final;
}

/// Longer than another task needs to query the index.
pub const MOMENT: Duration = Duration::from_millis(1);

/// Returns whether this is the session of an owner that has grown since it was created.
fn has_grown(record: &NewRecord<'_>) -> bool {
    record.owner().is_some() && (500..4_000).contains(&record.payload().len())
}

mutation! {
    ForgetsGrownSessions { forgotten: Forgotten };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if has_grown(record) {
            self.forgotten.lock().unwrap().insert(*key);
        }
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.forgotten, self.original.keys_of(owner)))
    }
}

mutation! {
    RevivesGrownSessions { removed: Mutex<HashMap<StoreKey, Version>> };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if has_grown(record) && self.removed.lock().unwrap().get(key) == Some(&expected) {
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
    SessionsAreReplacedInTwoSteps;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if record.owner().is_none() || !(200..500).contains(&record.payload().len()) {
            return Ok(self.original.replace(key, expected, record));
        }
        if self.original.load(key).is_none_or(|old| old.version() != expected) {
            return Ok(Replaced::Stale);
        }
        sleep(MOMENT).await;
        let version = self.original.next_version();
        self.original.records().insert(*key, Record::new(version.clone(), record));
        Ok(Replaced::Done(version))
    }
}
