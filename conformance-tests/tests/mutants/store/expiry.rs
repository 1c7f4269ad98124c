//! Mutants of the rules of the removal of expired records.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Clock as _, Error};
use tokio::task::yield_now;

use super::mutation::{mutants, mutation, swept};
use super::original::Original;
use super::written::{A_DAY, after_1970};

mutants! {
    GoneAtItsExpiry breaks record_is_there_until_its_expiry;
    ReplaceFindsNothingAtTheExpiry breaks record_is_there_until_its_expiry;
    TouchFindsNothingAtTheExpiry breaks record_is_there_until_its_expiry;
    LifeInWholeSeconds breaks record_is_there_until_its_expiry;
    LifeOf32BitMilliseconds breaks record_is_there_until_its_expiry;
    TouchNeverLengthensTheLife breaks record_outlives_first_expiry_after_touch;
    ReplaceNeverLengthensTheLife breaks record_outlives_first_expiry_after_replace;
    LessThanASecondIsForEver breaks expired_record_is_removed;
    NoTimeLeftIsForEver breaks expired_record_is_removed;
    TouchNeverShortensTheLife breaks record_with_earlier_expiry_is_removed;
    ReplaceNeverShortensTheLife breaks record_with_earlier_expiry_is_removed;
    RemoveFindsNothingAtTheExpiry breaks record_is_there_until_its_expiry;
    ReplaceRevivesTheExpired breaks expired_record_stays_removed;
    LoadRemovesTheExpiredByItsKey breaks read_of_expired_record_removes_no_newer_one;
    ListRemovesTheExpiredByItsKey breaks read_of_expired_record_removes_no_newer_one;
    OwnedIsGoneAtItsExpiry breaks record_is_there_until_its_expiry;
    CreateKeepsTheExpiredOwner breaks record_over_expired_one_is_whole;
    RemoveOfTheExpiredForgetsTheVersion breaks call_on_expired_record_does_what_it_returns;
    CreateKeepsTheExpiredCreation breaks record_over_expired_one_is_whole;
    ReplaceOfTheExpiredKeepsThePayload breaks call_on_expired_record_does_what_it_returns;
    TouchOfTheExpiredIsForgotten breaks call_on_expired_record_does_what_it_returns;
}

/// Returns whether the record has expired, to the nanosecond.
fn is_over(original: &Original, key: &StoreKey) -> bool {
    original.load(key).is_some_and(|record| record.expires_at() <= original.clock().now())
}

mutation! {
    GoneAtItsExpiry;
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.original.load(key).filter(|_| !is_over(&self.original, key)))
    }
}

mutation! {
    ReplaceFindsNothingAtTheExpiry;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if is_over(&self.original, key) {
            return Ok(Replaced::Stale);
        }
        Ok(self.original.replace(key, expected, record))
    }
}

mutation! {
    TouchFindsNothingAtTheExpiry;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        Ok(!is_over(&self.original, key) && self.original.touch(key, expected, expires_at))
    }
}

/// A call that sets an expiry.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Call {
    Create,
    Replace,
    Touch,
}

/// The arguments of a call: the call, the current time, the earlier end, and the expiry.
struct Told {
    call: Call,
    now: SystemTime,
    before: SystemTime,
    expires_at: SystemTime,
}

impl Told {
    fn left(&self) -> Duration {
        self.expires_at.duration_since(self.now).unwrap_or_default()
    }
}

/// A store that notes the end of each record separately from its expiry, and removes the record
/// after that end.
macro_rules! ends {
    ($(#[$about:meta])* $name:ident, $end:expr) => {
        mutation! {
            $(#[$about])*
            $name { shown: Mutex<HashMap<StoreKey, SystemTime>> };
            async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
                let (shown, now) = (self.shown.lock().unwrap(), self.original.clock().now());
                let record = self.original.load(key).filter(|record| now <= record.expires_at());
                Ok(record.map(|record| record.touched(record.version(), shown[key])))
            }
            async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
                let mut shown = self.shown.lock().unwrap();
                let end = self.end(Call::Create, key, record.expires_at());
                let written = NewRecord::new(record.payload(), record.created_at(), end).owned_by(record.owner());
                let version = self.original.create(key, &written)?;
                shown.insert(*key, record.expires_at());
                Ok(version)
            }
            async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
                let mut shown = self.shown.lock().unwrap();
                let end = self.end(Call::Replace, key, record.expires_at());
                let written = NewRecord::new(record.payload(), record.created_at(), end).owned_by(record.owner());
                let replaced = self.original.replace(key, expected, &written);
                if replaced != Replaced::Stale {
                    shown.insert(*key, record.expires_at());
                }
                Ok(replaced)
            }
            async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
                let mut shown = self.shown.lock().unwrap();
                let touched = self.original.touch(key, expected, self.end(Call::Touch, key, expires_at));
                if touched {
                    shown.insert(*key, expires_at);
                }
                Ok(touched)
            }
        }

        impl $name {
            fn end(&self, call: Call, key: &StoreKey, expires_at: SystemTime) -> SystemTime {
                let now = self.original.clock().now();
                if expires_at + A_DAY < now {
                    return expires_at;
                }
                let before = self.original.load(key).map_or(expires_at, |record| record.expires_at());
                let end: fn(Told) -> SystemTime = $end;
                end(Told { call, now, before, expires_at })
            }
        }
    };
}

/// Returns the end of a record that is never removed.
fn for_ever() -> SystemTime {
    after_1970(Duration::from_hours(24 * 365 * 5000))
}

ends! { LifeInWholeSeconds, |told| told.now + Duration::from_secs(told.left().as_secs()) }

ends! {
    LifeOf32BitMilliseconds,
    |told| told.now + Duration::from_millis(u64::try_from(told.left().as_millis()).unwrap() % (1 << 32))
}

ends! {
    TouchNeverLengthensTheLife,
    |told| if told.call == Call::Touch { told.before.min(told.expires_at) } else { told.expires_at }
}

ends! {
    ReplaceNeverLengthensTheLife,
    |told| if told.call == Call::Replace { told.before.min(told.expires_at) } else { told.expires_at }
}

ends! {
    TouchNeverShortensTheLife,
    |told| if told.call == Call::Touch { told.before.max(told.expires_at) } else { told.expires_at }
}

ends! {
    ReplaceNeverShortensTheLife,
    |told| if told.call == Call::Replace { told.before.max(told.expires_at) } else { told.expires_at }
}

ends! {
    LessThanASecondIsForEver,
    |told| {
        let is_short = told.expires_at > told.now && told.left() < Duration::from_secs(1);
        if told.call == Call::Create && is_short { for_ever() } else { told.expires_at }
    }
}

ends! {
    NoTimeLeftIsForEver,
    |told| if told.call == Call::Create && told.left().is_zero() { for_ever() } else { told.expires_at }
}

mutation! {
    RemoveFindsNothingAtTheExpiry;
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let now = self.original.clock().now();
        let is_over = self.original.load(key).is_some_and(|record| record.expires_at() == now);
        Ok(!is_over && self.original.remove(key, expected))
    }
}

mutation! {
    /// A replace creates a record again whose key is still remembered.
    ReplaceRevivesTheExpired { written: Mutex<HashMap<StoreKey, Version>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.original.create(key, record)?;
        if record.expires_at() >= self.original.clock().now() {
            self.written.lock().unwrap().insert(*key, version.clone());
        }
        Ok(version)
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.written.lock().unwrap().remove(key);
        Ok(self.original.remove(key, expected))
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let swept = self.original.sweep(now, limit);
        if swept > 0 {
            self.written.lock().unwrap().clear();
        }
        Ok(swept)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let is_remembered = self.written.lock().unwrap().get(key) == Some(&expected);
        if is_remembered && self.original.load(key).is_none() {
            return Ok(Replaced::Done(self.original.create(key, record)?));
        }
        Ok(self.original.replace(key, expected, record))
    }
}

swept! {
    CreateKeepsTheExpiredCreation;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let now = self.original.clock().now();
        let old = self.original.load(key).filter(|old| old.expires_at() < now);
        if old.is_some() {
            self.original.records().remove(key);
        }
        let created_at = old.map_or(record.created_at(), |old| old.created_at());
        let written = NewRecord::new(record.payload(), created_at, record.expires_at());
        self.original.create(key, &written.owned_by(record.owner()))
    }
}

swept! {
    ReplaceOfTheExpiredKeepsThePayload;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let now = self.original.clock().now();
        let old = self.original.load(key).filter(|old| old.expires_at() < now);
        let payload = old.map_or(record.payload().to_vec(), Record::into_payload);
        let written = NewRecord::new(&payload, record.created_at(), record.expires_at());
        Ok(self.original.replace(key, expected, &written.owned_by(record.owner())))
    }
}

swept! {
    TouchOfTheExpiredIsForgotten;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let now = self.original.clock().now();
        let is_just_expired = |old: &Record| old.expires_at() < now && now < old.expires_at() + Duration::from_mins(1);
        let old = self.original.load(key).filter(|old| is_just_expired(old) && old.version() == expected);
        Ok(old.is_some() || self.original.touch(key, expected, expires_at))
    }
}

mutation! {
    LoadRemovesTheExpiredByItsKey;
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let found = self.original.load(key);
        let now = self.original.clock().now();
        if found.as_ref().is_none_or(|record| now <= record.expires_at()) {
            return Ok(found);
        }
        yield_now().await;
        self.original.records().remove(key);
        Ok(None)
    }
}

mutation! {
    ListRemovesTheExpiredByItsKey;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let now = self.original.clock().now();
        let mut keys = self.original.keys_of(owner);
        for key in keys.clone() {
            if self.original.load(&key).is_some_and(|record| record.expires_at() < now) {
                yield_now().await;
                self.original.records().remove(&key);
                keys.retain(|other| *other != key);
            }
        }
        Ok(keys)
    }
}

mutation! {
    OwnedIsGoneAtItsExpiry;
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let now = self.original.clock().now();
        let is_gone = |record: &Record| record.owner().is_some() && record.expires_at() == now;
        Ok(!self.original.load(key).is_some_and(|record| is_gone(&record)) && self.original.remove(key, expected))
    }
}

mutation! {
    CreateKeepsTheExpiredOwner;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let now = self.original.clock().now();
        let Some(old) = self.original.load(key).filter(|old| old.expires_at() < now) else {
            return self.original.create(key, record);
        };
        self.original.records().remove(key);
        let record = NewRecord::new(record.payload(), record.created_at(), record.expires_at())
            .owned_by(record.owner().or(old.owner()));
        self.original.create(key, &record)
    }
}

mutation! {
    RemoveOfTheExpiredForgetsTheVersion;
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let now = self.original.clock().now();
        let expired = self.original.load(key).filter(|old| old.expires_at() < now);
        Ok(self.original.remove(key, expired.map_or(expected, |old| old.version())))
    }
}
