//! Rules of versions.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use session_core::store::{Replaced, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind};
use crate::macros::rules;

rules! {
    ($) pub(crate) const VERSIONS, macro __store_versions, for StoreUnderTest;

    /// A version is never used twice for one key, even after many replaces, or after a remove and
    /// another create.
    ///
    /// Use 64 random bits, or use one counter for all keys and store the counter with the records.
    /// If a version recurs, a writer that read the old record overwrites the new record.
    async fn version_is_never_used_twice(store) {
        for kind in Kind::SMALL {
            let key = store.key();
            let mut seen = HashSet::new();
            for life in 0..4 {
                let mut version = store.create(&key, &Entry::new(kind, &life.to_string(), store.now())).await?;
                for round in 0..MANY / 4 {
                    if !seen.insert(version.clone()) {
                        return Err(store.failure("a version that was not used before", format!("{} again", version.get())));
                    }
                    version = store.replaced(&key, version, &Entry::new(kind, &round.to_string(), store.now())).await?;
                }
                store.removed(&key, version).await?;
            }
        }
        Ok(())
    }

    /// A record has a new version after each of 66,000 writes. Versions that do not come from a
    /// counter have more than 32 random bits.
    ///
    /// Use 64 random bits, or use one counter for all keys and store the counter with the records.
    /// A 16-bit counter overflows, and short random versions recur.
    async fn version_has_bits_for_every_write(store) {
        let (key, entry) = (store.key(), Entry::plain("one", store.now()));
        let mut version = store.create(&key, &entry).await?;
        let (begun, mut seen, mut counts_up) = (Instant::now(), HashSet::new(), true);
        while version.get() <= u32::MAX.into() && begun.elapsed() < LONG_ENOUGH {
            if !seen.insert(version.get()) {
                return Err(store.failure("a version that was not used before", format!("{} again", version.get())));
            }
            if seen.len() > FEW && !counts_up {
                let most = seen.iter().max().copied().unwrap_or_default();
                let seen = format!("{} versions, some lower than the previous version, and none above {most}", seen.len());
                return Err(store.failure("versions that count up, or random versions of 64 bits", seen));
            }
            if seen.len() > FEW && version.get() > u16::MAX.into() {
                break;
            }
            let replaced = store.store().replace(&key, version.clone(), &entry.as_new()).await;
            let Replaced::Done(newer) = store.quietly("replace", replaced)? else {
                return Err(store.failure("Done, because that version is current", "Stale"));
            };
            counts_up &= newer.get() > version.get();
            version = newer;
        }
        Ok(())
    }

    /// A version that differs from the current version in a single bit, or by 1, is a different
    /// version. `replace`, `touch` and `remove` at this version change nothing.
    ///
    /// Store and compare all 64 bits, as an integer or as bytes. A 32-bit column, a float or a JSON
    /// number cannot distinguish all 64-bit versions. Do not interpret a version such as 0 as "any
    /// version".
    async fn near_versions_are_other_versions(store) {
        let key = store.key();
        let old = store.create(&key, &Entry::plain("first", store.now())).await?;
        let entry = Entry::plain("second", store.now());
        let current = store.replaced(&key, old, &entry).await?;
        let number = current.get();
        let near = (0..u64::BITS).map(|bit| number ^ (1 << bit));
        let ends = [0, 1, i64::MAX as u64, 1 << 63, u64::MAX].into_iter();
        let near = near.chain([number.wrapping_add(1), number.wrapping_sub(1)]);
        for other in near.chain(ends.filter(|end| *end != number)) {
            let other = Version::new(other);
            let late = Entry::plain("late", store.now());
            store.equal(Replaced::Stale, store.replace(&key, other.clone(), &late).await?)?;
            store.equal(false, store.touch(&key, other.clone(), late.expires_at).await?)?;
            store.equal(false, store.remove(&key, other).await?)?;
        }
        store.expect_at(&key, current.clone(), &entry).await?;
        store.removed(&key, current).await
    }

    /// If a `touch` changes the version, `replace`, `touch` and `remove` at the previous version
    /// change nothing.
    ///
    /// Store exactly one version with each record, and compare versions for equality.
    async fn version_before_touch_is_current_or_stale(store) {
        let (key, entry) = (store.key(), Entry::plain("one", store.now()));
        let before = store.create(&key, &entry).await?;
        let touched = entry.clone().expiring_at(entry.expires_at + Duration::from_mins(1));
        store.touched(&key, before.clone(), touched.expires_at).await?;
        let current = store.expect_version(&key).await?;
        if current == before {
            return Ok(());
        }
        let late = Entry::plain("late", store.now());
        store.equal(false, store.remove(&key, before.clone()).await?)?;
        store.equal(false, store.touch(&key, before.clone(), late.expires_at).await?)?;
        store.equal(Replaced::Stale, store.replace(&key, before, &late).await?)?;
        store.expect_at(&key, current, &touched).await
    }

    /// If `create` replaces an expired record, the new record has a different version.
    ///
    /// Use a new version for every record that is written, even if the record replaces an expired
    /// record.
    async fn record_over_expired_one_has_new_version(store) {
        let (key, entry) = (store.key(), Entry::plain("new", store.now()));
        let expired = entry.clone().expiring_at(store.now() - Duration::from_secs(1));
        let old = store.create(&key, &expired).await?;
        // An expired record that is still stored may make `create` fail.
        let created = store.store().create(&key, &entry.as_new()).await;
        store.calls().note(format!("create({}, \"new\") = {created:?}", store.name(&key)));
        match created {
            Ok(version) if version == old => {
                Err(store.failure("a version that was not used before", format!("{} again", old.get())))
            }
            _ => Ok(()),
        }
    }
}

/// More versions than one byte can represent.
const MANY: usize = 300;

/// Among this number of random versions of 64 bits, some need more than 32 bits.
const FEW: usize = 40;

/// The time after which the rule makes no more writes to a slow store.
const LONG_ENOUGH: Duration = Duration::from_secs(3);
