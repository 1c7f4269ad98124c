//! The stores of the two backends, on one stage.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use session_core::store::{
    KeyPage, NewRecord, OwnerIndex, Record, Replaced, Scan, SessionStore, StoreKey, Version,
};
use session_core::{Error, async_trait};

use crate::stage::Stage;

/// A database that has its own records and its own index of owners.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    stage: Stage,
    /// The keys of its records on the stage.
    keys: Arc<Mutex<HashSet<StoreKey>>>,
    /// Combined with the first byte of each key, because all databases share the stage.
    mask: u8,
}

impl Database {
    /// Returns the old database, whose keys are these.
    pub(crate) fn old(stage: Stage, keys: HashSet<StoreKey>) -> Self {
        Self { stage, keys: Arc::new(Mutex::new(keys)), mask: 0 }
    }

    /// Returns the new database, which is empty.
    pub(crate) fn new(stage: Stage) -> Self {
        Self { mask: 1, ..Self::old(stage, HashSet::new()) }
    }

    pub(crate) fn in_process(&self, process: usize) -> Self {
        Self { stage: self.stage.in_process(process), ..self.clone() }
    }

    pub(crate) fn keys(&self) -> HashSet<StoreKey> {
        self.keys.lock().unwrap().clone()
    }

    /// Converts a key of this database to that of the stage, and back.
    fn key(&self, key: &StoreKey) -> StoreKey {
        let mut bytes = *key.as_bytes();
        bytes[0] ^= self.mask;
        StoreKey::from_bytes(bytes)
    }
}

#[async_trait]
impl SessionStore for Database {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.stage.load(&self.key(key)).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let key = self.key(key);
        self.keys.lock().unwrap().insert(key);
        self.stage.create(&key, record).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.stage.replace(&self.key(key), expected, record).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.stage.touch(&self.key(key), expected, expires_at).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.stage.remove(&self.key(key), expected).await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for Database {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let mut keys = self.stage.keys_of(owner).await?;
        let own = self.keys();
        keys.retain(|key| own.contains(key));
        Ok(keys.iter().map(|key| self.key(key)).collect())
    }
}

#[async_trait]
impl Scan for Database {
    /// Returns all keys. A scan is not a step, because each record is loaded in its own step.
    async fn scan(&self, _after: Option<&str>, _limit: usize) -> Result<KeyPage, Error> {
        Ok(KeyPage::new(self.keys().iter().map(|key| self.key(key)).collect(), None))
    }

    async fn count(&self, _now: SystemTime) -> Result<u64, Error> {
        Ok(self.keys().len().try_into().unwrap())
    }
}
