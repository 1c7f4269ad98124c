//! A store in memory that notes its calls and fails when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::{
    Error, ErrorKind, ManualClock, NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version,
    async_trait,
};
use sha2::{Digest as _, Sha256};

/// A kind of store call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Call {
    Load,
    Create,
    Replace,
    Touch,
    Remove,
    KeysOf,
}

/// Clones share the records.
#[derive(Clone, Debug, Default)]
pub struct TestStore {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    records: BTreeMap<StoreKey, Record>,
    versions: u64,
    calls: Vec<Call>,
    /// These calls fail, and are not carried out.
    failing: Vec<(Call, ErrorKind)>,
    /// These records are at another version whenever somebody writes them.
    overtaken: Vec<StoreKey>,
    /// Each call takes a second of this clock.
    slow: Option<ManualClock>,
}

impl TestStore {
    /// The calls since this was last asked.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.lock().calls)
    }

    pub fn records(&self) -> BTreeMap<StoreKey, Record> {
        self.lock().records.clone()
    }

    /// The record of the session of a cookie.
    pub fn record(&self, cookie: &str) -> Option<Record> {
        self.lock().records.get(&store_key(cookie)).cloned()
    }

    /// Puts bytes where the session of a cookie is kept.
    pub fn plant(&self, cookie: &str, payload: &[u8], created_at: SystemTime, expires_at: SystemTime) {
        let mut shared = self.lock();
        let version = shared.next_version();
        let record = Record::new(version, &NewRecord::new(payload, created_at, expires_at));
        shared.records.insert(store_key(cookie), record);
    }

    /// Lets every call of a kind fail, too, and none of them be carried out.
    pub fn fail(&self, call: Call, kind: ErrorKind) {
        self.lock().failing.push((call, kind));
    }

    /// Answers every conditional call on the records of now as if another request had been faster, and lets each call take
    /// a second.
    pub fn overtake_everybody(&self, clock: &ManualClock) {
        let mut shared = self.lock();
        shared.overtaken = shared.records.keys().copied().collect();
        shared.slow = Some(clock.clone());
    }

    /// Ends what `fail` and `overtake_everybody` began.
    pub fn recover(&self) {
        let mut shared = self.lock();
        shared.slow = None;
        shared.failing.clear();
        shared.overtaken.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    fn call(&self, call: Call) -> Result<MutexGuard<'_, Shared>, Error> {
        let mut shared = self.lock();
        shared.calls.push(call);
        if let Some(clock) = &shared.slow {
            clock.advance(Duration::from_secs(1));
        }
        match shared.failing.iter().find(|(failing, _)| *failing == call) {
            Some((_, kind)) => Err(Error::new(*kind, "the store fails")),
            None => Ok(shared),
        }
    }
}

impl Shared {
    fn next_version(&mut self) -> Version {
        self.versions += 1;
        Version::new(self.versions)
    }

    fn is_at(&self, key: &StoreKey, expected: Version) -> bool {
        let is_there = self.records.get(key).is_some_and(|record| record.version() == expected);
        is_there && !self.overtaken.contains(key)
    }
}

#[async_trait]
impl SessionStore for TestStore {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.call(Call::Load)?.records.get(key).cloned())
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let mut shared = self.call(Call::Create)?;
        let version = shared.next_version();
        assert!(shared.records.insert(*key, Record::new(version, record)).is_none(), "an id was used twice");
        Ok(version)
    }

    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let mut shared = self.call(Call::Replace)?;
        if !shared.is_at(key, expected) {
            return Ok(Replaced::Stale);
        }
        let version = shared.next_version();
        shared.records.insert(*key, Record::new(version, record));
        Ok(Replaced::Done(version))
    }

    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let mut shared = self.call(Call::Touch)?;
        if !shared.is_at(key, expected) {
            return Ok(false);
        }
        let version = shared.next_version();
        let touched = shared.records[key].touched(version, expires_at);
        shared.records.insert(*key, touched);
        Ok(true)
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let mut shared = self.call(Call::Remove)?;
        Ok(shared.is_at(key, expected) && shared.records.remove(key).is_some())
    }
}

#[async_trait]
impl OwnerIndex for TestStore {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let shared = self.call(Call::KeysOf)?;
        Ok(shared.records.iter().filter(|(_, record)| record.owner() == Some(owner)).map(|(key, _)| *key).collect())
    }
}

/// The 32 bytes that a cookie stands for.
pub fn id_of(cookie: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(cookie).unwrap()
}

/// Where the engine keeps the session of a cookie.
pub fn store_key(cookie: &str) -> StoreKey {
    StoreKey::from_bytes(Sha256::digest(id_of(cookie)).into())
}
