//! Mutants of the rules of `create`.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use session_core::store::{NewRecord, Record, StoreKey, Version};
use session_core::{Error, ErrorKind};

use super::mutation::{mutants, mutation};
use super::written::LARGE;

mutants! {
    EmptyIsNothing breaks created_record_is_loaded;
    NoTableBeforeTheFirstRecord breaks unused_key_has_no_record;
    CreateOverwrites breaks create_of_existing_key_is_refused;
    CreateRefusesQuietly breaks create_of_existing_key_is_refused;
    LargeLeavesAMark breaks removed_key_can_be_created_again;
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
