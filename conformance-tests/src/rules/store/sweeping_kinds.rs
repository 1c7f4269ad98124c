//! Rules of sweeps over every kind of record, and over the results of other calls.

use std::time::{Duration, SystemTime};

use session_core::store::{Replaced, StoreKey};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::crowd::{crowd, missing};
use crate::harness::store::entry::Entry;
use crate::harness::store::observer::Observer;
use crate::harness::store::overlap::overlap;
use crate::harness::store::samples::{Sample, few_samples, samples};
use crate::harness::store::sweeps::{ATTEMPTS, Era, OVERDUE, sweep_all, sweeper, swept};
use crate::harness::store::values::never;
use crate::macros::rules;
use crate::report::{Checked, Failure};

rules! {
    ($) pub(crate) const SWEEPING_KINDS, macro __store_sweeping_kinds, for StoreUnderTest;

    /// A sweep removes an expired record of every kind, even after refused calls on the record.
    /// `create`, `replace` or `touch` may have set the expiry. A sweep removes no live record of
    /// any kind, and live records stay listed.
    ///
    /// Fix failing rules about sweeps of one record first. Every call that sets an expiry must
    /// write the expiry that a sweep uses. A refused call must not change this expiry.
    async fn expired_record_of_every_kind_is_swept(store) {
        let expiry = Era::Busy.moment();
        for sample in samples(store) {
            let see = Observer::new(store, &sample.name);
            let (living, entry) = (store.key(), sample.entry(store));
            let version = store.create(&living, &entry).await?;
            let expired = expire(store, &sample, expiry).await?;
            gone(&see, expiry, &expired).await?;
            see.sees("a sweep of other records", &living, Some(version.clone()), &entry).await?;
            store.removed(&living, version).await?;
        }
        Ok(())
    }

    /// A sweep removes each of several records with the same expiry.
    ///
    /// Include the key of the record in the key of an expiry index. An index by the expiry alone
    /// has one entry for all these records, and all but one record stay forever. A sweep in pages
    /// must continue after the last expiry and key, not after the last expiry alone.
    async fn records_of_one_expiry_are_all_swept(store) {
        let expiry = Era::Busy.moment();
        for limit in [1000, 3] {
            let entry = Entry::plain("old", store.now()).expiring_at(expiry);
            let mut keys = Vec::new();
            for _ in 0..SAME {
                keys.push(store.key());
            }
            for key in &keys {
                store.create(key, &entry).await?;
            }
            let mut left = keys.len();
            // A sweep may skip a record that the sweep of another test is removing.
            for _ in 0..ATTEMPTS {
                sweep_all(store, expiry + OVERDUE, limit).await?;
                left = left_of(store, &keys).await?;
                if left == 0 {
                    break;
                }
            }
            store.equal(format!("0 of the {SAME} records of one expiry"), format!("{left} of the {SAME} records of one expiry"))?;
        }
        Ok(())
    }

    /// If one of several records with the same expiry is renewed or removed, a sweep removes the
    /// other records, but not the renewed record.
    ///
    /// Remove the entry of one key from the expiry index, not all entries with the same expiry.
    async fn renewal_leaves_other_records_of_same_expiry(store) {
        let expiry = Era::Busy.moment();
        let entry = Entry::plain("old", store.now()).expiring_at(expiry);
        let keys = [store.key(), store.key(), store.key(), store.key()];
        let mut versions = Vec::new();
        for key in &keys {
            versions.push(store.create(key, &entry).await?);
        }
        let created_at = entry.created_at;
        let new = Entry { created_at, ..Entry::plain("old", store.now()) };
        let renewed = store.touch(&keys[1], versions[1].clone(), new.expires_at).await?;
        store.remove(&keys[2], versions[2].clone()).await?;
        let see = Observer::new(store, "the expiry of another record that was renewed");
        gone(&see, expiry, &[keys[0], keys[2], keys[3]]).await?;
        // The store may have removed the record before the renewal.
        if renewed {
            see.sees("a sweep of the others", &keys[1], None, &new).await?;
        }
        Ok(())
    }

    /// If `sweep` removes fewer records than its limit, no expired record is left, even if other
    /// records were renewed. The application then waits for the next interval.
    ///
    /// Continue with the next batch until the limit is reached or no expired record is left. Do not
    /// count entries of renewed records in an expiry index.
    async fn sweep_below_limit_leaves_no_expired_record(store) {
        let expiry = Era::Busy.moment();
        let mut renewed = Vec::new();
        for _ in 0..RENEWED {
            let entry = Entry::plain("old", store.now()).expiring_at(expiry);
            let (key, new) = (store.key(), Entry::plain("old", store.now()).expires_at);
            let version = store.create(&key, &entry).await?;
            if store.touch(&key, version, new).await? {
                renewed.push(key);
            }
        }
        let entry = Entry::plain("old", store.now()).expiring_at(expiry + Duration::from_secs(1));
        let few = [store.key(), store.key(), store.key()];
        for key in &few {
            store.create(key, &entry).await?;
        }
        let now = expiry + Duration::from_secs(1) + OVERDUE;
        all_gone(store, now, 3, &few).await?;
        let many = crowd(store, &entry, 1).await?;
        all_gone(store, now, 2 * many.len(), &many).await
    }

    /// A live record that was created under the key of an expired, removed or swept record is not
    /// swept. `load` returns the complete record with its own owner.
    ///
    /// Remove the entry of the expiry index together with the record, or compare the expiry of the
    /// record in the step that deletes. If `create` replaces an expired record, it must replace
    /// every field and the index entries.
    async fn recreated_record_is_not_swept(store) {
        for sample in few_samples(store) {
            let see = Observer::new(store, &sample.name);
            for ending in [Ending::None, Ending::Remove, Ending::Sweep] {
                recreate(&see, &sample, ending).await?;
            }
        }
        for polls in 1..=6 {
            recreate_during_sweep(store, polls).await?;
        }
        Ok(())
    }
}

/// More records than the limit of a sweep.
const SAME: usize = 7;

/// The removal of an expired record.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    None,
    Remove,
    Sweep,
}

/// Creates expired records of one kind, each by a different call.
async fn expire(
    store: &StoreUnderTest,
    sample: &Sample,
    expiry: SystemTime,
) -> Result<Vec<StoreKey>, Failure> {
    let (live, over) = (sample.entry(store), sample.entry(store).expiring_at(expiry));
    let keys = [store.key(), store.key(), store.key()];
    store.create(&keys[0], &over).await?;
    let version = store.create(&keys[1], &live).await?;
    let version = store.replaced(&keys[1], version, &over).await?;
    // The store may have removed the record, but the result is the same.
    let stale = never(&[version]);
    store.equal(Replaced::Stale, store.replace(&keys[1], stale, &live).await?)?;
    let version = store.create(&keys[2], &live).await?;
    store.touched(&keys[2], version.clone(), expiry).await?;
    let stale = match store.load(&keys[2]).await? {
        Some(record) => never(&[version, record.version()]),
        None => never(&[version]),
    };
    store.equal(false, store.touch(&keys[2], stale.clone(), live.expires_at).await?)?;
    store.equal(false, store.remove(&keys[2], stale).await?)?;
    Ok(keys.into())
}

/// Sweeps until none of the records is left. Fails if a record remains.
async fn gone(see: &Observer<'_>, expiry: SystemTime, keys: &[StoreKey]) -> Checked {
    // A sweep may skip a record that the sweep of another test is removing.
    for _ in 0..ATTEMPTS {
        swept(see.store, expiry + OVERDUE).await?;
        if left_of(see.store, keys).await? == 0 {
            break;
        }
    }
    for key in keys {
        see.sees_nothing("a sweep", key).await?;
    }
    Ok(())
}

/// Returns the number of these records that exist.
async fn left_of(store: &StoreUnderTest, keys: &[StoreKey]) -> Result<usize, Failure> {
    let mut left = 0;
    for key in keys {
        let loaded = store.store().load(key).await;
        left += usize::from(store.quietly("load", loaded)?.is_some());
    }
    Ok(left)
}

/// Creates a live record under the key of an expired record, and sweeps.
async fn recreate(see: &Observer<'_>, sample: &Sample, ending: Ending) -> Checked {
    let (store, expiry) = (see.store, Era::Busy.moment());
    let (key, new) = (store.key(), sample.entry(store));
    let old = Entry::plain("old", store.now()).owned_by("an old owner").expiring_at(expiry);
    let version = store.create(&key, &old).await?;
    let after = match ending {
        Ending::None => "create over an expired record",
        Ending::Remove => "remove of an expired record, and create",
        Ending::Sweep => "a sweep, and create",
    };
    match ending {
        Ending::None => (),
        // The store may already have removed the record.
        Ending::Remove => drop(store.remove(&key, version).await?),
        Ending::Sweep => gone(see, expiry, &[key]).await?,
    }
    let created = store.store().create(&key, &new.as_new()).await;
    let version = match created {
        // An expired record that is still stored may make `create` fail.
        Err(_) if ending == Ending::None => return Ok(()),
        created => store.note(
            format!("create({}, the new record)", store.name(&key)),
            created,
            |version| format!("version {}", version.get()),
        )?,
    };
    see.sees(after, &key, Some(version.clone()), &new).await?;
    swept(store, expiry + OVERDUE).await?;
    let after = format!("{after}, and a sweep");
    see.sees(&after, &key, Some(version.clone()), &new).await?;
    store.removed(&key, version).await
}

/// Removes an expired record during a sweep, after this number of polls of the sweep, and creates a
/// new record under the same key.
async fn recreate_during_sweep(store: &StoreUnderTest, polls: u32) -> Checked {
    let expiry = Era::Busy.moment();
    let (key, new) = (store.key(), Entry::plain("new", store.now()));
    let old = Entry::plain("old", store.now()).expiring_at(expiry);
    let version = store.create(&key, &old).await?;
    let sweeper = sweeper(store)?;
    let sweeping = sweeper.sweep(expiry + OVERDUE, 1000);
    let recreating = async {
        // The sweep or the store may have removed the record first.
        store.remove(&key, version).await?;
        store.create(&key, &new).await
    };
    let (swept, created) = overlap(sweeping, recreating, polls).await;
    store.note("meanwhile: sweep".to_owned(), swept, usize::to_string)?;
    let version = created?;
    store.expect_at(&key, version.clone(), &new).await?;
    store.removed(&key, version).await
}

/// The number of renewed records, which is more than the limit of a sweep.
const RENEWED: usize = 7;

/// Fails unless sweeps with this limit leave none of these expired records.
async fn all_gone(
    store: &StoreUnderTest,
    now: SystemTime,
    limit: usize,
    keys: &[StoreKey],
) -> Checked {
    let mut left = keys.len();
    // A sweep may skip a record that the sweep of another test is removing.
    for attempt in 1..=ATTEMPTS {
        sweep_all(store, now, limit).await?;
        left = keys.len() - missing(store, keys).await?;
        // The sweeps of other tests would hide that a single sweep stops early.
        if left == 0 || (attempt == 1 && store.moves_time()) {
            break;
        }
    }
    let seen = format!("{left} of the {} expired records are left", keys.len());
    store.equal(format!("0 of the {} expired records are left", keys.len()), seen)
}
