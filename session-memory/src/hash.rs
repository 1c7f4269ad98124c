//! The hash of a key.

use std::hash::{BuildHasher, Hasher};

use session_core::store::StoreKey;

/// A hash of keys by folded multiplication.
///
/// A key is a SHA-256 hash of an id that this server generated. Therefore a client cannot choose
/// keys whose hashes collide, and the hash needs no secret.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHash;

/// The position of a key in the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// Selects the shard, by a remainder.
    pub(crate) shard: u8,
    /// Selects the entry in the index of the shard.
    pub(crate) tag: u32,
}

impl Place {
    pub(crate) fn of(key: &StoreKey) -> Self {
        let [tag @ .., _, _, _, shard] = KeyHash.hash_one(key).to_le_bytes();
        Self { shard, tag: u32::from_le_bytes(tag) }
    }
}

#[derive(Debug)]
pub(crate) struct Folded(u64);

impl BuildHasher for KeyHash {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded(0)
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.fold(u64::from(*byte));
        }
    }

    /// Ignores the length, which is the same for all keys.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Folded {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9E37_79B9_7F4A_7C15;
        let (low, high) = (product & u128::from(u64::MAX), product >> 64);
        self.0 = u64::try_from(low ^ high).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_that_differ_in_one_bit_have_different_places() {
        let places: Vec<_> = (0..256)
            .map(|bit| {
                let mut key = [7; 32];
                key[bit / 8] ^= 1 << (bit % 8);
                Place::of(&StoreKey::from_bytes(key))
            })
            .collect();
        let tags: HashSet<_> = places.iter().map(|place| place.tag).collect();
        let shards: HashSet<_> = places.iter().map(|place| place.shard).collect();
        assert_eq!(tags.len(), 256);
        assert!(shards.len() > 128, "{} shards", shards.len());
    }
}
