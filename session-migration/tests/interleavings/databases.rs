//! The stores of the two backends, on one stage.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use session_core::store::{
    NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version,
};
use session_core::{Error, async_trait};

use crate::stage::Stage;

/// A database that has its own index of owners.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    stage: Stage,
    /// The keys of its records.
    keys: Arc<Mutex<HashSet<StoreKey>>>,
}

impl Database {
    /// Returns the database whose keys are these.
    pub(crate) fn new(stage: Stage, keys: HashSet<StoreKey>) -> Self {
        Self { stage, keys: Arc::new(Mutex::new(keys)) }
    }

    pub(crate) fn in_process(&self, process: usize) -> Self {
        Self { stage: self.stage.in_process(process), ..self.clone() }
    }

    pub(crate) fn keys(&self) -> HashSet<StoreKey> {
        self.keys.lock().unwrap().clone()
    }
}

#[async_trait]
impl SessionStore for Database {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.stage.load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.keys.lock().unwrap().insert(*key);
        self.stage.create(key, record).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.stage.replace(key, expected, record).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.stage.touch(key, expected, expires_at).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.stage.remove(key, expected).await
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
        Ok(keys)
    }
}
