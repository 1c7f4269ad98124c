//! A third-party store: five methods on opaque bytes, which are stored in a map. The engine
//! implements all other parts.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use session_core::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Sweep, Version};
use session_core::{Error, ErrorKind, async_trait};

/// The records, and the number of the last version.
#[derive(Debug, Default)]
pub(crate) struct MapStore(Mutex<(HashMap<StoreKey, Record>, u64)>);

impl MapStore {
    /// Changes the record atomically if it has the expected version.
    fn change(
        &self,
        key: &StoreKey,
        expected: Option<Version>,
        new: impl FnOnce(Version, Option<&Record>) -> Option<Record>,
    ) -> Option<Version> {
        let mut guard = self.lock();
        let (records, last) = &mut *guard;
        let old = records.get(key);
        if old.map(Record::version) != expected {
            return None;
        }
        *last += 1;
        let version = Version::new(*last);
        match new(version.clone(), old) {
            Some(record) => records.insert(*key, record),
            None => records.remove(key),
        };
        Some(version)
    }

    fn lock(&self) -> MutexGuard<'_, (HashMap<StoreKey, Record>, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for MapStore {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.lock().0.get(key).cloned())
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let created = self.change(key, None, |version, _| Some(Record::new(version, record)));
        created.ok_or_else(|| {
            Error::new(ErrorKind::Backend, "session store has a record under a new key")
        })
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        let replaced =
            self.change(key, Some(expected), |version, _| Some(Record::new(version, record)));
        Ok(replaced.map_or(Replaced::Stale, Replaced::Done))
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let touched = self
            .change(key, Some(expected), |version, old| Some(old?.touched(version, expires_at)));
        Ok(touched.is_some())
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        Ok(self.change(key, Some(expected), |_, _| None).is_some())
    }
}

/// The application must call `sweep` regularly, because the map does not remove expired records by
/// itself.
#[async_trait]
impl Sweep for MapStore {
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let mut swept = 0;
        self.lock().0.retain(|_, record| {
            let stays = swept == limit || record.expires_at() >= now;
            swept += usize::from(!stays);
            stays
        });
        Ok(swept)
    }
}

#[cfg(test)]
mod tests {
    session_conformance::store_suite!(async { super::MapStore::default() }, sweep);
}
