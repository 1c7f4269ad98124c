//! Rules of `replace`.

use std::time::{Duration, Instant};

use session_core::store::{Replaced, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind};
use crate::harness::store::values::never;
use crate::macros::rules;

rules! {
    ($) pub(crate) const REPLACING, macro __store_replacing, for StoreUnderTest;

    /// `replace` at the current version replaces every field of the record. It returns the version
    /// that the next `load` returns.
    ///
    /// Write payload, owner and expiry in the same step as the version.
    async fn replaced_record_is_loaded(store) {
        for old in [Kind::Plain, Kind::Owned, Kind::Large] {
            for new in Kind::ALL {
                let (key, entry) = (store.key(), Entry::new(old, "old", store.now()));
                let version = store.create(&key, &entry).await?;
                let later = entry.expires_at + Duration::from_mins(1);
                let entry = Entry::new(new, "new", store.now()).expiring_at(later);
                let newer = store.replaced(&key, version, &entry).await?;
                store.expect_at(&key, newer, &entry).await?;
            }
        }
        Ok(())
    }

    /// `replace` never creates a record. It returns `Stale` and changes nothing if the key was
    /// never used.
    ///
    /// Update an existing row (`UPDATE … WHERE key = ? AND version = ?`). Do not insert or upsert.
    /// Return `Replaced::Stale` if the update changed no row. An upsert reverts a logout when a
    /// slow request saves after the logout.
    async fn replace_never_creates(store) {
        store.create(&store.key(), &Entry::plain("neighbour", store.now())).await?;
        for kind in Kind::SMALL {
            for version in [0, 1, u64::MAX] {
                let key = store.key();
                let seen = store.replace(&key, Version::new(version), &Entry::new(kind, "new", store.now())).await?;
                store.equal(Replaced::Stale, seen)?;
                store.expect_nothing(&key).await?;
            }
        }
        Ok(())
    }

    /// After a `remove`, a `replace` at the removed version returns `Stale` and creates nothing.
    ///
    /// Remove the version with the record, so that no call can match the version. Otherwise a
    /// logout is not final.
    async fn replace_after_remove_restores_nothing(store) {
        for kind in Kind::SMALL {
            let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
            let version = store.create(&key, &entry).await?;
            store.removed(&key, version.clone()).await?;
            let seen = store.replace(&key, version, &Entry::new(kind, "two", store.now())).await?;
            store.equal(Replaced::Stale, seen)?;
            store.expect_nothing(&key).await?;
        }
        Ok(())
    }

    /// `replace` at a version other than the current version returns `Stale` and changes nothing.
    ///
    /// Compare the version in the step that writes (`WHERE version = ?`, a script, or a lock held
    /// during the comparison and the write). Otherwise a slow request overwrites the changes of a
    /// fast request.
    async fn replace_at_other_version_changes_nothing(store) {
        for kind in Kind::SMALL {
            let (key, first) = (store.key(), Entry::new(kind, "first", store.now()));
            let old = store.create(&key, &first).await?;
            let second = Entry::new(kind, "second", store.now()).expiring_at(first.expires_at + Duration::from_mins(1));
            let current = store.replaced(&key, old.clone(), &second).await?;
            for other in [old.clone(), never(&[old, current.clone()])] {
                let late = Entry::new(kind, "late", store.now()).expiring_at(first.expires_at + Duration::from_mins(2));
                store.equal(Replaced::Stale, store.replace(&key, other, &late).await?)?;
                store.expect_at(&key, current.clone(), &second).await?;
            }
        }
        Ok(())
    }

    /// `replace` at the current version never returns `Stale`, even after 1,100 calls. Afterwards
    /// the record exists and can be removed.
    ///
    /// Return `Stale` only if this call changed nothing. If a driver repeats a call whose reply was
    /// lost, the repeated call finds the new version and returns `Stale`. Disable the driver's
    /// retries for conditional calls.
    async fn replace_at_current_version_is_never_stale(store) {
        for (kind, most) in [(Kind::Plain, MANY), (Kind::Owned, FEWER)] {
            let (key, begun, entry) = (store.key(), Instant::now(), Entry::new(kind, "one", store.now()));
            let mut version = store.create(&key, &entry).await?;
            for round in 1..=most {
                version = store.replaced(&key, version, &entry).await?;
                if round >= FEWER && begun.elapsed() > LONG_ENOUGH {
                    break;
                }
            }
            store.expect_at(&key, version.clone(), &entry).await?;
            store.removed(&key, version).await?;
            store.expect_nothing(&key).await?;
        }
        Ok(())
    }
}

/// The number of calls to a fast store.
const MANY: usize = 1_100;

/// More versions than one byte can represent.
const FEWER: usize = 300;

/// The time after which no further call starts, if [`FEWER`] calls were made.
const LONG_ENOUGH: Duration = Duration::from_secs(2);
