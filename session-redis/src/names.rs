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
    let start = prefix.len() + kind.len();
    let mut name = Vec::with_capacity(start + 2 * hash.len());
    name.extend_from_slice(prefix.as_bytes());
    name.extend_from_slice(kind.as_bytes());
    name.resize(start + 2 * hash.len(), 0);
    for (digits, byte) in name[start..].as_chunks_mut().0.iter_mut().zip(hash) {
        *digits = [hexadecimal(byte >> 4), hexadecimal(byte & 15)];
    }
    name
}

/// Returns the digit of a number below 16.
fn hexadecimal(number: u8) -> u8 {
    number + if number < 10 { b'0' } else { b'a' - 10 }
}
