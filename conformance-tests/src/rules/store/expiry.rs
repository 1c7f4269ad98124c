//! Rules of the removal of expired records.

use std::time::{Duration, SystemTime};

use session_core::store::{Replaced, StoreKey};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind, describe};
use crate::harness::store::expired::{ExpiredRead, ExpiredWrite, read_expired};
use crate::harness::store::observer::Observer;
use crate::harness::store::renewal::Renewal;
use crate::harness::store::values::{never, someone, whole_second};
use crate::harness::store::waiting::{Attempts, expiry_to_watch, pass_until};
use crate::macros::rules;
use crate::report::{Checked, Failure};

rules! {
    ($) pub(crate) const EXPIRY, macro __store_expiry, for StoreUnderTest;

    /// A record is never removed before its expiry. Until its expiry, and at exactly this time,
    /// `load`, `replace`, `touch` and `remove` find the record.
    ///
    /// Remove a record only if `expiry < now`. Compare milliseconds, and read `now` from a clock
    /// that the servers share. Round up a time to live in whole seconds. A store may remove a
    /// record a few seconds late.
    async fn record_is_there_until_its_expiry(store) {
        for life in LIVES {
            if lives_to_its_expiry(store, life).await? {
                return if store.moves_time() { lives_to_its_expiry(store, HUNDRED_DAYS).await.map(drop) } else { Ok(()) };
            }
        }
        Err(too_slow(store))
    }

    /// After a `touch` to a later expiry, the record is still stored after its first expiry.
    ///
    /// If `renewed_record_is_not_swept` also fails, fix that rule first, because a sweep of another
    /// test may have removed the record. If the store removes records by a time to live (`EXPIRE`,
    /// a TTL index, an expiry column), also set this time in `touch`.
    async fn record_outlives_first_expiry_after_touch(store) {
        for life in FIRST_LIVES {
            if outlives_its_first_expiry(store, life, Renewal::Touch).await? {
                return Ok(());
            }
        }
        Err(too_slow(store))
    }

    /// After a `replace` with a later expiry, the record is still stored after its first expiry.
    ///
    /// If `renewed_record_is_not_swept` also fails, fix that rule first, because a sweep of another
    /// test may have removed the record. If the store removes records by a time to live, also set
    /// this time in `replace`. Do not use `KEEPTTL`. Write an expiry column together with the
    /// record.
    async fn record_outlives_first_expiry_after_replace(store) {
        for life in FIRST_LIVES {
            if outlives_its_first_expiry(store, life, Renewal::Replace).await? {
                return Ok(());
            }
        }
        Err(too_slow(store))
    }

    /// The store or a sweep removes a record some time after its expiry. This includes a record
    /// that had already expired when it was written.
    ///
    /// Use the expiry of the backend (`PXAT`, a TTL index), or implement `Sweep` and pass `sweep`
    /// to the suite. A time to live of zero must not mean "never". List this rule in `except` if
    /// the backend takes longer than ten seconds to remove records.
    async fn expired_record_is_removed(store) {
        let soon = expiry_to_watch(store);
        for expires_at in [soon, soon - Duration::from_hours(1)] {
            let key = store.key();
            store.create(&key, &Entry::plain("goes", store.now()).expiring_at(expires_at)).await?;
            goes_after(store, &key, expires_at).await?;
        }
        Ok(())
    }

    /// If `create` replaces an expired record, `load` returns the complete new record, with its own
    /// creation time and owner.
    ///
    /// Write every field, as for a key that was never used.
    async fn record_over_expired_one_is_whole(store) {
        let now = store.now();
        let old = Entry { created_at: now - Duration::from_hours(2), ..Entry::plain("old", now) };
        let old = old.owned_by(&someone("bob")).expiring_at(now - JUST);
        let new = Entry::plain("new", now);
        for new in [new.clone().owned_by(&someone("ada")), new] {
            let key = store.key();
            store.create(&key, &old).await?;
            // An expired record that is still stored may make `create` fail.
            let created = store.store().create(&key, &new.as_new()).await;
            store.calls().note(format!("create({}, \"new\") = {created:?}", store.name(&key)));
            if let Ok(version) = created {
                let see = Observer::new(store, "a key that had an expired record");
                see.sees("create", &key, Some(version), &new).await?;
            }
        }
        Ok(())
    }

    /// A call on an expired record that is still stored has the effect that its result reports.
    /// After `Done` or `true`, the change is complete. A call at another version changes nothing.
    ///
    /// Treat an expired record like any other record, or like a removed record. Do not return
    /// `Done` for a record that is not written completely. Also compare the version of an expired
    /// record.
    async fn call_on_expired_record_does_what_it_returns(store) {
        let now = store.now();
        let over = Entry::plain("over", now).expiring_at(now - JUST);
        let live = Entry { created_at: now - Duration::from_hours(2), ..Entry::plain("live", now) };
        let live = live.owned_by(&someone("ada"));
        let key = store.key();
        let version = store.create(&key, &over).await?;
        if let Replaced::Done(version) = store.replace(&key, version, &live).await? {
            store.expect_at(&key, version, &live).await?;
        }
        let key = store.key();
        let version = store.create(&key, &over).await?;
        if store.touch(&key, version, live.expires_at).await? {
            store.expect(&key, &over.clone().expiring_at(live.expires_at)).await?;
        }
        let key = store.key();
        let version = store.create(&key, &over).await?;
        if store.remove(&key, version).await? {
            store.expect_nothing(&key).await?;
        }
        let key = store.key();
        let other = never(&[store.create(&key, &over).await?]);
        store.equal(Replaced::Stale, store.replace(&key, other.clone(), &live).await?)?;
        store.equal(false, store.touch(&key, other.clone(), live.expires_at).await?)?;
        store.equal(false, store.remove(&key, other).await?)
    }

    /// A call that reads an expired record does not remove a newer record that another call writes
    /// at the same time.
    ///
    /// If a read removes an expired record, remove the record only at the version that was read.
    /// Preferably, remove expired records only in a sweep.
    async fn read_of_expired_record_removes_no_newer_one(store) {
        for read in ExpiredRead::ALL {
            for write in ExpiredWrite::ALL {
                for polls in 1..=3 {
                    read_expired(store, read, write, polls).await?;
                }
            }
        }
        Ok(())
    }

    /// If `touch` or `replace` sets an earlier expiry, the record is removed some time after the
    /// new expiry.
    ///
    /// Set the time to live even if the new time is shorter (no `GT` option, no `MAX`). If
    /// `expired_record_is_removed` also fails, fix that rule first.
    async fn record_with_earlier_expiry_is_removed(store) {
        for renewal in Renewal::ALL {
            let (key, entry) = (store.key(), Entry::plain("goes", store.now()));
            let version = store.create(&key, &entry.clone().expiring_at(store.now() + HUNDRED_DAYS)).await?;
            let soon = expiry_to_watch(store);
            renewal.renew(store, &key, version, &entry.expiring_at(soon)).await?;
            goes_after(store, &key, soon).await?;
        }
        Ok(())
    }

    /// A record that was removed after its expiry stays removed. `replace`, `touch` and `remove` at
    /// its version change nothing.
    ///
    /// Remove the version together with the record. A request that opened the session before its
    /// expiry must not revive the session.
    async fn expired_record_stays_removed(store) {
        let soon = expiry_to_watch(store);
        let (key, entry) = (store.key(), Entry::plain("goes", store.now()).expiring_at(soon));
        let version = store.create(&key, &entry).await?;
        // A store with a manual clock can remove the record itself, before any sweep.
        if store.moves_time() {
            store.pass(Duration::from_hours(24)).await;
        }
        goes_after(store, &key, soon).await?;
        let late = Entry::plain("late", store.now());
        store.equal(Replaced::Stale, store.replace(&key, version.clone(), &late).await?)?;
        store.equal(false, store.touch(&key, version.clone(), late.expires_at).await?)?;
        store.equal(false, store.remove(&key, version).await?)?;
        store.expect_nothing(&key).await
    }
}

/// The time since the expiry of a record that may still be stored.
const JUST: Duration = Duration::from_secs(1);

/// Lifetimes of a record that is watched until its expiry. Each lifetime is for a store that is too
/// slow for the previous lifetime.
const LIVES: [Duration; 3] =
    [Duration::from_millis(950), Duration::from_millis(4950), Duration::from_millis(14_950)];

/// Lifetimes of a record whose expiry is extended before the record expires.
const FIRST_LIVES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];

/// More milliseconds than 32 bits can represent.
const HUNDRED_DAYS: Duration = Duration::from_hours(24 * 100);

/// Watches three records of each kind until their expiry. Two of these records expire at the end of
/// a second. Returns `false` if the store was too slow.
async fn lives_to_its_expiry(store: &StoreUnderTest, life: Duration) -> Result<bool, Failure> {
    let first = store.now() + life;
    let second = whole_second(first) + Duration::from_nanos(999_999_999);
    let mut watched = Vec::new();
    let renewals =
        [(first, Some(Renewal::Replace)), (second, Some(Renewal::Touch)), (second, None)];
    let kinds = renewals.into_iter().flat_map(|renewal| Kind::SMALL.map(|kind| (renewal, kind)));
    for ((expires_at, renewal), kind) in kinds {
        let (key, entry) =
            (store.key(), Entry::new(kind, "lives", store.now()).expiring_at(expires_at));
        let version = store.create(&key, &entry).await?;
        watched.push((key, entry, version, renewal));
    }
    // With a real clock, the call also takes some time.
    let moments = if store.moves_time() {
        vec![Duration::from_millis(1), Duration::ZERO]
    } else {
        vec![life * 9 / 20]
    };
    for (key, entry, version, renewal) in watched {
        let found = async {
            for before in &moments {
                pass_until(store, entry.expires_at - *before).await;
                store.equal(version.clone(), store.expect_version(&key).await?)?;
            }
            let later = entry.clone().expiring_at(entry.expires_at + Duration::from_hours(1));
            match renewal {
                Some(renewal) => renewal.renew(store, &key, version, &later).await,
                None => store.removed(&key, version).await,
            }
        };
        let found = found.await;
        if store.now() > entry.expires_at && found.is_err() {
            return Ok(false);
        }
        found?;
    }
    Ok(true)
}

/// Extends an expiry and loads the record after the first expiry. Returns `false` if the store was
/// too slow.
async fn outlives_its_first_expiry(
    store: &StoreUnderTest,
    life: Duration,
    renewal: Renewal,
) -> Result<bool, Failure> {
    let first = store.now() + life;
    let (key, entry) = (store.key(), Entry::plain("lives", store.now()));
    let version = store.create(&key, &entry.clone().expiring_at(first)).await?;
    let renewed = renewal.renew(store, &key, version, &entry).await;
    if store.now() > first && renewed.is_err() {
        return Ok(false);
    }
    renewed?;
    let after =
        if store.moves_time() { Duration::from_mins(10) } else { Duration::from_millis(700) };
    pass_until(store, first + after).await;
    store.expect(&key, &entry).await?;
    Ok(true)
}

/// Waits until the record is removed, at most a day with a manual clock or nine seconds with a real
/// clock.
async fn goes_after(store: &StoreUnderTest, key: &StoreKey, expires_at: SystemTime) -> Checked {
    pass_until(store, expires_at + Duration::from_millis(2)).await;
    let (name, mut attempts) = (store.name(key), Attempts::new(store));
    let left = loop {
        attempts.sweep().await?;
        let loaded = store.store().load(key).await;
        let record = store.quietly(&format!("load({name})"), loaded)?;
        if record.is_none() || !attempts.has_next().await {
            break record;
        }
    };
    let swept = if store.sweeper().is_some() { ", sweep(now, 1000)" } else { "" };
    let time = attempts.time;
    store
        .calls()
        .note(format!("-- until it was removed, or {time:?} have passed: load({name}){swept} --"));
    match left {
        None => Ok(()),
        Some(record) => {
            Err(store.failure("None, some time after the expiry", describe(record.payload())))
        }
    }
}

fn too_slow(store: &StoreUnderTest) -> Failure {
    store.failure(
        "the calls before the record's expiry returned within 15 s",
        "the calls took longer each time",
    )
}
