//! The keys of Redis, which consist of a prefix and a hash.

use session_core::store::StoreKey;
use sha2::{Digest as _, Sha256};

/// Returns the name of a record.
pub(crate) fn record_name(prefix: &str, key: &StoreKey) -> Vec<u8> {
    name(prefix, "", key.as_bytes())
}

/// Returns the name of an owner's list.
pub(crate) fn list_name(prefix: &str, owner: &[u8]) -> Vec<u8> {
    name(prefix, "owner:", &Sha256::digest(owner))
}

fn name(prefix: &str, kind: &str, hash: &[u8]) -> Vec<u8> {
    [prefix.as_bytes(), kind.as_bytes(), hash].concat()
}
