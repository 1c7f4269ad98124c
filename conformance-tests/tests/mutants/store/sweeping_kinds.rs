//! Mutants of the rules of sweeps over every kind of record, and over what other calls left behind.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::time::SystemTime;

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Clock as _, Error};

use tokio::task::yield_now;

use super::mutation::{mutants, swept};
use super::original::Original;

mutants! {
    EmptyIsNeverSwept breaks expired_record_of_every_kind_is_swept;
    LongestIsNeverSwept breaks expired_record_of_every_kind_is_swept;
    RefusedTouchMovesTheSweep breaks expired_record_of_every_kind_is_swept;
    IndexByMillisecond breaks records_of_one_expiry_are_all_swept;
    SweepCountsTheRenewed breaks sweep_below_limit_leaves_no_expired_record;
    SweepsFiveHundred breaks sweep_below_limit_leaves_no_expired_record;
    RenewalTakesTheWholeMoment breaks renewal_leaves_other_records_of_same_expiry;
    RemoveLeavesTheSweep breaks recreated_record_is_not_swept;
    CreateKeepsTheExpiredOwner breaks recreated_record_is_not_swept;
    RecreatedIsStillDoomed breaks recreated_record_is_not_swept;
}

/// Removes the expired records that a condition allows, as often as the limit allows.
fn sweep_if(
    original: &Original,
    now: SystemTime,
    limit: usize,
    swept: impl Fn(&StoreKey, &Record) -> bool,
) -> usize {
    let mut records = original.records();
    let expired =
        records.iter().filter(|(key, record)| record.expires_at() < now && swept(key, record));
    let expired: Vec<_> = expired.map(|(key, _)| *key).take(limit).collect();
    for key in &expired {
        records.remove(key);
    }
    expired.len()
}

swept! {
    EmptyIsNeverSwept;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(sweep_if(&self.original, now, limit, |_, record| !record.payload().is_empty()))
    }
}

swept! {
    LongestIsNeverSwept;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(sweep_if(&self.original, now, limit, |_, record| record.payload().len() < 1 << 20))
    }
}

swept! {
    /// A refused touch has changed the expiry that a sweep reads.
    RefusedTouchMovesTheSweep { moved: Mutex<HashMap<StoreKey, SystemTime>> };
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let touched = self.original.touch(key, expected, expires_at);
        if !touched {
            self.moved.lock().unwrap().insert(*key, expires_at);
        }
        Ok(touched)
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let moved = self.moved.lock().unwrap();
        Ok(sweep_if(&self.original, now, limit, |key, _| moved.get(key).is_none_or(|end| *end < now)))
    }
}

/// An index by the expiry alone.
type ByTime = Mutex<BTreeMap<SystemTime, StoreKey>>;

swept! {
    IndexByMillisecond { index: ByTime };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.index.lock().unwrap().insert(record.expires_at(), *key);
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.index.lock().unwrap().insert(record.expires_at(), *key);
        Ok(self.original.replace(key, expected, record))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        self.index.lock().unwrap().insert(expires_at, *key);
        Ok(self.original.touch(key, expected, expires_at))
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let mut index = self.index.lock().unwrap();
        let due: Vec<_> = index.range(..now).map(|(time, key)| (*time, *key)).collect();
        let is_busy = |record: &Record| record.payload() != b"old";
        let others = sweep_if(&self.original, now, limit, |_, record| is_busy(record));
        let mut swept = others;
        for (time, key) in due {
            if swept == limit {
                break;
            }
            index.remove(&time);
            if let Some(record) = self.original.load(&key).filter(|record| record.expires_at() < now) {
                swept += usize::from(self.original.remove(&key, record.version()));
            }
        }
        Ok(swept)
    }
}

swept! {
    /// A touch removes everything at the old time from the index.
    RenewalTakesTheWholeMoment { lost: Mutex<HashMap<StoreKey, SystemTime>> };
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let old = self.original.load(key).filter(|old| old.expires_at() < expires_at);
        if let Some(old) = old {
            let same: Vec<_> = self.original.records().iter()
                .filter(|(other, record)| record.expires_at() == old.expires_at() && *other != key)
                .map(|(other, record)| (*other, record.expires_at()))
                .collect();
            self.lost.lock().unwrap().extend(same);
        }
        Ok(self.original.touch(key, expected, expires_at))
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let lost = self.lost.lock().unwrap();
        Ok(sweep_if(&self.original, now, limit, |key, record| lost.get(key) != Some(&record.expires_at())))
    }
}

swept! {
    /// The entry of a removed record stays in the index, and a sweep removes a new record under its
    /// key.
    RemoveLeavesTheSweep { left: Mutex<HashMap<StoreKey, SystemTime>> };
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let old = self.original.load(key).filter(|old| old.version() == expected);
        self.left.lock().unwrap().extend(old.map(|old| (*key, old.expires_at())));
        Ok(self.original.remove(key, expected))
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let mut left = self.left.lock().unwrap();
        let mut swept = sweep_if(&self.original, now, limit, |_, _| true);
        let due: Vec<_> = left.iter().filter(|(_, end)| **end < now).map(|(key, _)| *key).collect();
        for key in due.into_iter().take(limit - swept) {
            left.remove(&key);
            swept += usize::from(self.original.records().remove(&key).is_some());
        }
        Ok(swept)
    }
}

swept! {
    /// An expired record is overwritten, except its owner.
    CreateKeepsTheExpiredOwner;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let now = self.original.clock().now();
        let Some(old) = self.original.load(key).filter(|old| old.expires_at() < now) else {
            return self.original.create(key, record);
        };
        self.original.remove(key, old.version());
        self.original.create(key, &record.owned_by(old.owner()))
    }
}

swept! {
    /// A sweep collects keys. Only renewals take them out of the collection.
    RecreatedIsStillDoomed { doomed: Mutex<HashSet<StoreKey>> };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.doomed.lock().unwrap().remove(key);
        Ok(self.original.replace(key, expected, record))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        self.doomed.lock().unwrap().remove(key);
        Ok(self.original.touch(key, expected, expires_at))
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let collected: Vec<_> = self.original.records().iter()
            .filter(|(_, record)| record.expires_at() < now)
            .map(|(key, _)| *key)
            .take(limit)
            .collect();
        self.doomed.lock().unwrap().extend(&collected);
        yield_now().await;
        let mut swept = 0;
        for key in collected {
            if self.doomed.lock().unwrap().remove(&key) {
                swept += usize::from(self.original.records().remove(&key).is_some());
            }
        }
        Ok(swept)
    }
}

swept! {
    /// Its expiry index keeps the entries of renewed records.
    SweepCountsTheRenewed { first: Mutex<HashMap<StoreKey, SystemTime>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.original.create(key, record)?;
        self.first.lock().unwrap().insert(*key, record.expires_at());
        Ok(version)
    }

    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let (mut records, first) = (self.original.records(), self.first.lock().unwrap());
        let has_expired = |key: &StoreKey| records[key].expires_at() < now;
        let is_indexed = |key: &&StoreKey| has_expired(key) || first.get(*key).is_some_and(|expiry| *expiry < now);
        let mut batch: Vec<_> = records.keys().filter(is_indexed).copied().collect();
        batch.sort_by_key(|key| first.get(key).copied());
        batch.truncate(limit);
        batch.retain(has_expired);
        for key in &batch {
            records.remove(key);
        }
        Ok(batch.len())
    }
}

swept! {
    /// In one batch.
    SweepsFiveHundred;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(self.original.sweep(now, limit.min(500)))
    }
}
