//! Mutants of the rules of the times of a record.

use std::time::{Duration, SystemTime};

use session_core::store::{NewRecord, Replaced, StoreKey, Version};
use session_core::{Clock as _, Error, ErrorKind};

use super::mutation::{mutants, mutation, swept};
use super::written::{A_DAY, after_1970, since_1970, writes};

mutants! {
    CreationInSeconds breaks creation_time_is_unchanged;
    AgeOf32Bits breaks creation_time_is_unchanged;
    ReplaceResetsCreation breaks creation_time_is_unchanged;
    ReplaceKeepsTheFirstCreation breaks creation_time_is_unchanged;
    ExpiryInSeconds breaks expiry_is_exact_and_never_earlier;
    ExpiryInSecondsRoundedUp breaks expiry_is_exact_and_never_earlier;
    ExpiryRoundedDown breaks expiry_is_exact_and_never_earlier;
    ExpiryRoundedToTheNearest breaks expiry_is_exact_and_never_earlier;
    CarryIsLost breaks expiry_is_exact_and_never_earlier;
    TouchInSeconds breaks expiry_is_exact_and_never_earlier;
    SecondsOf32Bits breaks distant_expiry_is_unchanged;
    SecondsOfSigned32Bits breaks distant_expiry_is_unchanged;
    NanosecondsOf64Bits breaks distant_expiry_is_unchanged;
    TouchCapsTheLife breaks distant_expiry_is_unchanged;
    CreationIsNotBefore1970 breaks time_before_1970_is_like_any_other;
    CreationBefore1970IsRefused breaks time_before_1970_is_like_any_other;
    ReplaceDropsTheSign breaks time_before_1970_is_like_any_other;
    ExpiryIsNotBefore1970 breaks time_before_1970_is_like_any_other;
    TouchToBefore1970IsRefused breaks time_before_1970_is_like_any_other;
    ExpiryBefore1970IsNever breaks time_before_1970_is_like_any_other;
    CreateRefusesNoTimeLeft breaks past_expiry_is_accepted;
    ReplaceRefusesNegativeTime breaks past_expiry_is_accepted;
    CreateUnderflows breaks past_expiry_is_accepted;
    ReplaceByTheExpiredIsForgotten breaks past_expiry_is_accepted;
    TouchOfNoTimeLeftIsNoUpdate breaks past_expiry_is_accepted;
    TouchGivesAMinuteAtLeast breaks past_expiry_is_accepted;
    TouchIgnoresTheSecondYear breaks distant_expiry_is_unchanged;
}

writes! {
    CreationInSeconds,
    |record| record.created_at = SystemTime::UNIX_EPOCH + Duration::from_secs(since_1970(record.created_at).as_secs())
}

writes! {
    /// The age is stored instead, in 32-bit milliseconds.
    AgeOf32Bits,
    |record| {
        let most = Duration::from_millis(1 << 32);
        while record.created_at + most < SystemTime::now() {
            record.created_at += most;
        }
    }
}

mutation! {
    ReplaceResetsCreation;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let now = self.original.clock().now();
        let written = NewRecord::new(record.payload(), now, record.expires_at()).owned_by(record.owner());
        Ok(self.original.replace(key, expected, &written))
    }
}

mutation! {
    ReplaceKeepsTheFirstCreation;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let first = self.original.load(key).map_or(record.created_at(), |old| old.created_at());
        let written = NewRecord::new(record.payload(), first, record.expires_at()).owned_by(record.owner());
        Ok(self.original.replace(key, expected, &written))
    }
}

fn in_seconds(time: SystemTime) -> SystemTime {
    after_1970(Duration::from_secs(since_1970(time).as_secs()))
}

writes! { ExpiryInSeconds, |record| record.expires_at = in_seconds(record.expires_at) }

writes! {
    ExpiryInSecondsRoundedUp,
    |record| record.expires_at = in_seconds(record.expires_at + Duration::from_nanos(999_999_999))
}

writes! {
    ExpiryRoundedDown,
    |record| {
        let since = since_1970(record.expires_at);
        record.expires_at -= Duration::from_nanos(u64::from(since.subsec_nanos() % 1_000_000));
    }
}

writes! {
    ExpiryRoundedToTheNearest in replace,
    |record| {
        let since = since_1970(record.expires_at) + Duration::from_micros(500);
        record.expires_at = after_1970(since) - Duration::from_nanos(u64::from(since.subsec_nanos() % 1_000_000));
    }
}

writes! {
    /// Milliseconds are rounded up separately from the seconds, so that 1,000 milliseconds become
    /// 0.
    CarryIsLost,
    |record| {
        let since = since_1970(record.expires_at);
        let milliseconds = since.subsec_nanos().div_ceil(1_000_000) % 1000;
        record.expires_at = in_seconds(record.expires_at) + Duration::from_millis(milliseconds.into());
    }
}

mutation! {
    TouchInSeconds;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        Ok(self.original.touch(key, expected, in_seconds(expires_at)))
    }
}

writes! {
    SecondsOf32Bits,
    |record| while since_1970(record.expires_at).as_secs() >= 1 << 32 {
        record.expires_at -= Duration::from_secs(1 << 32);
    }
}

writes! {
    SecondsOfSigned32Bits,
    |record| record.expires_at = record.expires_at.min(after_1970(Duration::from_secs((1 << 31) - 1)))
}

writes! {
    NanosecondsOf64Bits,
    |record| record.expires_at = record.expires_at.min(after_1970(Duration::from_nanos(i64::MAX.unsigned_abs())))
}

mutation! {
    TouchCapsTheLife;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let latest = self.original.clock().now() + Duration::from_hours(24 * 400);
        Ok(self.original.touch(key, expected, expires_at.min(latest)))
    }
}

writes! {
    CreationIsNotBefore1970,
    |record| record.created_at = record.created_at.max(SystemTime::UNIX_EPOCH)
}

mutation! {
    CreationBefore1970IsRefused;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let since = record.created_at().duration_since(SystemTime::UNIX_EPOCH);
        since.map_err(|error| Error::new(ErrorKind::Backend, "a time before 1970").with_source(error))?;
        self.original.create(key, record)
    }
}

writes! {
    ReplaceDropsTheSign in replace,
    |record| if let Err(before) = record.created_at.duration_since(SystemTime::UNIX_EPOCH) {
        record.created_at = after_1970(before.duration());
    }
}

swept! {
    ExpiryIsNotBefore1970;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        Ok(self.original.touch(key, expected, expires_at.max(SystemTime::UNIX_EPOCH)))
    }
}

mutation! {
    TouchToBefore1970IsRefused;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let since = expires_at.duration_since(SystemTime::UNIX_EPOCH);
        since.map_err(|error| Error::new(ErrorKind::Backend, "a time before 1970").with_source(error))?;
        Ok(self.original.touch(key, expected, expires_at))
    }
}

writes! {
    /// The milliseconds have no sign in the column.
    ExpiryBefore1970IsNever,
    |record| if record.expires_at < SystemTime::UNIX_EPOCH {
        record.expires_at = after_1970(Duration::from_secs(253_402_300_799));
    }
}

mutation! {
    CreateRefusesNoTimeLeft;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if record.expires_at() == self.original.clock().now() {
            return Err(Error::new(ErrorKind::Backend, "invalid expire time in 'set' command"));
        }
        self.original.create(key, record)
    }
}

mutation! {
    ReplaceRefusesNegativeTime;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let left = record.expires_at().duration_since(self.original.clock().now());
        left.map_err(|error| Error::new(ErrorKind::Backend, "the record has expired").with_source(error))?;
        Ok(self.original.replace(key, expected, record))
    }
}

mutation! {
    CreateUnderflows;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let late = self.original.clock().now().duration_since(record.expires_at()).unwrap_or_default();
        let expires_at = if late < A_DAY { record.expires_at() + late * 2 } else { record.expires_at() };
        let written = NewRecord::new(record.payload(), record.created_at(), expires_at).owned_by(record.owner());
        self.original.create(key, &written)
    }
}

mutation! {
    ReplaceByTheExpiredIsForgotten;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if record.expires_at() < self.original.clock().now() {
            return Ok(Replaced::Done(expected));
        }
        Ok(self.original.replace(key, expected, record))
    }
}

mutation! {
    TouchOfNoTimeLeftIsNoUpdate;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let touched = self.original.touch(key, expected, expires_at);
        Ok(touched && expires_at > self.original.clock().now())
    }
}

mutation! {
    TouchGivesAMinuteAtLeast;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let now = self.original.clock().now();
        let expires_at = if expires_at < now { now + Duration::from_mins(1) } else { expires_at };
        Ok(self.original.touch(key, expected, expires_at))
    }
}

mutation! {
    TouchIgnoresTheSecondYear;
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let Some(old) = self.original.load(key) else { return Ok(false) };
        let life = expires_at.duration_since(old.created_at()).unwrap_or_default();
        let is_ignored = (A_DAY * 365..A_DAY * 3650).contains(&life);
        Ok(self.original.touch(key, expected, if is_ignored { old.expires_at() } else { expires_at }))
    }
}
