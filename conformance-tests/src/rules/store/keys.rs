//! Rules of keys.

use std::collections::BTreeSet;

use session_core::store::StoreKey;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::values::{random_key, someone};
use crate::macros::rules;

rules! {
    ($) pub(crate) const KEYS, macro __store_keys, for StoreUnderTest;

    /// Keys that differ in a single bit are different keys. This includes the first and the last
    /// bit.
    ///
    /// Use all 32 bytes of the key, as bytes or in an encoding that is unique for each key. Do not
    /// use a collation that ignores case.
    async fn keys_that_differ_in_one_bit_are_different(store) {
        let key = store.key();
        let entry = Entry::plain("first", store.now());
        let version = store.create(&key, &entry).await?;
        for bit in 0..256 {
            let mut bytes = *key.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let near = StoreKey::from_bytes(bytes);
            store.expect_nothing(&near).await?;
            if bit % 85 == 0 {
                let other = Entry::plain("near", store.now());
                store.create(&near, &other).await?;
            }
        }
        store.expect_at(&key, version, &entry).await
    }

    /// Keys that start or end with spaces, zeros or other special bytes are different keys.
    /// `keys_of` returns each key unchanged.
    ///
    /// Use a binary type without padding. A fixed-length text type ignores spaces at the end. An
    /// encoding as a number loses zeros at the start.
    async fn keys_with_special_bytes_are_different(store) {
        let (owner, base) = (someone("ada"), *random_key().as_bytes());
        let mut keys = BTreeSet::new();
        for special in [0x00, 0x20, 0x0a, 0x09, 0x25, 0x5c, 0xff] {
            for places in [0..1, 0..4, 31..32, 28..32] {
                let mut bytes = base;
                bytes[places].fill(special);
                keys.insert(StoreKey::from_bytes(bytes));
            }
        }
        let mut kept = Vec::new();
        for (key, number) in keys.into_iter().zip(0_u8..) {
            let entry = Entry::plain(&format!("record {number}"), store.now()).owned_by(&owner);
            kept.push((key, store.create(&key, &entry).await?, entry));
        }
        let listed = if store.has_index() { Some(store.keys_of(&owner, &[]).await?) } else { None };
        for (key, version, entry) in kept {
            store.expect_at(&key, version.clone(), &entry).await?;
            if listed.as_ref().is_some_and(|listed| !listed.contains(&key)) {
                let missing = format!("{} is missing; its bytes are {:02x?}", store.name(&key), key.as_bytes());
                return Err(store.failure("every key among the keys of its owner", missing));
            }
            store.removed(&key, version).await?;
        }
        Ok(())
    }
}
