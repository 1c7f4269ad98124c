//! A store in memory that records its calls and fails on request.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::store::{
    KeyPage, NewRecord, OwnerIndex, Record, Replaced, Scan, SessionStore, StoreKey, Version,
};
use session_core::{Error, ErrorKind, ManualClock, async_trait};
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
    Scan,
    Count,
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
    /// Calls of these kinds fail and are not applied.
    failing: Vec<(Call, ErrorKind)>,
    /// The versions of these records change before every write.
    overtaken: Vec<StoreKey>,
    /// Each call advances this clock by this duration.
    slow: Option<(ManualClock, Duration)>,
    /// The next call of this kind is applied, and its reply is lost.
    lost_reply: Option<Call>,
    /// The next call of this kind fails, and is applied later.
    late: Option<Call>,
    /// The calls that are applied later.
    pending: Pending,
    /// The next call of this kind waits until it is resumed. Later calls do not wait.
    held: Option<Call>,
    holding: bool,
    /// Calls of this kind fail after this number of successes.
    failing_after: Option<(Call, usize)>,
    touch_keeps_version: bool,
}

/// Calls whose caller has already received an error.
#[derive(Default)]
struct Pending(Vec<LateCall>);

type LateCall = Box<dyn FnOnce(&mut Shared) + Send>;

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} calls", self.0.len())
    }
}

impl TestStore {
    /// Returns the calls since the last call of this method.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.lock().calls)
    }

    pub fn records(&self) -> BTreeMap<StoreKey, Record> {
        self.lock().records.clone()
    }

    /// Returns the record of a cookie's session.
    pub fn record(&self, cookie: &str) -> Option<Record> {
        self.lock().records.get(&store_key(cookie)).cloned()
    }

    /// Stores bytes under the key of a cookie's session.
    pub fn plant(
        &self,
        cookie: &str,
        payload: &[u8],
        created_at: SystemTime,
        expires_at: SystemTime,
    ) {
        let mut shared = self.lock();
        let version = shared.next_version();
        let record = Record::new(version, &NewRecord::new(payload, created_at, expires_at));
        shared.records.insert(store_key(cookie), record);
    }

    /// Makes each further call of a kind fail without being applied. Earlier settings stay.
    pub fn fail(&self, call: Call, kind: ErrorKind) {
        self.lock().failing.push((call, kind));
    }

    /// Makes every conditional call on the current records fail as if another request had been
    /// faster. Each call takes a second.
    pub fn overtake_everybody(&self, clock: &ManualClock) {
        let mut shared = self.lock();
        shared.overtaken = shared.records.keys().copied().collect();
        shared.slow = Some((clock.clone(), Duration::from_millis(100)));
    }

    /// Makes each call take this time.
    pub fn slow_down(&self, clock: &ManualClock, by: Duration) {
        self.lock().slow = Some((clock.clone(), by));
    }

    /// Applies the next call of this kind and loses its reply.
    pub fn lose_reply(&self, call: Call) {
        self.lock().lost_reply = Some(call);
    }

    /// Makes the next call of this kind fail, and applies it in `apply_late_calls`.
    pub fn delay(&self, call: Call) {
        self.lock().late = Some(call);
    }

    /// Applies the delayed calls.
    pub fn apply_late_calls(&self) {
        let mut shared = self.lock();
        for apply in std::mem::take(&mut shared.pending.0) {
            apply(&mut shared);
        }
    }

    /// Holds the next call of this kind before it is applied, until `recover`.
    pub fn hold_next(&self, call: Call) {
        self.lock().held = Some(call);
    }

    /// Makes touches keep the version, as Redis does.
    pub fn keep_version_when_touched(&self) {
        self.lock().touch_keeps_version = true;
    }

    /// Makes calls of a kind fail after this number of successes.
    pub fn fail_after(&self, call: Call, successes: usize) {
        self.lock().failing_after = Some((call, successes));
    }

    /// Resumes the held call.
    pub fn resume(&self) {
        self.lock().holding = false;
    }

    /// Removes the effects of `fail`, `overtake_everybody` and `hold_next`.
    pub fn recover(&self) {
        let mut shared = self.lock();
        shared.slow = None;
        shared.failing.clear();
        shared.overtaken.clear();
        shared.held = None;
        shared.holding = false;
        shared.failing_after = None;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    async fn wait_if_held(&self, call: Call) {
        {
            let mut shared = self.lock();
            if shared.held.take_if(|held| *held == call).is_none() {
                return;
            }
            shared.holding = true;
        }
        poll_fn(|_| if self.lock().holding { Poll::Pending } else { Poll::Ready(()) }).await;
    }

    /// Applies a call that changes records.
    fn apply<R>(
        &self,
        call: Call,
        apply: impl FnOnce(&mut Shared) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let mut shared = self.call(call)?;
        let lost = Error::new(ErrorKind::Unavailable, "the reply was lost");
        if shared.late.take_if(|late| *late == call).is_some() {
            shared.pending.0.push(Box::new(move |shared| drop(apply(shared))));
            return Err(lost);
        }
        let result = apply(&mut shared);
        let is_lost = shared.lost_reply.take_if(|lost| *lost == call).is_some();
        if is_lost { Err(lost) } else { Ok(result) }
    }

    fn call(&self, call: Call) -> Result<MutexGuard<'_, Shared>, Error> {
        let mut shared = self.lock();
        shared.calls.push(call);
        if let Some((clock, by)) = &shared.slow {
            clock.advance(*by);
        }
        if let Some((failing, successes)) = &mut shared.failing_after
            && *failing == call
        {
            let Some(left) = successes.checked_sub(1) else {
                return Err(Error::new(ErrorKind::Unavailable, "the store fails"));
            };
            *successes = left;
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
        self.wait_if_held(Call::Load).await;
        Ok(self.call(Call::Load)?.records.get(key).cloned())
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.wait_if_held(Call::Create).await;
        let version = self.lock().next_version();
        let (key, record) = (*key, Record::new(version.clone(), record));
        self.apply(Call::Create, move |shared| {
            if shared.records.contains_key(&key) {
                return Err(Error::new(ErrorKind::Backend, "the key has a record"));
            }
            shared.records.insert(key, record);
            Ok(version)
        })?
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.wait_if_held(Call::Replace).await;
        let version = self.lock().next_version();
        let (key, record) = (*key, Record::new(version.clone(), record));
        self.apply(Call::Replace, move |shared| {
            if !shared.is_at(&key, expected.clone()) {
                return Replaced::Stale;
            }
            shared.records.insert(key, record);
            Replaced::Done(version)
        })
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let key = *key;
        self.apply(Call::Touch, move |shared| {
            if !shared.is_at(&key, expected.clone()) {
                return false;
            }
            let version = if shared.touch_keeps_version { expected } else { shared.next_version() };
            let touched = shared.records[&key].touched(version, expires_at);
            shared.records.insert(key, touched);
            true
        })
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.wait_if_held(Call::Remove).await;
        let key = *key;
        self.apply(Call::Remove, move |shared| {
            shared.is_at(&key, expected.clone()) && shared.records.remove(&key).is_some()
        })
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for TestStore {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let shared = self.call(Call::KeysOf)?;
        Ok(shared
            .records
            .iter()
            .filter(|(_, record)| record.owner() == Some(owner))
            .map(|(key, _)| *key)
            .collect())
    }
}

/// Scans in the order of the keys. A position is the last key of a page.
#[async_trait]
impl Scan for TestStore {
    async fn scan(&self, after: Option<&str>, limit: usize) -> Result<KeyPage, Error> {
        self.wait_if_held(Call::Scan).await;
        let after = after.map(|after| StoreKey::from_bytes(id_of(after).try_into().unwrap()));
        let shared = self.call(Call::Scan)?;
        let mut keys = shared.records.keys().filter(|key| after.is_none_or(|after| **key > after));
        let page: Vec<_> = keys.by_ref().take(limit).copied().collect();
        let next = keys.next().and(page.last());
        let next = next.map(|key| URL_SAFE_NO_PAD.encode(key.as_bytes()));
        Ok(KeyPage::new(page, next))
    }

    async fn count(&self, now: SystemTime) -> Result<u64, Error> {
        let shared = self.call(Call::Count)?;
        Ok(shared.records.values().filter(|record| record.expires_at() >= now).count() as u64)
    }
}

/// Returns the 32 bytes of a cookie's id.
pub fn id_of(cookie: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(cookie).unwrap()
}

/// Returns the key of a cookie's session.
pub fn store_key(cookie: &str) -> StoreKey {
    let hash = Sha256::new().chain_update(id_of(cookie)).chain_update("session");
    StoreKey::from_bytes(hash.finalize().into())
}
