//! How the cache finds a key.

use std::hash::{BuildHasher, Hasher};

/// Spreads keys by their first bytes. A key is a SHA-256 already, and that of a record comes from an id that this server drew: nobody
/// can make two records whose keys begin alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstBytes;

#[derive(Debug)]
pub(crate) struct First(u64);

impl BuildHasher for FirstBytes {
    type Hasher = First;

    fn build_hasher(&self) -> First {
        First(0)
    }
}

impl Hasher for First {
    /// The cache may hash a key together with something of its own.
    fn write(&mut self, bytes: &[u8]) {
        let first = bytes.first_chunk().copied().unwrap_or_default();
        self.0 ^= u64::from_le_bytes(first);
    }

    /// The length, which all keys have alike.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use session_core::StoreKey;

    use super::*;

    #[test]
    fn keys_differ_by_their_first_bytes() {
        let hash = |first: u8| FirstBytes.hash_one(StoreKey::from_bytes([first; 32]));
        assert_eq!(hash(1), 0x0101_0101_0101_0101);
        assert_ne!(hash(1), hash(2));
    }
}
