//! The names of the keys in Redis, which contain a prefix and a hash.

use session_core::store::StoreKey;
use sha2::{Digest as _, Sha256};

/// The length of the hash in a name.
const HASH: usize = 32;

/// Returns the name of a record.
pub(crate) fn record_name(prefix: &str, key: &StoreKey) -> Vec<u8> {
    name(prefix, "", key.as_bytes())
}

/// Returns the name of an owner's list.
pub(crate) fn list_name(prefix: &str, owner: &[u8]) -> Vec<u8> {
    name(prefix, "owner:", &Sha256::digest(owner))
}

/// Returns a pattern that matches the names of records, but no other names with the prefix.
pub(crate) fn record_pattern(prefix: &str) -> Vec<u8> {
    let mut pattern = Vec::new();
    for byte in prefix.bytes() {
        if b"*?[]^-\\".contains(&byte) {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
    pattern.extend([b'?'; HASH]);
    pattern
}

/// Returns the key of the record with this name.
pub(crate) fn key_of(prefix: &str, name: &[u8]) -> Option<StoreKey> {
    let hash = name.strip_prefix(prefix.as_bytes())?;
    Some(StoreKey::from_bytes(hash.try_into().ok()?))
}

fn name(prefix: &str, kind: &str, hash: &[u8]) -> Vec<u8> {
    [prefix.as_bytes(), kind.as_bytes(), hash].concat()
}
