//! Rules of `touch`.

use std::time::Duration;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind};
use crate::harness::store::values::never;
use crate::macros::rules;

rules! {
    ($) pub(crate) const TOUCHING, macro __store_touching, for StoreUnderTest;

    /// `touch` at the current version sets a later or an earlier expiry, and changes nothing else.
    ///
    /// Update only the expiry. Creation time, owner and payload must not change. The version may
    /// change. Some drivers report no changed row if the new expiry equals the old expiry.
    async fn touch_sets_only_expiry(store) {
        for kind in [Kind::Plain, Kind::Owned, Kind::Large] {
            let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
            let entry = Entry { created_at: store.now() - Duration::from_hours(1), ..entry };
            store.create(&key, &entry).await?;
            for minutes in [90, 90, 30] {
                let expires_at = store.now() + Duration::from_mins(minutes);
                let current = store.expect_version(&key).await?;
                store.touched(&key, current, expires_at).await?;
                store.expect(&key, &entry.clone().expiring_at(expires_at)).await?;
            }
        }
        Ok(())
    }

    /// `touch` at a version other than the current version returns `false` and changes nothing.
    ///
    /// Compare the version in the step that writes, as in `replace`.
    async fn touch_at_other_version_changes_nothing(store) {
        for kind in Kind::SMALL {
            let (key, first) = (store.key(), Entry::new(kind, "first", store.now()));
            let old = store.create(&key, &first).await?;
            let second = Entry::new(kind, "second", store.now()).expiring_at(first.expires_at + Duration::from_mins(1));
            let current = store.replaced(&key, old.clone(), &second).await?;
            for other in [old.clone(), never(&[old, current.clone()])] {
                let expires_at = first.expires_at + Duration::from_mins(2);
                store.equal(false, store.touch(&key, other, expires_at).await?)?;
                store.expect_at(&key, current.clone(), &second).await?;
            }
        }
        Ok(())
    }

    /// `touch` never creates a record. It returns `false` and changes nothing if the key was never
    /// used or its record was removed.
    ///
    /// Update an existing record. Do not write a whole record.
    async fn touch_never_creates(store) {
        store.create(&store.key(), &Entry::plain("neighbour", store.now())).await?;
        for kind in Kind::SMALL {
            let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
            store.equal(false, store.touch(&key, never(&[]), entry.expires_at).await?)?;
            store.expect_nothing(&key).await?;
            let version = store.create(&key, &entry).await?;
            store.removed(&key, version.clone()).await?;
            store.equal(false, store.touch(&key, version, entry.expires_at).await?)?;
            store.expect_nothing(&key).await?;
        }
        Ok(())
    }

    /// After a `touch`, `replace` and `remove` succeed at the version that `load` returns.
    ///
    /// If a touch changes the version, change the version that the conditional calls compare.
    async fn touched_record_can_be_replaced_and_removed(store) {
        for kind in Kind::SMALL {
            let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
            let version = store.create(&key, &entry).await?;
            store.touched(&key, version, entry.expires_at + Duration::from_mins(1)).await?;
            let touched = store.expect_version(&key).await?;
            let replaced = store.replaced(&key, touched, &Entry::new(kind, "two", store.now())).await?;
            store.touched(&key, replaced, entry.expires_at + Duration::from_mins(2)).await?;
            let touched = store.expect_version(&key).await?;
            store.removed(&key, touched).await?;
            store.expect_nothing(&key).await?;
        }
        Ok(())
    }
}
