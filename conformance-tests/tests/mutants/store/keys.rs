//! Mutants of keys with special bytes, and of versions that are near each other.

use std::time::SystemTime;

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Error, async_trait};

use super::mutation::{mutants, mutation};

mutants! {
    SpacesAtTheEndOfKeysAreIgnored breaks keys_with_special_bytes_are_different;
    ListedKeysLoseZeros breaks keys_with_special_bytes_are_different;
    VersionOf32Bits breaks near_versions_are_other_versions;
    VersionOf53Bits breaks near_versions_are_other_versions;
}

/// Returns the key with zeros in the place of four spaces at its end.
fn padded(key: &StoreKey) -> StoreKey {
    let mut bytes = *key.as_bytes();
    if bytes.ends_with(b"    ") {
        bytes[28..].fill(0);
    }
    StoreKey::from_bytes(bytes)
}

mutation! {
    SpacesAtTheEndOfKeysAreIgnored;
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.original.load(&padded(key)))
    }
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.original.create(&padded(key), record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        Ok(self.original.replace(&padded(key), expected, record))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        Ok(self.original.touch(&padded(key), expected, expires_at))
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        Ok(self.original.remove(&padded(key), expected))
    }
}

mutation! {
    /// A listed key is read as a number.
    ListedKeysLoseZeros;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let keys = self.original.keys_of(owner).into_iter();
        Ok(keys.filter(|key| key.as_bytes()[..4] != [0; 4]).collect())
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
