//! The store of the engine. Each call is reported as an event.

use std::time::SystemTime;

use crate::Error;
use crate::events::{Events, StoreCall};
use crate::store::{
    KeyPage, NewRecord, OwnerIndex, Record, Replaced, Scan, SessionStore, StoreKey, Version,
};

/// A store whose calls are reported as events.
#[derive(Debug)]
pub(super) struct Observed<S> {
    pub(super) inner: S,
    pub(super) events: Events,
}

impl<S: SessionStore> Observed<S> {
    pub(super) async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.events.observe(StoreCall::Load, self.inner.load(key)).await
    }

    pub(super) async fn load_recent(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.events.observe(StoreCall::Load, self.inner.load_recent(key)).await
    }

    pub(super) async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        self.events.observe(StoreCall::LoadMany, self.inner.load_many(keys)).await
    }

    pub(super) async fn create(
        &self,
        key: &StoreKey,
        record: &NewRecord<'_>,
    ) -> Result<Version, Error> {
        self.events.observe(StoreCall::Create, self.inner.create(key, record)).await
    }

    pub(super) async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.events.observe(StoreCall::Replace, self.inner.replace(key, expected, record)).await
    }

    pub(super) async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.events.observe(StoreCall::Touch, self.inner.touch(key, expected, expires_at)).await
    }

    pub(super) async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.events.observe(StoreCall::Remove, self.inner.remove(key, expected)).await
    }

    pub(super) async fn check(&self) -> Result<(), Error> {
        self.events.observe(StoreCall::Check, self.inner.check()).await
    }

    pub(super) async fn keys_of(
        &self,
        index: &dyn OwnerIndex,
        owner: &str,
    ) -> Result<Vec<StoreKey>, Error> {
        self.events.observe(StoreCall::KeysOf, index.keys_of(owner)).await
    }
}

impl<S: Scan> Observed<S> {
    pub(super) async fn scan(&self, after: Option<&str>, limit: usize) -> Result<KeyPage, Error> {
        self.events.observe(StoreCall::Scan, self.inner.scan(after, limit)).await
    }

    pub(super) async fn count(&self, now: SystemTime) -> Result<u64, Error> {
        self.events.observe(StoreCall::Count, self.inner.count(now)).await
    }
}
