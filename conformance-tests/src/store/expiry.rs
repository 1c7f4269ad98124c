//! Rules of expiry: it is stored exactly, and a record is removed after it and not before.

use std::time::{Duration, SystemTime};

use session_core::Error;
use session_core::store::{MAX_CLOCK_SKEW, Record, StoreKey, Version};

use super::StoreUnderTest;
use super::bytes::whole_second;
use super::entry::{Entry, describe};
use crate::Failure;
use crate::failure::Checked;
use crate::rule::rules;

/// Lifetimes of a record that is watched until its expiry. The next one is for a store that is too
/// slow for the first.
const LIVES: [Duration; 3] =
    [Duration::from_millis(950), Duration::from_millis(4950), Duration::from_millis(14_950)];

/// Lifetimes of a record whose expiry is extended in time.
const FIRST_LIVES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15)];

/// More milliseconds than 32 bits can represent.
const HUNDRED_DAYS: Duration = Duration::from_hours(24 * 100);

/// More seconds after 1970 than 32 bits can represent.
const HUNDRED_YEARS: Duration = Duration::from_hours(24 * 365 * 100);

/// The last second of the year 9999, which the engine writes for a session that never expires.
const NEVER: Duration = Duration::from_secs(253_402_300_799);

/// A day, for a store with a manual clock to remove an expired record.
const MINUTE_BY_MINUTE: (Duration, u32) = (Duration::from_mins(1), 24 * 60);

/// Some seconds, for a store with a real clock.
const STEP_BY_STEP: (Duration, u32) = (Duration::from_millis(75), 120);

rules! {
    ($) pub(crate) const EXPIRY, macro __store_expiry, for StoreUnderTest;

    /// `create`, `replace` and `touch` store an expiry exactly to the millisecond, and never an
    /// earlier one.
    ///
    /// Store milliseconds as a 64-bit integer (no float, no whole seconds). Round finer times up.
    async fn an_expiry_is_kept_to_the_millisecond_and_never_earlier(store) {
        let second = whole_second(store.now()) + Duration::from_hours(1);
        for nanoseconds in [1_000_000, 999_000_000, 999_600_000, 123_456_789] {
            is_kept(store, second + Duration::from_nanos(nanoseconds), true).await?;
        }
        Ok(())
    }

    /// An expiry in the distant future is stored like any other: in a hundred years, and at the end
    /// of the year 9999, which the engine writes for a session that never expires.
    ///
    /// Use 64-bit milliseconds. 32-bit seconds overflow in 2038 or 2106, and 64-bit nanoseconds in
    /// 2262.
    async fn an_expiry_far_away_is_kept(store) {
        for expires_at in [store.now() + HUNDRED_YEARS, SystemTime::UNIX_EPOCH + NEVER] {
            is_kept(store, expires_at, false).await?;
        }
        Ok(())
    }

    /// `create`, `replace` and `touch` accept an expiry in the past without an error. The record is
    /// then there unchanged, or it is gone.
    ///
    /// Do not fail if the remaining time is zero or negative. Store the record and remove it later,
    /// or remove it at once. The call returns the same as with a later expiry.
    async fn an_expiry_that_has_come_is_taken(store) {
        for ago in [Duration::ZERO, Duration::from_millis(1), Duration::from_hours(1)] {
            let expires_at = store.now() - ago;
            let created_at = expires_at - Duration::from_hours(1);
            let live = Entry { created_at, ..Entry::plain("live", store.now()) };
            let over = Entry { created_at, ..Entry::plain("over", store.now()) }.expiring_at(expires_at);

            let key = store.key();
            store.create(&key, &over).await?;
            is_as_given_or_gone(store, &key, &over).await?;

            let key = store.key();
            let version = store.create(&key, &live).await?;
            store.replaced(&key, version, &over).await?;
            is_as_given_or_gone(store, &key, &over).await?;

            let key = store.key();
            let version = store.create(&key, &live).await?;
            store.touched(&key, version, expires_at).await?;
            is_as_given_or_gone(store, &key, &live.expiring_at(expires_at)).await?;
        }
        Ok(())
    }

    /// A record is never removed before its expiry. Until then, and at that exact time, `load`
    /// returns it, and `replace` and `touch` find it.
    ///
    /// Remove a record if its expiry is `<` now, by a clock that the servers share, in
    /// milliseconds. Round a time to live in whole seconds up. A store may remove a record some
    /// seconds late.
    async fn nothing_is_dropped_before_its_expiry(store) {
        for life in LIVES {
            if lives_to_its_expiry(store, life).await? {
                return if store.moves_time() { lives_to_its_expiry(store, HUNDRED_DAYS).await.map(drop) } else { Ok(()) };
            }
        }
        Err(too_slow(store))
    }

    /// After a `touch` to a later expiry, the record outlives its first expiry.
    ///
    /// If the store removes records by a time to live (`EXPIRE`, a TTL index, an expiry column),
    /// set it in `touch` too.
    async fn a_touch_that_puts_the_expiry_off_keeps_the_record(store) {
        for life in FIRST_LIVES {
            if outlives_its_first_expiry(store, life, Renewal::Touch).await? {
                return Ok(());
            }
        }
        Err(too_slow(store))
    }

    /// After a `replace` with a later expiry, the record outlives its first expiry.
    ///
    /// If the store removes records by a time to live, set it in `replace` too. Do not use
    /// `KEEPTTL`, and write an expiry column together with the record.
    async fn a_replace_that_puts_the_expiry_off_keeps_the_record(store) {
        for life in FIRST_LIVES {
            if outlives_its_first_expiry(store, life, Renewal::Replace).await? {
                return Ok(());
            }
        }
        Err(too_slow(store))
    }

    /// A record is removed some time after its expiry, by the store or by a sweep, even if it had
    /// expired when it was written.
    ///
    /// Let the backend expire it (`PXAT`, a TTL index), or implement `Sweep` and pass `sweep` to
    /// the suite. A time to live of zero must not mean "never". Except this rule for a backend that
    /// takes longer than ten seconds to remove records.
    async fn a_record_goes_after_its_expiry(store) {
        let soon = expiry_to_watch(store);
        for expires_at in [soon, soon - Duration::from_hours(1)] {
            let key = store.key();
            store.create(&key, &Entry::plain("goes", store.now()).expiring_at(expires_at)).await?;
            goes_after(store, &key, expires_at).await?;
        }
        Ok(())
    }

    /// A record whose expiry was moved to an earlier time, by `touch` or by `replace`, is removed
    /// some time after the new expiry.
    ///
    /// Set the time to live even if the new one is shorter (no `GT` option, no `MAX`). If
    /// `a_record_goes_after_its_expiry` fails too, fix that rule first.
    async fn a_record_goes_after_an_expiry_that_was_brought_forward(store) {
        for renewal in [Renewal::Touch, Renewal::Replace] {
            let (key, entry) = (store.key(), Entry::plain("goes", store.now()));
            let version = store.create(&key, &entry.clone().expiring_at(store.now() + HUNDRED_DAYS)).await?;
            let soon = expiry_to_watch(store);
            renewal.renew(store, &key, version, &entry.expiring_at(soon)).await?;
            goes_after(store, &key, soon).await?;
        }
        Ok(())
    }
}

/// A call that sets another expiry.
#[derive(Clone, Copy)]
enum Renewal {
    Touch,
    Replace,
}

impl Renewal {
    async fn renew(
        self,
        store: &StoreUnderTest,
        key: &StoreKey,
        at: Version,
        entry: &Entry,
    ) -> Checked {
        match self {
            Self::Touch => store.touched(key, at, entry.expires_at).await,
            Self::Replace => store.replaced(key, at, entry).await.map(|_| ()),
        }
    }
}

/// Fails unless `create`, `replace` and `touch` store the expiry. Removes the record afterwards.
async fn is_kept(store: &StoreUnderTest, expires_at: SystemTime, exactly: bool) -> Checked {
    let (key, soon) = (store.key(), Entry::plain("soon", whole_second(store.now())));
    let entry = Entry::plain("kept", whole_second(store.now())).expiring_at(expires_at);
    let version = store.create(&key, &entry).await?;
    store.expect_at(&key, version, &entry).await?;
    if exactly {
        store.expect_exactly(&key, &entry).await?;
    }
    let version = store.replaced(&key, version, &soon).await?;
    let version = store.replaced(&key, version, &entry).await?;
    store.expect_at(&key, version, &entry).await?;
    if exactly {
        store.expect_exactly(&key, &entry).await?;
    }
    let version = store.replaced(&key, version, &soon).await?;
    store.touched(&key, version, expires_at).await?;
    let touched = soon.expiring_at(expires_at);
    let record = store.expect(&key, &touched).await?;
    if exactly {
        store.expect_exactly(&key, &touched).await?;
    }
    store.remove(&key, record.version()).await?;
    Ok(())
}

/// Fails unless there is no record or this one. Another rule checks its exact times.
async fn is_as_given_or_gone(store: &StoreUnderTest, key: &StoreKey, entry: &Entry) -> Checked {
    let Some(record) = store.load(key).await? else { return Ok(()) };
    let away = record
        .expires_at()
        .duration_since(entry.expires_at)
        .unwrap_or_else(|earlier| earlier.duration());
    let expires_at =
        if away < Duration::from_secs(1) { record.expires_at() } else { entry.expires_at };
    let given = Entry { created_at: record.created_at(), expires_at, ..entry.clone() };
    match given.difference(&record) {
        None => Ok(()),
        Some((expected, seen)) => Err(store.failure(format!("None, or {expected}"), seen)),
    }
}

/// Watches two records until their expiry. The second one expires at the end of a second. Returns
/// `false` if the store was too slow.
async fn lives_to_its_expiry(store: &StoreUnderTest, life: Duration) -> Result<bool, Failure> {
    let first = store.now() + life;
    let second = whole_second(first) + Duration::from_nanos(999_999_999);
    let mut watched = Vec::new();
    for (expires_at, renewal) in [(first, Renewal::Replace), (second, Renewal::Touch)] {
        let (key, entry) =
            (store.key(), Entry::plain("lives", store.now()).expiring_at(expires_at));
        let version = store.create(&key, &entry).await?;
        watched.push((key, entry, version, renewal));
    }
    // With a real clock, the call takes some time too.
    let moments = if store.moves_time() {
        vec![Duration::from_millis(1), Duration::ZERO]
    } else {
        vec![life * 9 / 20]
    };
    for (key, entry, version, renewal) in watched {
        let found = async {
            for before in &moments {
                pass_until(store, entry.expires_at - *before).await;
                store.equal(version, store.expect_version(&key).await?)?;
            }
            let later = entry.clone().expiring_at(entry.expires_at + Duration::from_hours(1));
            renewal.renew(store, &key, version, &later).await
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

/// Returns an expiry after which the store removes a record in the time of a rule.
///
/// A sweep may keep a record for five minutes. With a real clock, these minutes have passed.
fn expiry_to_watch(store: &StoreUnderTest) -> SystemTime {
    if store.sweeper().is_some() && !store.moves_time() {
        store.now() - MAX_CLOCK_SKEW
    } else {
        store.now() + Duration::from_millis(500)
    }
}

/// Waits until the record is removed: a day with a manual clock, some seconds with a real one.
async fn goes_after(store: &StoreUnderTest, key: &StoreKey, expires_at: SystemTime) -> Checked {
    let (step, steps) = if store.moves_time() { MINUTE_BY_MINUTE } else { STEP_BY_STEP };
    pass_until(store, expires_at + Duration::from_millis(2)).await;
    let mut record = still_there(store, key).await?;
    for _ in 0..steps {
        if record.is_none() {
            break;
        }
        store.pass_unnoted(step).await;
        record = still_there(store, key).await?;
    }
    let name = store.name(key);
    let swept = if store.sweeper().is_some() { ", sweep(now, 1000)" } else { "" };
    let time = step * steps;
    store
        .calls()
        .note(format!("-- until it is gone, or {time:?} have passed: load({name}){swept} --"));
    match record {
        None => Ok(()),
        Some(record) => {
            Err(store.failure("None, some time after the expiry", describe(record.payload())))
        }
    }
}

/// Loads the record after a sweep at the current time. Others may share the store, so no other time
/// is used.
async fn still_there(store: &StoreUnderTest, key: &StoreKey) -> Result<Option<Record>, Failure> {
    if let Some(sweep) = store.sweeper() {
        quietly(store, "sweep(now, 1000)".to_owned(), sweep.sweep(store.now(), 1000).await)?;
    }
    quietly(store, format!("load({})", store.name(key)), store.store().load(key).await)
}

/// Records the call only if it failed.
fn quietly<T>(
    store: &StoreUnderTest,
    call: String,
    result: Result<T, Error>,
) -> Result<T, Failure> {
    result.or_else(|error| store.note(call, Err(error), |_| String::new()))
}

async fn pass_until(store: &StoreUnderTest, moment: SystemTime) {
    if let Ok(rest) = moment.duration_since(store.now()) {
        store.pass(rest).await;
    }
}

fn too_slow(store: &StoreUnderTest) -> Failure {
    store.failure(
        "the calls before the record's expiry returned within 15 s",
        "they took longer, each time",
    )
}
