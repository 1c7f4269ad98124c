//! Mutants of the owner index that miss a key for a moment, or a session in `end_all`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Error, async_trait};
use tokio::time::sleep;

use super::mutation::{mutants, mutation};
use super::owners::{Forgotten, all_but};

mutants! {
    EntryFollowsCreate breaks a_record_that_can_be_read_is_listed;
    EntryFollowsTheNewOwner breaks a_record_that_can_be_read_is_listed;
    ReplaceRewritesTheEntry breaks a_record_that_can_be_read_is_listed;
    TouchRewritesTheEntry breaks a_record_that_can_be_read_is_listed;
    ForgetsGrownSessions breaks end_all_ends_every_session_of_the_owner;
    RevivesGrownSessions breaks end_all_ends_every_session_of_the_owner;
    SessionsAreReplacedInTwoSteps breaks end_all_at_the_moment_of_a_save_is_final;
}

/// The length of a record that is watched by another task; sessions are longer.
const WATCHED: Range<usize> = 100..200;

/// Longer than another task needs to query the index.
const MOMENT: Duration = Duration::from_millis(1);

mutation! {
    EntryFollowsCreate { pending: Forgotten };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let owned = record.owner().is_some() && WATCHED.contains(&record.payload().len());
        if owned {
            self.pending.lock().unwrap().insert(*key);
        }
        let created = self.original.create(key, record);
        if owned {
            sleep(MOMENT).await;
            self.pending.lock().unwrap().remove(key);
        }
        created
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.pending, self.original.keys_of(owner)))
    }
}

mutation! {
    EntryFollowsTheNewOwner { pending: Forgotten };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let changes = self.original.load(key).is_some_and(|old| WATCHED.contains(&old.payload().len()) && old.owner() != record.owner());
        if changes {
            self.pending.lock().unwrap().insert(*key);
        }
        let replaced = self.original.replace(key, expected, record);
        if changes {
            sleep(MOMENT).await;
            self.pending.lock().unwrap().remove(key);
        }
        Ok(replaced)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.pending, self.original.keys_of(owner)))
    }
}

mutation! {
    ReplaceRewritesTheEntry { pending: Forgotten };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key).filter(|old| WATCHED.contains(&old.payload().len()) && old.owner() == record.owner());
        if old.is_some_and(|old| old.owner().is_some()) {
            self.pending.lock().unwrap().insert(*key);
            sleep(MOMENT).await;
            self.pending.lock().unwrap().remove(key);
        }
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.pending, self.original.keys_of(owner)))
    }
}

mutation! {
    TouchRewritesTheEntry { pending: Forgotten };
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let touched = self.original.touch(key, expected, expires_at);
        if self.original.load(key).is_some_and(|old| old.owner().is_some() && WATCHED.contains(&old.payload().len())) {
            self.pending.lock().unwrap().insert(*key);
            sleep(MOMENT).await;
            self.pending.lock().unwrap().remove(key);
        }
        Ok(touched)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.pending, self.original.keys_of(owner)))
    }
}

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
        self.removed.lock().unwrap().insert(*key, expected);
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
        self.original.records().insert(*key, Record::new(version, record));
        Ok(Replaced::Done(version))
    }
}
