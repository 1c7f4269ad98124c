//! Rules of `replace`, and of versions.

use std::collections::HashSet;
use std::time::Duration;

use session_core::{Replaced, Version};

use super::StoreUnderTest;
use super::entry::{Entry, Kind};
use crate::rule::rules;

/// More than a version of one byte can count.
const MANY: usize = 300;

rules! {
    ($) pub(crate) const REPLACING, macro __store_replacing, for StoreUnderTest;

    /// `replace` at the current version puts the new record in the place of the old one, every field of it, and gives the version
    /// that `load` then shows.
    ///
    /// Write payload, owner and expiry in the same step as the version.
    async fn a_replaced_record_is_loaded(store) {
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

    /// `replace` never creates: under a key that was never used it says `Stale`, and nothing is there afterwards.
    ///
    /// Make it an update of what is there (`UPDATE … WHERE key = ? AND version = ?`), not an insert and no upsert; where it changed
    /// nothing, return `Replaced::Stale`. An upsert undoes a logout when a slow request saves after it.
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

    /// After a `remove`, a `replace` at the version that was removed says `Stale` and brings nothing back.
    ///
    /// Forget the version with the record: nothing may match it any more. This is what keeps a logout final.
    async fn replace_after_remove_brings_nothing_back(store) {
        for kind in Kind::SMALL {
            let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
            let version = store.create(&key, &entry).await?;
            store.removed(&key, version).await?;
            let seen = store.replace(&key, version, &Entry::new(kind, "two", store.now())).await?;
            store.equal(Replaced::Stale, seen)?;
            store.expect_nothing(&key).await?;
        }
        Ok(())
    }

    /// `replace` at a version that is not the current one says `Stale` and changes nothing.
    ///
    /// Compare the version in the same step that writes (`WHERE version = ?`, a script, a lock held over both). Without it, a slow
    /// request undoes what a fast one saved.
    async fn replace_at_another_version_changes_nothing(store) {
        for kind in Kind::SMALL {
            let (key, first) = (store.key(), Entry::new(kind, "first", store.now()));
            let old = store.create(&key, &first).await?;
            let second = Entry::new(kind, "second", store.now()).expiring_at(first.expires_at + Duration::from_mins(1));
            let current = store.replaced(&key, old, &second).await?;
            for other in [old, never(&[old, current])] {
                let late = Entry::new(kind, "late", store.now()).expiring_at(first.expires_at + Duration::from_mins(2));
                store.equal(Replaced::Stale, store.replace(&key, other, &late).await?)?;
                store.expect_at(&key, current, &second).await?;
            }
        }
        Ok(())
    }

    /// `replace` at the current version is never `Stale`: not the first time, and not the three hundredth.
    ///
    /// Say `Stale` only if this very call changed nothing. A driver that repeats a call whose reply was lost finds its own work and
    /// calls it stale: switch its retries off for conditional calls.
    async fn replace_at_the_current_version_is_never_stale(store) {
        for kind in Kind::SMALL {
            let key = store.key();
            let mut version = store.create(&key, &Entry::new(kind, "0", store.now())).await?;
            for round in 1..=MANY {
                version = store.replaced(&key, version, &Entry::new(kind, &round.to_string(), store.now())).await?;
            }
        }
        Ok(())
    }

    /// A version is never used twice under one key: not after many replaces, and not after a remove and a new create.
    ///
    /// Count up over all keys, draw 64 random bits, or keep the counter when the record goes. A version that comes back lets a writer
    /// that read the old record overwrite the new one.
    async fn a_version_is_never_used_twice(store) {
        for kind in Kind::SMALL {
            let key = store.key();
            let mut seen = HashSet::new();
            for life in 0..4 {
                let mut version = store.create(&key, &Entry::new(kind, &life.to_string(), store.now())).await?;
                for round in 0..MANY / 4 {
                    if !seen.insert(version) {
                        return Err(store.failure("a version that was not there before", format!("{} again", version.get())));
                    }
                    version = store.replaced(&key, version, &Entry::new(kind, &round.to_string(), store.now())).await?;
                }
                store.removed(&key, version).await?;
            }
        }
        Ok(())
    }
}

/// A version that is none of these.
pub(super) fn never(used: &[Version]) -> Version {
    let mut version = Version::new(fastrand::u64(..));
    while used.contains(&version) {
        version = Version::new(fastrand::u64(..));
    }
    version
}
