//! Rules of `create`.

use session_core::ErrorKind;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind};
use crate::macros::rules;

rules! {
    ($) pub(crate) const CREATING, macro __store_creating, for StoreUnderTest;

    /// `load` returns a created record unchanged, at the version that `create` returned.
    ///
    /// Store every field of `NewRecord`. `create` must return the version that `load` returns.
    async fn created_record_is_loaded(store) {
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
    async fn unused_key_has_no_record(store) {
        let key = store.key();
        store.expect_nothing(&key).await
    }

    /// `create` fails with an error of kind `Backend` if the key has a record, and changes nothing.
    ///
    /// Insert only if the key is absent, in one step (`INSERT` without `ON CONFLICT`, `SET … NX`).
    /// Return `ErrorKind::Backend` if the key is present.
    async fn create_of_existing_key_is_refused(store) {
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

    /// After a `remove`, `create` succeeds again for the key.
    ///
    /// Remove the whole record. If the store writes a deletion marker, `create` must replace the
    /// marker.
    async fn removed_key_can_be_created_again(store) {
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
}
