//! Rules of `create`, and of keys.

use session_core::{ErrorKind, StoreKey};

use super::StoreUnderTest;
use super::entry::{Entry, Kind};
use crate::rule::rules;

rules! {
    ($) pub(crate) const CREATING, macro __store_creating, for StoreUnderTest;

    /// A record that was created is loaded as it was given, at the version that `create` gave.
    ///
    /// Keep every field of `NewRecord`, and return from `create` the version that a `load` will show.
    async fn a_created_record_is_loaded(store) {
        for kind in Kind::ALL {
            let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
            let version = store.create(&key, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }

    /// A key that was never used holds nothing: `load` says `None`.
    ///
    /// An absent record is no error.
    async fn a_key_that_was_never_used_holds_nothing(store) {
        let key = store.key();
        store.expect_nothing(&key).await
    }

    /// `create` under a key that has a record is an error of kind `Backend`, and the record stays as it is.
    ///
    /// Insert only if the key is absent, in one step (`INSERT` without `ON CONFLICT`, `SET … NX`), and turn "it is there" into
    /// `ErrorKind::Backend`.
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

    /// After a `remove`, the key can be used again.
    ///
    /// Remove the record and not only its content; a mark that you leave behind must not stand in the way of a `create`.
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

    /// Keys that differ in a single bit, be it the first or the last, are different keys.
    ///
    /// Use all 32 bytes of the key, as bytes or in an encoding that keeps them apart, and compare without regard to language
    /// (no case-folding collation).
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
}
