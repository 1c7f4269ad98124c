//! Rules of sweeps.

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind, time};
use crate::harness::store::overlap::overlap;
use crate::harness::store::renewal::Renewal;
use crate::harness::store::sweeps::{
    ATTEMPTS, Era, LIMIT, OVERDUE, SWEEPS, sweep, sweep_all, sweeper, swept,
};
use crate::macros::rules;
use crate::report::{Checked, Failure};
use session_core::store::{Replaced, StoreKey};
use std::time::{Duration, Instant, SystemTime};

rules! {
    ($) pub(crate) const SWEEPING, macro __store_sweeping, for StoreUnderTest;

    /// `sweep` removes the records whose expiry is more than five minutes before `now`, for any
    /// payload and owner. It may also remove any other record whose expiry is before `now`.
    ///
    /// Delete by the expiry alone (`DELETE … WHERE expires_at < ?`), in milliseconds. Delete all
    /// data that belongs to the record. If several machines share the store, subtract
    /// `MAX_CLOCK_SKEW` from `now`.
    async fn sweep_removes_expired_records(store) {
        let expiry = Era::Busy.moment();
        for kind in [Kind::Plain, Kind::Owned, Kind::Middling] {
            let (key, entry) = (store.key(), Entry::new(kind, "old", store.now()).expiring_at(expiry));
            store.create(&key, &entry).await?;
            // This sweep may skip a record that the sweep of another test is removing.
            for _ in 0..ATTEMPTS {
                swept(store, expiry + OVERDUE).await?;
                if store.load(&key).await?.is_none() {
                    break;
                }
            }
            store.expect_nothing(&key).await?;
        }
        Ok(())
    }

    /// `sweep` does not remove a record that has not expired, regardless of its age.
    ///
    /// Compare only the expiry with `now`, as numbers in the same unit. Do not compare the creation
    /// time, and do not compare times as text.
    async fn sweep_keeps_live_records(store) {
        let mut living = Vec::new();
        for kind in [Kind::Plain, Kind::Owned, Kind::Middling] {
            let created_at = store.now() - Duration::from_hours(24 * 30);
            let entry = Entry { created_at, ..Entry::new(kind, "alive", store.now()) };
            let key = store.key();
            living.push((key, store.create(&key, &entry).await?, entry));
        }
        swept(store, store.now()).await?;
        for (key, version, entry) in living {
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }

    /// `sweep` does not remove a live record that was created many years ago.
    ///
    /// A session that is renewed repeatedly has no maximum age. Compare only the expiry.
    async fn sweep_keeps_live_records_of_many_years(store) {
        const YEAR: Duration = Duration::from_hours(24 * 365);
        let mut living = Vec::new();
        for (years, kind) in [(2, Kind::Plain), (5, Kind::Owned), (20, Kind::Middling)] {
            let created_at = store.now() - years * YEAR;
            let entry = Entry { created_at, ..Entry::new(kind, "old", store.now()) };
            let key = store.key();
            living.push((key, store.create(&key, &entry).await?, entry));
        }
        swept(store, store.now()).await?;
        for (key, version, entry) in living {
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }

    /// `sweep` does not remove a record whose expiry is exactly `now`, because the record is still
    /// valid at this time.
    ///
    /// Compare with `<`, not `<=`. Use the argument `now`, not the clock of the store.
    async fn sweep_keeps_record_that_expires_now(store) {
        survives_sweep(store, Duration::ZERO, Duration::ZERO).await
    }

    /// `sweep` does not remove a record that expires later in the same second as `now`.
    ///
    /// Compare milliseconds. Do not round `now` up, or the expiry down, to whole seconds.
    async fn sweep_keeps_record_of_same_second(store) {
        // Another rule reports a store that loses fractions of seconds.
        if store.is_rough().await? {
            return Ok(());
        }
        survives_sweep(store, Duration::from_millis(400), Duration::from_millis(700)).await
    }

    /// `sweep` removes at most `limit` records, and none with a limit of 0.
    ///
    /// Limit the deletion itself (`DELETE … WHERE key IN (SELECT … LIMIT ?)`). Some databases
    /// interpret 0 as "no limit". If the store removes records in batches, limit the last batch.
    async fn sweep_removes_at_most_its_limit(store) {
        for (limit, count) in [(0, 5), (1, 5), (3, 5), (110, 230)] {
            let mut attempts = 0;
            while let Some(wrong) = disobeys(store, limit, count).await? {
                attempts += 1;
                if attempts == ATTEMPTS {
                    return Err(wrong);
                }
            }
        }
        Ok(())
    }

    /// `sweep` returns the number of removed records.
    ///
    /// Return the total number of records of all batches, not whether any record was removed. A
    /// result equal to the limit means that more expired records may exist.
    async fn sweep_returns_number_of_removed_records(store) {
        for attempt in 1..=ATTEMPTS {
            let (expiry, keys) = expired(store, 5).await?;
            if count(store, &keys).await? < keys.len() {
                continue;
            }
            let said = sweep(store, expiry + OVERDUE, LIMIT).await?;
            let gone = keys.len().saturating_sub(count(store, &keys).await?);
            if said >= gone {
                break;
            }
            if attempt == ATTEMPTS {
                return Err(store.failure(format!("at least {gone}, the number of removed records"), said.to_string()));
            }
        }
        Ok(())
    }

    /// If no expired record is left, `sweep` returns a number below its limit. Otherwise a loop of
    /// sweeps would not end.
    ///
    /// Count the removed records, not the examined records.
    async fn repeated_sweeps_finish(store) {
        let expiry = Era::Busy.moment();
        for seconds in 0..3 {
            let expiry = expiry - Duration::from_secs(seconds);
            store.create(&store.key(), &Entry::plain("old", store.now()).expiring_at(expiry)).await?;
        }
        for _ in 0..SWEEPS {
            if sweep(store, expiry + OVERDUE, 2).await? < 2 {
                return Ok(());
            }
        }
        Err(store.failure("less than 2, because no expired record is left", format!("2, {SWEEPS} times in a row")))
    }

    /// If a touch or a replace extends the expiry of a record before or during a sweep, the sweep
    /// does not remove the record.
    ///
    /// Compare version and expiry in the step that deletes. If you first collect the expired keys,
    /// delete each record only at the version that you read. Update an expiry index in `touch` and
    /// `replace`.
    async fn renewed_record_is_not_swept(store) {
        for renewal in Renewal::ALL {
            renew_before_a_sweep(store, renewal).await?;
        }
        let begun = Instant::now();
        for round in 0..ROUNDS {
            let renewal = if round % 2 == 0 { Renewal::Touch } else { Renewal::Replace };
            renew_during_a_sweep(store, renewal, 1 + round / 2 % 6).await?;
            if begun.elapsed() > LONG_ENOUGH {
                break;
            }
        }
        Ok(())
    }

    /// A swept record is removed as by `remove`. `replace`, `touch` and `remove` at its version
    /// change nothing, and `create` succeeds again for its key.
    ///
    /// Delete the record. No call may match the old version. A deletion marker must not prevent a
    /// `create`.
    async fn swept_record_stays_removed(store) {
        let expiry = Era::Busy.moment();
        let (key, entry) = (store.key(), Entry::plain("old", store.now()).expiring_at(expiry));
        let version = store.create(&key, &entry).await?;
        swept(store, expiry + OVERDUE + Duration::from_mins(1)).await?;
        let new = Entry::plain("new", store.now());
        store.equal(Replaced::Stale, store.replace(&key, version.clone(), &new).await?)?;
        store.equal(false, store.touch(&key, version.clone(), new.expires_at).await?)?;
        store.equal(false, store.remove(&key, version).await?)?;
        store.expect_nothing(&key).await?;
        let version = store.create(&key, &new).await?;
        store.expect_at(&key, version, &new).await
    }

    /// `sweep` finds expired records among any number of live records, even if the number of live
    /// records exceeds its limit.
    ///
    /// Limit the number of removed records, not the number of examined records.
    async fn sweep_finds_expired_among_live_records(store) {
        let expiry = Era::Busy.moment();
        let mut live = Vec::new();
        for _ in 0..LIVE {
            let (key, entry) = (store.key(), Entry::plain("live", store.now()));
            live.push((key, store.create(&key, &entry).await?));
        }
        let keys = [store.key(), store.key(), store.key()];
        for (key, seconds) in keys.iter().zip(0..) {
            let expiry = expiry - Duration::from_secs(seconds);
            let entry = Entry::plain("old", store.now()).expiring_at(expiry);
            store.create(key, &entry).await?;
        }
        let mut left = keys.len();
        // A sweep may skip a record that the sweep of another test is removing.
        for _ in 0..ATTEMPTS {
            sweep_all(store, expiry + OVERDUE, 5).await?;
            left = count(store, &keys).await?;
            if left == 0 {
                break;
            }
        }
        for (key, version) in live {
            store.removed(&key, version).await?;
        }
        store.equal("0 of the 3 expired records", &*format!("{left} of the 3 expired records"))
    }

    /// `sweep` accepts the largest limit, `usize::MAX`.
    ///
    /// If the limit does not fit into the integer type of the database, use the largest value of
    /// this type.
    async fn sweep_accepts_largest_limit(store) {
        let expiry = Era::Busy.moment();
        let key = store.key();
        store.create(&key, &Entry::plain("old", store.now()).expiring_at(expiry)).await?;
        for _ in 0..ATTEMPTS {
            sweep(store, expiry + OVERDUE, usize::MAX).await?;
            if store.load(&key).await?.is_none() {
                break;
            }
        }
        store.expect_nothing(&key).await
    }

    /// `sweep` counts each record once.
    ///
    /// Count records, not their entries in an index.
    async fn sweep_counts_each_record_once(store) {
        for attempt in 1..=ATTEMPTS {
            let (expiry, keys) = expired(store, 5).await?;
            sweep_all(store, expiry, LIMIT).await?;
            let before = count(store, &keys).await?;
            let said = sweep(store, expiry + OVERDUE, LIMIT).await?;
            // Without a manual clock, the sweep may also remove records of other tests.
            if said <= before || !store.moves_time() {
                break;
            }
            if attempt == ATTEMPTS {
                return Err(store.failure(format!("at most {before}, because no more had expired"), said.to_string()));
            }
        }
        Ok(())
    }
}

/// Fails if a sweep removes a record that has not expired. `now` and `expiry` are offsets from a
/// whole second.
async fn survives_sweep(store: &StoreUnderTest, now: Duration, expiry: Duration) -> Checked {
    for attempt in 1..=ATTEMPTS {
        let second = Era::Quiet.moment();
        let entry = Entry::plain("last moment", store.now()).expiring_at(second + expiry);
        let key = store.key();
        store.create(&key, &entry).await?;
        if store.load(&key).await?.is_none() {
            continue;
        }
        swept(store, second + now).await?;
        match store.expect(&key, &entry).await {
            Err(failure) if attempt == ATTEMPTS => return Err(failure),
            Err(_) => (),
            Ok(_) => break,
        }
    }
    Ok(())
}

const ROUNDS: u32 = 40;

/// The time after which no further round starts.
const LONG_ENOUGH: Duration = Duration::from_secs(4);

/// Creates expired records that have the same expiry.
async fn expired(
    store: &StoreUnderTest,
    count: usize,
) -> Result<(SystemTime, Vec<StoreKey>), Failure> {
    let expiry = Era::Quiet.moment();
    let entry = Entry::plain("old", store.now()).expiring_at(expiry);
    let mut keys = Vec::new();
    for _ in 0..count {
        let key = store.key();
        store.create(&key, &entry).await?;
        keys.push(key);
    }
    Ok((expiry, keys))
}

/// Returns a failure if a sweep of expired records exceeds its limit. Another sweep at the same
/// time can cause a false failure.
async fn disobeys(
    store: &StoreUnderTest,
    limit: usize,
    created: usize,
) -> Result<Option<Failure>, Failure> {
    let (expiry, keys) = expired(store, created).await?;
    swept(store, expiry).await?;
    let there = count(store, &keys).await?;
    let said = sweep(store, expiry + OVERDUE, limit).await?;
    let gone = there.saturating_sub(count(store, &keys).await?);
    swept(store, expiry + OVERDUE).await?;
    if said > limit {
        return Err(store.failure(format!("at most {limit}"), said.to_string()));
    }
    let seen =
        format!("the result is {said}, and {gone} of the {created} expired records are removed");
    Ok((gone > limit).then(|| store.failure(format!("at most {limit} removed"), seen)))
}

/// Returns the number of `keys` that have a record.
async fn count(store: &StoreUnderTest, keys: &[StoreKey]) -> Result<usize, Failure> {
    let mut there = 0;
    for key in keys {
        there += usize::from(store.load(key).await?.is_some());
    }
    Ok(there)
}

async fn renew_before_a_sweep(store: &StoreUnderTest, renewal: Renewal) -> Checked {
    let expiry = Era::Busy.moment();
    let (key, old) = (store.key(), Entry::plain("old", store.now()).expiring_at(expiry));
    // A touch does not change the creation time.
    let new = Entry { created_at: old.created_at, ..Entry::plain("old", store.now()) };
    let version = store.create(&key, &old).await?;
    let renewed = renewal.try_renew(store, &key, version, &new).await?;
    swept(store, expiry + OVERDUE).await?;
    // Another sweep, or the store itself, may have removed the record before the renewal.
    if renewed {
        store.expect(&key, &new).await.map(|_| ())
    } else {
        store.expect_nothing(&key).await
    }
}

/// Renews a record during a sweep, after `polls` polls of the sweep.
async fn renew_during_a_sweep(store: &StoreUnderTest, renewal: Renewal, polls: u32) -> Checked {
    let expiry = Era::Busy.moment();
    let (key, old) = (store.key(), Entry::plain("old", store.now()).expiring_at(expiry));
    // A touch does not change the creation time.
    let new = Entry { created_at: old.created_at, ..Entry::plain("old", store.now()) };
    let version = store.create(&key, &old).await?;
    let sweeper = sweeper(store)?;
    let sweeping = sweeper.sweep(expiry + OVERDUE, LIMIT);
    let (removed, renewed) =
        overlap(sweeping, renewal.try_renew(store, &key, version, &new), polls).await;
    store.note(
        format!("meanwhile: sweep({}, up to {LIMIT})", time("at", expiry + OVERDUE)),
        removed,
        usize::to_string,
    )?;
    if renewed? {
        store.expect(&key, &new).await.map(|_| ())
    } else {
        store.expect_nothing(&key).await
    }
}

/// The number of live records, which exceeds the limit of a sweep.
const LIVE: usize = 40;
