//! Rules of versions.

use std::collections::HashSet;

use session_core::store::{Replaced, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind};
use crate::macros::rules;

rules! {
    ($) pub(crate) const VERSIONS, macro __store_versions, for StoreUnderTest;

    /// A version is never used twice for one key: neither after many replaces, nor after a remove
    /// and another create.
    ///
    /// Use 64 random bits, or count up over all keys and store the counter with the records. If a
    /// version recurs, a writer that read the old record overwrites the new one.
    async fn version_is_never_used_twice(store) {
        for kind in Kind::SMALL {
            let key = store.key();
            let mut seen = HashSet::new();
            for life in 0..4 {
                let mut version = store.create(&key, &Entry::new(kind, &life.to_string(), store.now())).await?;
                for round in 0..MANY / 4 {
                    if !seen.insert(version) {
                        return Err(store.failure("a version that was not used before", format!("{} again", version.get())));
                    }
                    version = store.replaced(&key, version, &Entry::new(kind, &round.to_string(), store.now())).await?;
                }
                store.removed(&key, version).await?;
            }
        }
        Ok(())
    }

    /// A version that differs from the current one in a single bit, or by one, is another version:
    /// `replace`, `touch` and `remove` at it change nothing.
    ///
    /// Store and compare all 64 bits, as an integer or as bytes. A column of 32 bits, a float and a
    /// number in JSON confuse versions that are near each other.
    async fn near_versions_are_other_versions(store) {
        let key = store.key();
        let old = store.create(&key, &Entry::plain("first", store.now())).await?;
        let entry = Entry::plain("second", store.now());
        let current = store.replaced(&key, old, &entry).await?;
        let number = current.get();
        let near = (0..u64::BITS).map(|bit| number ^ (1 << bit));
        for other in near.chain([number.wrapping_add(1), number.wrapping_sub(1)]) {
            let other = Version::new(other);
            let late = Entry::plain("late", store.now());
            store.equal(Replaced::Stale, store.replace(&key, other, &late).await?)?;
            store.equal(false, store.touch(&key, other, late.expires_at).await?)?;
            store.equal(false, store.remove(&key, other).await?)?;
        }
        store.expect_at(&key, current, &entry).await?;
        store.removed(&key, current).await
    }
}

/// More versions than one byte can represent.
const MANY: usize = 300;
