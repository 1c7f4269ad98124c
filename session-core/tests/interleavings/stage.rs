//! The stage: an instrumented store, and a scheduler that runs requests in every order of their store calls.
//!
//! A store call waits once before it is carried out, and then is carried out whole. So one poll of a request is one step:
//! from the store call it waits at to the next. The scheduler chooses who steps.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::SystemTime;

use session_core::{
    Error, ErrorKind, NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version, async_trait,
};

/// A store in which every call is a step, and one call may lose its reply.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    records: Mutex<BTreeMap<StoreKey, Record>>,
    versions: AtomicU64,
    calls: AtomicU64,
    /// The call that whoever was polled last waits at.
    waiting: Mutex<Option<Call>>,
    /// The call, counted from one, that is carried out and answered by an error; none if zero.
    lost_reply: AtomicU64,
}

/// What a store call touches.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// `None`: records of many keys.
    key: Option<StoreKey>,
    writes: bool,
}

impl Call {
    /// Whether two calls may change places and nobody notices.
    pub fn commutes(self, other: Self) -> bool {
        let apart = self.key.is_some() && other.key.is_some() && self.key != other.key;
        apart || !(self.writes || other.writes)
    }
}

impl Stage {
    /// The call that whoever was polled last waits at, if it waits at one.
    pub fn take_waiting(&self) -> Option<Call> {
        self.shared.waiting.lock().unwrap().take()
    }

    /// Lets a call, counted from now, be carried out and its reply be lost.
    pub fn lose_reply(&self, call: u64) {
        self.shared.calls.store(0, Ordering::Relaxed);
        self.shared.lost_reply.store(call, Ordering::Relaxed);
    }

    /// How many calls were carried out since `lose_reply`.
    pub fn calls(&self) -> usize {
        usize::try_from(self.shared.calls.load(Ordering::Relaxed)).unwrap()
    }

    /// Whether a session, and not a tombstone, is under a key.
    pub fn holds_session(&self, key: &StoreKey) -> bool {
        self.shared.records.lock().unwrap().get(key).is_some_and(|record| record.payload()[0] == 1)
    }

    /// How many records bear an owner, tombstones left out.
    pub fn sessions_with_an_owner(&self) -> usize {
        let records = self.shared.records.lock().unwrap();
        records.values().filter(|record| record.owner().is_some() && record.payload()[0] == 1).count()
    }

    fn next(&self) -> Version {
        Version::new(self.shared.versions.fetch_add(1, Ordering::Relaxed))
    }

    /// Waits for its turn, does the call, and says whether the reply arrives.
    async fn step<R>(
        &self,
        call: Call,
        carry_out: impl FnOnce(&mut BTreeMap<StoreKey, Record>) -> R,
    ) -> Result<R, Error> {
        *self.shared.waiting.lock().unwrap() = Some(call);
        YieldOnce(false).await;
        let number = self.shared.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let result = carry_out(&mut self.shared.records.lock().unwrap());
        if number == self.shared.lost_reply.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Unavailable, "the reply was lost"));
        }
        Ok(result)
    }
}

#[async_trait]
impl SessionStore for Stage {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.step(Call { key: Some(*key), writes: false }, |records| records.get(key).cloned()).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.next();
        self.step(Call { key: Some(*key), writes: true }, |records| {
            assert!(records.insert(*key, Record::new(version, record)).is_none(), "an id was used twice");
            version
        })
        .await
    }

    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let version = self.next();
        self.step(Call { key: Some(*key), writes: true }, |records| match records.get_mut(key) {
            Some(old) if old.version() == expected => {
                *old = Record::new(version, record);
                Replaced::Done(version)
            }
            _ => Replaced::Stale,
        })
        .await
    }

    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let version = self.next();
        self.step(Call { key: Some(*key), writes: true }, |records| match records.get_mut(key) {
            Some(old) if old.version() == expected => {
                *old = old.touched(version, expires_at);
                true
            }
            _ => false,
        })
        .await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.step(Call { key: Some(*key), writes: true }, |records| {
            let there = records.get(key).is_some_and(|old| old.version() == expected);
            there && records.remove(key).is_some()
        })
        .await
    }
}

#[async_trait]
impl OwnerIndex for Stage {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        self.step(Call { key: None, writes: false }, |records| {
            let theirs = records.iter().filter(|(_, record)| record.owner() == Some(owner));
            // Keys are random; an order that can be run again needs one that is not.
            let mut keys: Vec<_> = theirs.map(|(key, record)| (record.version().get(), *key)).collect();
            keys.sort_unstable();
            keys.into_iter().map(|(_, key)| key).collect()
        })
        .await
    }
}

struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}
