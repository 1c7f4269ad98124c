//! Rules of `remove`.

use std::time::Duration;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind};
use crate::harness::store::values::never;
use crate::macros::rules;

rules! {
    ($) pub(crate) const REMOVING, macro __store_removing, for StoreUnderTest;

    /// `remove` at the current version returns `true` and removes the record.
    ///
    /// Return `true` only if this call removed the record.
    async fn remove_removes_record(store) {
        for kind in [Kind::Plain, Kind::Owned, Kind::Large] {
            let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
            let version = store.create(&key, &entry).await?;
            store.removed(&key, version).await?;
            store.expect_nothing(&key).await?;
        }
        Ok(())
    }

    /// `remove` at a version other than the current version returns `false` and changes nothing.
    ///
    /// Compare the version in the step that deletes (`DELETE … WHERE key = ? AND version = ?`).
    async fn remove_at_other_version_changes_nothing(store) {
        for kind in Kind::SMALL {
            let (key, first) = (store.key(), Entry::new(kind, "first", store.now()));
            let old = store.create(&key, &first).await?;
            let second = Entry::new(kind, "second", store.now()).expiring_at(first.expires_at + Duration::from_mins(1));
            let current = store.replaced(&key, old.clone(), &second).await?;
            for other in [old.clone(), never(&[old, current.clone()])] {
                store.equal(false, store.remove(&key, other).await?)?;
                store.expect_at(&key, current.clone(), &second).await?;
            }
        }
        Ok(())
    }

    /// `remove` returns `false` if the key was never used or its record was already removed.
    ///
    /// Return whether the deletion changed a row. The engine uses the result to detect whether the
    /// session still existed.
    async fn remove_without_record_is_false(store) {
        for kind in Kind::SMALL {
            let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
            store.equal(false, store.remove(&key, never(&[])).await?)?;
            let version = store.create(&key, &entry).await?;
            store.removed(&key, version.clone()).await?;
            store.equal(false, store.remove(&key, version).await?)?;
        }
        Ok(())
    }

    /// `remove` removes one record and no other.
    ///
    /// Delete by the whole key, not by the version or the owner alone.
    async fn remove_leaves_other_records(store) {
        let mut others = Vec::new();
        for kind in Kind::SMALL {
            let (key, entry) = (store.key(), Entry::new(kind, "stays", store.now()));
            others.push((key, store.create(&key, &entry).await?, entry));
        }
        for kind in Kind::SMALL {
            let key = store.key();
            let version = store.create(&key, &Entry::new(kind, "goes", store.now())).await?;
            store.removed(&key, version).await?;
        }
        for (key, version, entry) in others {
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }
}
