//! Mutants of the rules of versions.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Clock as _, Error};

use super::mutation::{mutants, mutation};

mutants! {
    VersionOfOneByte breaks version_is_never_used_twice;
    VersionStartsAgain breaks version_is_never_used_twice;
    VersionOf16Bits breaks version_has_bits_for_every_write;
    RandomVersionOf32Bits breaks version_has_bits_for_every_write;
    VersionOf32Bits breaks near_versions_are_other_versions;
    VersionOf53Bits breaks near_versions_are_other_versions;
    HighestVersionIsAny breaks near_versions_are_other_versions;
    TouchLeavesBothVersions breaks version_before_touch_is_current_or_stale;
    CreateKeepsTheExpiredVersion breaks record_over_expired_one_has_new_version;
}

/// Stores that replace the versions of the original.
macro_rules! numbers {
    ($($name:ident: $number:expr;)+) => {
        $(mutation! {
            $name { calls: AtomicU64 };
            async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
                let version = self.original.create(key, record)?;
                Ok(self.renumber(key, version))
            }
            async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
                Ok(match self.original.replace(key, expected, record) {
                    Replaced::Done(version) => Replaced::Done(self.renumber(key, version)),
                    Replaced::Stale => Replaced::Stale,
                })
            }
        }

        impl $name {
            fn renumber(&self, key: &StoreKey, version: Version) -> Version {
                let number: fn(u64) -> u64 = $number;
                let new = Version::new(number(self.calls.fetch_add(1, Ordering::Relaxed)));
                let mut records = self.original.records();
                if let Some(record) = records.get_mut(key).filter(|record| record.version() == version) {
                    *record = record.touched(new.clone(), record.expires_at());
                }
                new
            }
        })+
    };
}

numbers! {
    VersionOfOneByte: |call| call % 256;
    VersionOf16Bits: |call| (60_000 + call) % (1 << 16);
    RandomVersionOf32Bits: |call| call.wrapping_mul(0x9e37_79b1) & u64::from(u32::MAX);
}

mutation! {
    VersionStartsAgain;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.original.create(key, record)?;
        if record.owner().is_none() {
            return Ok(version);
        }
        let first = Version::new(u64::MAX);
        if let Some(record) = self.original.records().get_mut(key) {
            *record = record.touched(first.clone(), record.expires_at());
        }
        Ok(first)
    }
}

/// Stores that compare only some bits of a version.
macro_rules! compares {
    ($($name:ident: $bits:expr;)+) => {
        $(mutation! {
            $name;
            async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
                let old = self.original.load(key).map(|old| old.version());
                let same = old.filter(|old| old.get() & $bits == expected.get() & $bits);
                Ok(self.original.replace(key, same.unwrap_or(expected), record))
            }
        })+
    };
}

compares! {
    VersionOf32Bits: u64::from(u32::MAX);
    VersionOf53Bits: (1 << 53) - 1;
}

mutation! {
    HighestVersionIsAny;
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let current = self.original.load(key).map_or(expected.clone(), |record| record.version());
        let expected = if expected.get() == u64::MAX { current } else { expected };
        Ok(self.original.remove(key, expected))
    }
}

mutation! {
    /// A replace may name the version before a touch. Only short records are affected, because
    /// random calls at the same time would sometimes also find this.
    TouchLeavesBothVersions { before: Mutex<HashMap<StoreKey, Version>> };
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let touched = self.original.touch(key, expected.clone(), expires_at);
        if touched && self.original.load(key).is_some_and(|record| record.payload().len() == 3) {
            self.before.lock().unwrap().insert(*key, expected);
        }
        Ok(touched)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let before = self.before.lock().unwrap().remove(key);
        let current = self.original.load(key).map(|record| record.version());
        let expected = current.filter(|_| before == Some(expected.clone())).unwrap_or(expected);
        Ok(self.original.replace(key, expected, record))
    }
}

mutation! {
    CreateKeepsTheExpiredVersion;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let now = self.original.clock().now();
        match self.original.load(key).filter(|old| old.expires_at() < now) {
            Some(old) => {
                self.original.records().insert(*key, Record::new(old.version(), record));
                Ok(old.version())
            }
            None => self.original.create(key, record),
        }
    }
}
