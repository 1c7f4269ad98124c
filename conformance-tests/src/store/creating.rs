//! Rules of `create`, and of keys.

use std::collections::BTreeSet;

use session_core::ErrorKind;
use session_core::store::StoreKey;

use super::StoreUnderTest;
use super::entry::{Entry, Kind};
use super::owners::{random_key, someone};
use crate::rule::rules;

rules! {
    ($) pub(crate) const CREATING, macro __store_creating, for StoreUnderTest;

    /// `load` returns a created record unchanged, at the version that `create` returned.
    ///
    /// Store every field of `NewRecord`. Return from `create` the version that `load` returns.
    async fn a_created_record_is_loaded(store) {
        for kind in Kind::ALL {
            let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
            let version = store.create(&key, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }

    /// `load` returns `None` for a key that was never used.
    ///
    /// A missing record is not an error.
    async fn a_key_that_was_never_used_holds_nothing(store) {
        let key = store.key();
        store.expect_nothing(&key).await
    }

    /// `create` fails with an error of kind `Backend` if the key has a record, and changes nothing.
    ///
    /// Insert only if the key is absent, in one step (`INSERT` without `ON CONFLICT`, `SET … NX`).
    /// Return `ErrorKind::Backend` if it is present.
    async fn create_refuses_a_key_that_has_a_record(store) {
        for kind in Kind::SMALL {
            let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
            let version = store.create(&key, &entry).await?;
            let other = Entry::new(kind, "other", store.now()).expiring_at(store.now());
            let kind = store.store().create(&key, &other.as_new()).await.map_err(|error| error.kind());
            store.calls().note(format!("create({}, another record) = {kind:?}", store.name(&key)));
            store.equal(Err(ErrorKind::Backend), kind)?;
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }

    /// After a `remove`, `create` works again for the key.
    ///
    /// Remove the whole record. If you leave a mark of deletion, `create` must replace it.
    async fn a_removed_key_can_be_created_again(store) {
        for kind in [Kind::Plain, Kind::Large] {
            let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
            let version = store.create(&key, &entry).await?;
            store.removed(&key, version).await?;
            let again = Entry::new(kind, "again", store.now());
            let version = store.create(&key, &again).await?;
            store.expect_at(&key, version, &again).await?;
        }
        Ok(())
    }

    /// Keys that differ in a single bit are different keys, even if it is the first or the last
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

    /// Keys that end with spaces, zeros or other special bytes are different keys, and `keys_of`
    /// returns each of them whole.
    ///
    /// Use a binary type without padding. A fixed-length text type ignores spaces at the end, and
    /// an encoding as a number loses zeros at the start.
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
            store.expect_at(&key, version, &entry).await?;
            if listed.as_ref().is_some_and(|listed| !listed.contains(&key)) {
                let missing = format!("{} is missing; its bytes are {:02x?}", store.name(&key), key.as_bytes());
                return Err(store.failure("every key among the keys of its owner", missing));
            }
            store.removed(&key, version).await?;
        }
        Ok(())
    }
}
