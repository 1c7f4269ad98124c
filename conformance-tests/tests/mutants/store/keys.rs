//! Mutants of the rules of keys.

use std::time::SystemTime;

use session_core::Error;
use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};

use super::mutation::{mutants, mutation};

mutants! {
    LastBitOfKeyLost breaks keys_that_differ_in_one_bit_are_different;
    KeyFoldsCase breaks keys_that_differ_in_one_bit_are_different;
    SpacesAtTheEndOfKeysAreIgnored breaks keys_with_special_bytes_are_different;
    ListedKeysLoseZeros breaks keys_with_special_bytes_are_different;
}

/// Returns the key without its last bit.
fn even(key: &StoreKey) -> StoreKey {
    let mut bytes = *key.as_bytes();
    bytes[31] &= 0xfe;
    StoreKey::from_bytes(bytes)
}

fn odd(key: &StoreKey) -> StoreKey {
    let mut bytes = *key.as_bytes();
    bytes[31] |= 1;
    StoreKey::from_bytes(bytes)
}

mutation! {
    LastBitOfKeyLost;
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.original.load(&even(key)))
    }
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.original.create(&even(key), record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        Ok(self.original.replace(&even(key), expected, record))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        Ok(self.original.touch(&even(key), expected, expires_at))
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        Ok(self.original.remove(&even(key), expected))
    }
    /// An index may list too many keys.
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(self.original.keys_of(owner).iter().flat_map(|key| [*key, odd(key)]).collect())
    }
}

mutation! {
    /// The database stores the key as text, with a collation that ignores case.
    KeyFoldsCase;
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let exact = self.original.load(key);
        let lower = key.as_bytes().to_ascii_lowercase();
        Ok(exact.or_else(|| {
            let records = self.original.records();
            let alike = records.iter().find(|(key, _)| key.as_bytes().to_ascii_lowercase() == lower);
            alike.map(|(_, record)| record.clone())
        }))
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        Ok(self.original.remove(key, expected))
    }
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
