//! A store that records its calls and the bytes it gets, and a mutant of the engine.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use session_core::interface::{CookieAction, OpenContext, Opened, Save, Saved};
use session_core::store::{
    NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version,
};
use session_core::{Error, Outcome, SessionConfig, SessionInterface, async_trait};

#[derive(Debug)]
pub(crate) struct Recording {
    store: Arc<dyn OwnerIndex>,
    calls: AtomicUsize,
    writes: AtomicUsize,
    keys: Mutex<Vec<StoreKey>>,
    bytes: Mutex<Vec<Vec<u8>>>,
}

impl Recording {
    pub(crate) fn of(store: Arc<dyn OwnerIndex>) -> Arc<Self> {
        let (keys, bytes) = (Mutex::default(), Mutex::default());
        let (calls, writes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { store, calls, writes, keys, bytes })
    }

    /// Returns how often a record was created or replaced.
    pub(crate) fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn keys(&self) -> Vec<StoreKey> {
        self.keys.lock().unwrap().clone()
    }

    /// Returns whether a key, an owner or a payload contained these bytes.
    pub(crate) fn has(&self, part: &[u8]) -> bool {
        let bytes = self.bytes.lock().unwrap();
        bytes.iter().any(|bytes| bytes.windows(part.len()).any(|window| window == part))
    }

    fn note(&self, key: &StoreKey, record: Option<&NewRecord<'_>>) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.keys.lock().unwrap().push(*key);
        let mut bytes = self.bytes.lock().unwrap();
        bytes.push(key.as_bytes().to_vec());
        if let Some(record) = record {
            self.writes.fetch_add(1, Ordering::Relaxed);
            bytes.push(record.payload().to_vec());
            bytes.push(record.owner().unwrap_or_default().into());
        }
    }
}

#[async_trait]
impl SessionStore for Recording {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.note(key, None);
        self.store.load(key).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.note(key, Some(record));
        self.store.create(key, record).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.note(key, Some(record));
        self.store.replace(key, expected, record).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.note(key, None);
        self.store.touch(key, expected, expires_at).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.note(key, None);
        self.store.remove(key, expected).await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for Recording {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.store.keys_of(owner).await
    }
}

/// A mutant: the key in the store is the cookie, with any contents.
#[derive(Debug)]
pub(crate) struct UncheckedIds {
    pub(crate) store: Arc<Recording>,
    pub(crate) config: SessionConfig,
}

fn key(cookie: &str) -> StoreKey {
    let mut bytes = [b'A'; 32];
    bytes.iter_mut().zip(cookie.bytes()).for_each(|(byte, given)| *byte = given);
    StoreKey::from_bytes(bytes)
}

#[async_trait]
impl SessionInterface for UncheckedIds {
    fn config(&self) -> &SessionConfig {
        &self.config
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let Some(cookie) = context.cookie() else { return Ok(Opened::new()) };
        let Some(record) = self.store.load(&key(cookie)).await? else { return Ok(Opened::new()) };
        Opened::from_payload(String::from_utf8_lossy(record.payload()))
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let value = format!("{:032x}", getrandom::u64().unwrap());
        let (payload, now) = (save.contents().payload(), save.now());
        let record = NewRecord::new(payload.as_bytes(), now, now + Duration::from_hours(1));
        self.store.create(&key(&value), &record).await?;
        Ok(Saved::new(CookieAction::Set { value, expires: None }, Outcome::Stored))
    }
}
