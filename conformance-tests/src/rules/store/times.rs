//! Rules of the times of a record.

use std::time::{Duration, SystemTime};

use session_core::store::StoreKey;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::values::whole_second;
use crate::macros::rules;
use crate::report::Checked;

rules! {
    ($) pub(crate) const TIMES, macro __store_times, for StoreUnderTest;

    /// The creation time is exact to the millisecond, for any age of the record. After a `replace`,
    /// the creation time is the time that was passed to `replace`.
    ///
    /// Store the given time as 64-bit milliseconds in `create` and `replace`. Do not use the time
    /// at which the row was created. A rotation of the id creates a row, but does not change the
    /// creation time of the session.
    async fn creation_time_is_unchanged(store) {
        let second = whole_second(store.now());
        let in_2001 = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let times = [
            second - Duration::from_hours(1) + Duration::from_millis(1),
            second - Duration::from_hours(24) + Duration::from_millis(999),
            second - Duration::from_hours(24 * 60) + Duration::from_micros(500_250),
            in_2001 + Duration::from_millis(123),
            second,
        ];
        for (number, created_at) in times.into_iter().enumerate() {
            let key = store.key();
            let entry = Entry { created_at, ..Entry::plain("one", store.now()) };
            let version = store.create(&key, &entry).await?;
            store.expect_at(&key, version.clone(), &entry).await?;
            let created_at = times[(number + 1) % times.len()];
            let entry = Entry { created_at, ..Entry::plain("two", store.now()) };
            let version = store.replaced(&key, version, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }

    /// `create`, `replace` and `touch` store an expiry exactly to the millisecond. They never store
    /// an earlier expiry.
    ///
    /// Store milliseconds as a 64-bit integer (no float, no whole seconds). Round finer times up to
    /// whole milliseconds.
    async fn expiry_is_exact_and_never_earlier(store) {
        let second = whole_second(store.now()) + Duration::from_hours(1);
        for nanoseconds in [1_000_000, 999_000_000, 999_600_000, 123_456_789] {
            is_kept(store, second + Duration::from_nanos(nanoseconds), true).await?;
        }
        Ok(())
    }

    /// An expiry in the distant future, up to the end of the year 9999, is stored like any other
    /// expiry. The engine writes the end of the year 9999 for a session that never expires.
    ///
    /// Use 64-bit milliseconds. 32-bit seconds overflow in 2038 or 2106, and 64-bit nanoseconds in
    /// 2262.
    async fn distant_expiry_is_unchanged(store) {
        for expires_at in [store.now() + FOUR_HUNDRED_DAYS, store.now() + TEN_YEARS * 3, store.now() + HUNDRED_YEARS, SystemTime::UNIX_EPOCH + NEVER] {
            is_kept(store, expires_at, false).await?;
        }
        Ok(())
    }

    /// `create`, `replace` and `touch` accept an expiry in the past without an error. Afterwards
    /// the record is unchanged or removed.
    ///
    /// Do not fail if the remaining time is zero or negative. Store the record and remove it later,
    /// or remove it at once. The call returns the same result as with a later expiry.
    async fn past_expiry_is_accepted(store) {
        for ago in [Duration::ZERO, Duration::from_millis(1), Duration::from_hours(1)] {
            past_expiry(store, store.now() - ago).await?;
        }
        Ok(())
    }

    /// Times before 1970 are valid. A creation time before 1970 is stored exactly to the
    /// millisecond. An expiry before 1970 is accepted, and the record is stored unchanged or
    /// removed.
    ///
    /// Store signed milliseconds. The clock of a small computer may start in 1970, and subtracting
    /// a duration from its time results in an earlier time. Do not reject times before 1970, and do
    /// not change them to 1970.
    async fn time_before_1970_is_like_any_other(store) {
        for before in [Duration::from_millis(1), Duration::from_millis(1_500), TEN_YEARS] {
            let early = SystemTime::UNIX_EPOCH - before;
            let (key, now) = (store.key(), store.now());
            let entry = Entry { created_at: early, ..Entry::plain("one", now) };
            let version = store.create(&key, &entry).await?;
            store.expect_at(&key, version.clone(), &entry).await?;
            let version = store.replaced(&key, version, &Entry::plain("two", now)).await?;
            let version = store.replaced(&key, version, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
            past_expiry(store, early).await?;
        }
        Ok(())
    }
}

/// A duration after which the number of seconds since 1970 exceeds 32 bits.
const HUNDRED_YEARS: Duration = Duration::from_hours(24 * 365 * 100);

const FOUR_HUNDRED_DAYS: Duration = Duration::from_hours(24 * 400);

const TEN_YEARS: Duration = Duration::from_hours(24 * 3652);

/// The last second of the year 9999, which the engine writes for a session that never expires.
const NEVER: Duration = Duration::from_secs(253_402_300_799);

/// Fails unless `create`, `replace` and `touch` store the expiry. Removes the record afterwards.
async fn is_kept(store: &StoreUnderTest, expires_at: SystemTime, exactly: bool) -> Checked {
    let (key, soon) = (store.key(), Entry::plain("soon", whole_second(store.now())));
    let entry = Entry::plain("kept", whole_second(store.now())).expiring_at(expires_at);
    let version = store.create(&key, &entry).await?;
    store.expect_at(&key, version.clone(), &entry).await?;
    if exactly {
        store.expect_exactly(&key, &entry).await?;
    }
    let version = store.replaced(&key, version, &soon).await?;
    let version = store.replaced(&key, version, &entry).await?;
    store.expect_at(&key, version.clone(), &entry).await?;
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

/// Fails unless `create`, `replace` and `touch` accept this expiry in the past.
async fn past_expiry(store: &StoreUnderTest, expires_at: SystemTime) -> Checked {
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
    is_as_given_or_gone(store, &key, &live.expiring_at(expires_at)).await
}

/// Fails unless the record is removed or has the written values. Another rule checks its exact
/// times.
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
