//! Mutants of the rules of versions.

use std::sync::atomic::{AtomicU64, Ordering};

use session_core::Error;
use session_core::store::{NewRecord, Replaced, StoreKey, Version};

use super::mutation::{mutants, mutation};

mutants! {
    VersionOfOneByte breaks version_is_never_used_twice;
    VersionStartsAgain breaks version_is_never_used_twice;
    VersionOf32Bits breaks near_versions_are_other_versions;
    VersionOf53Bits breaks near_versions_are_other_versions;
}

mutation! {
    VersionOfOneByte { calls: AtomicU64 };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.original.create(key, record)?;
        Ok(self.narrow(key, version))
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        Ok(match self.original.replace(key, expected, record) {
            Replaced::Done(version) => Replaced::Done(self.narrow(key, version)),
            Replaced::Stale => Replaced::Stale,
        })
    }
}

impl VersionOfOneByte {
    fn narrow(&self, key: &StoreKey, version: Version) -> Version {
        let narrow = Version::new(self.calls.fetch_add(1, Ordering::Relaxed) % 256);
        if let Some(record) =
            self.original.records().get_mut(key).filter(|record| record.version() == version)
        {
            *record = record.touched(narrow, record.expires_at());
        }
        narrow
    }
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
            *record = record.touched(first, record.expires_at());
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
