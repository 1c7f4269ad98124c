//! Rules of a store that is closed and opened again, for example after a restart.

use std::collections::HashSet;

use session_core::store::{Replaced, StoreKey, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::observer::Observer;
use crate::harness::store::samples::samples;
use crate::harness::store::sweeps::{Era, OVERDUE, swept};
use crate::macros::rules;
use crate::report::Failure;

rules! {
    ($) pub(crate) const REOPENING, macro __store_reopening, for StoreUnderTest;

    /// A store that is opened again returns every record unchanged, at the same version, and lists
    /// its key. A record that was removed stays removed.
    ///
    /// A call must not return before its data is durable. Also write the index of owners and the
    /// version to the disk, or compute them from the records when the store is opened.
    async fn reopened_store_has_every_record(store) {
        let mut written = Vec::new();
        for sample in samples(store) {
            let (see, key) = (Observer::new(store, &sample.name), store.key());
            let version = store.create(&key, &Entry::plain("first", store.now())).await?;
            let mut entry = sample.entry(store);
            let version = store.replaced(&key, version, &entry).await?;
            entry.expires_at = sample.later(store, 30).expires_at;
            store.touched(&key, version, entry.expires_at).await?;
            let version = see.sees("touch", &key, None, &entry).await?;
            written.push((sample.name, key, version, entry));
        }
        let removed = store.key();
        let version = store.create(&removed, &Entry::plain("removed", store.now())).await?;
        store.removed(&removed, version.clone()).await?;
        store.reopen_store().await?;
        let see = Observer::new(store, "a remove before the store was opened again");
        see.sees_nothing("reopening", &removed).await?;
        store.equal(false, store.remove(&removed, version).await?)?;
        for (name, key, version, entry) in written {
            let see = Observer::new(store, &name);
            let version = see.sees("reopening", &key, Some(version), &entry).await?;
            let version = store.replaced(&key, version, &entry).await?;
            see.sees("reopening and replace", &key, Some(version.clone()), &entry).await?;
            store.removed(&key, version).await?;
        }
        Ok(())
    }

    /// A store that is opened again, for example after a restart, does not reuse an earlier version
    /// of a key.
    ///
    /// Store the counter with the records, or use 64 random bits. A counter in memory that starts
    /// at the same number may reuse a version that a request of the old process read.
    async fn versions_do_not_restart_with_process(store) {
        let keys = [store.key(), store.key()];
        let mut seen = [HashSet::new(), HashSet::new()];
        for life in 0..LIVES {
            if life > 0 {
                store.reopen_store().await?;
            }
            for (key, seen) in keys.iter().zip(&mut seen) {
                let first = store.create(key, &Entry::plain("0", store.now())).await?;
                let last = versions(store, key, first, seen).await?;
                store.removed(key, last).await?;
            }
        }
        Ok(())
    }

    /// After the store was opened again, a sweep removes the records that have expired. Calls at an
    /// old version are refused.
    ///
    /// Store the index by expiry with the records, or compute the index from the records when the
    /// store is opened.
    async fn reopened_store_sweeps_and_refuses(store) {
        let expiry = Era::Busy.moment();
        let (key, live, over) = (store.key(), store.key(), store.key());
        let entry = Entry::plain("live", store.now());
        let old = store.create(&live, &entry).await?;
        let version = store.replaced(&live, old.clone(), &entry).await?;
        store.create(&over, &Entry::plain("old", store.now()).expiring_at(expiry)).await?;
        store.reopen_store().await?;
        store.equal(Replaced::Stale, store.replace(&live, old.clone(), &entry).await?)?;
        store.equal(false, store.touch(&live, old.clone(), entry.expires_at).await?)?;
        store.equal(false, store.remove(&live, old).await?)?;
        store.equal(Replaced::Stale, store.replace(&key, version.clone(), &entry).await?)?;
        store.expect_at(&live, version.clone(), &entry).await?;
        if store.sweeper().is_some() {
            swept(store, expiry + OVERDUE).await?;
            store.expect_nothing(&over).await?;
            store.expect_at(&live, version, &entry).await?;
        }
        Ok(())
    }
}

/// The number of times that a store is opened.
const LIVES: u64 = 3;

/// The number of versions between two openings.
const VERSIONS: u64 = 20;

/// Replaces a record several times, and returns the last version. Fails if a version was used
/// before.
async fn versions(
    store: &StoreUnderTest,
    key: &StoreKey,
    first: Version,
    seen: &mut HashSet<Version>,
) -> Result<Version, Failure> {
    let mut version = first;
    for number in 1..=VERSIONS {
        if !seen.insert(version.clone()) {
            let again = format!("version {} again", version.get());
            return Err(store.failure("a version that the key did not have before", again));
        }
        let entry = Entry::plain(&number.to_string(), store.now());
        version = store.replaced(key, version, &entry).await?;
    }
    seen.insert(version.clone());
    Ok(version)
}
