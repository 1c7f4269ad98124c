//! Mutants of the rules of sweeps.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use session_core::store::{MAX_CLOCK_SKEW, NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Clock as _, Error, ErrorKind};
use tokio::time::sleep;

use super::mutation::{mutants, swept};
use super::original::Original;
use super::written::since_1970;

mutants! {
    SparesTheLong breaks sweep_removes_expired_records;
    SparesTheOwnedForLonger breaks sweep_removes_expired_records;
    SweepsByAge breaks sweep_keeps_live_records;
    MixesUnits breaks sweep_keeps_live_records;
    SweepsAfterYear breaks sweep_keeps_live_records_of_many_years;
    SweepsTheLastMoment breaks sweep_keeps_record_that_expires_now;
    SweepReadsItsOwnClock breaks sweep_keeps_record_that_expires_now;
    IgnoresItsLimit breaks sweep_removes_at_most_its_limit;
    RemovesWholeBatches breaks sweep_removes_at_most_its_limit;
    ZeroIsNoLimit breaks sweep_removes_at_most_its_limit;
    OneTooMany breaks sweep_removes_at_most_its_limit;
    SaysWhetherItRemoved breaks sweep_returns_number_of_removed_records;
    SaysTheLastBatch breaks sweep_returns_number_of_removed_records;
    SaysItsLimit breaks repeated_sweeps_finish;
    CountsWhatWasSweptBefore breaks repeated_sweeps_finish;
    TouchPutsNothingOff breaks renewed_record_is_not_swept;
    ReplacePutsNothingOff breaks renewed_record_is_not_swept;
    SweepsWhatItCollected breaks renewed_record_is_not_swept;
    SweptKeyIsTaken breaks swept_record_stays_removed;
    SweptCanBeReplaced breaks swept_record_stays_removed;
    SweptCanBeTouched breaks swept_record_stays_removed;
    CountsEachRecordTwice breaks sweep_counts_each_record_once;
    ExaminesAsManyAsItMayRemove breaks sweep_finds_expired_among_live_records;
    LimitOf32Bits breaks sweep_accepts_largest_limit;
    SweepRoundsNowUp breaks sweep_keeps_record_of_same_second;
}

const LONG: usize = 4_000;

/// A sweep must have removed a record earlier after its expiry.
const LATE: Duration = MAX_CLOCK_SKEW.saturating_add(Duration::from_secs(1));

/// Removes at most `limit` matching records, and returns their keys.
fn take(
    original: &Original,
    limit: usize,
    goes: impl Fn(&StoreKey, &Record) -> bool,
) -> Vec<StoreKey> {
    let mut records = original.records();
    let going: Vec<_> = records
        .iter()
        .filter(|(key, record)| goes(key, record))
        .map(|(key, _)| *key)
        .take(limit)
        .collect();
    for key in &going {
        records.remove(key);
    }
    going
}

swept! {
    SparesTheLong;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(take(&self.original, limit, |_, record| record.expires_at() < now && record.payload().len() < LONG).len())
    }
}

swept! {
    SparesTheOwnedForLonger;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let delay = |record: &Record| if record.owner().is_some() { LATE } else { Duration::ZERO };
        Ok(take(&self.original, limit, |_, record| record.expires_at() + delay(record) < now).len())
    }
}

swept! {
    SweepsByAge;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let oldest = self.original.clock().now() - Duration::from_hours(24);
        Ok(take(&self.original, limit, |_, record| record.expires_at() < now || record.created_at() < oldest).len())
    }
}

swept! {
    SweepsAfterYear;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let oldest = self.original.clock().now() - Duration::from_hours(24 * 365);
        Ok(take(&self.original, limit, |_, record| record.expires_at() < now || record.created_at() < oldest).len())
    }
}

swept! {
    MixesUnits;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let mixes = |record: &Record| {
            let [expiry, now] = [record.expires_at(), now].map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap());
            record.payload().len() > LONG && u128::from(expiry.as_secs()) < now.as_millis()
        };
        Ok(take(&self.original, limit, |_, record| record.expires_at() < now || mixes(record)).len())
    }
}

swept! {
    SweepsTheLastMoment;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(take(&self.original, limit, |_, record| record.expires_at() <= now).len())
    }
}

swept! {
    SweepReadsItsOwnClock;
    async fn sweep(&self, _: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(self.original.sweep(self.original.clock().now(), limit))
    }
}

swept! {
    IgnoresItsLimit;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(self.original.sweep(now, usize::MAX).min(limit))
    }
}

swept! {
    ZeroIsNoLimit;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(self.original.sweep(now, if limit == 0 { usize::MAX } else { limit }))
    }
}

swept! {
    OneTooMany;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(self.original.sweep(now, if limit == 0 { 0 } else { limit.saturating_add(1) }).min(limit))
    }
}

swept! {
    SaysWhetherItRemoved;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(self.original.sweep(now, limit).min(1))
    }
}

swept! {
    SaysTheLastBatch;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let mut left = limit;
        loop {
            let removed = self.original.sweep(now, left.min(3));
            left -= removed;
            if removed < 3 || left == 0 {
                return Ok(removed);
            }
        }
    }
}

swept! {
    SaysItsLimit;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        self.original.sweep(now, limit);
        Ok(limit)
    }
}

swept! {
    CountsWhatWasSweptBefore { before: AtomicUsize };
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let removed = self.original.sweep(now, limit);
        Ok((self.before.fetch_add(removed, Ordering::Relaxed) + removed).min(limit))
    }
}

/// The due time of each key, in an index separate from the records.
type Due = Mutex<HashMap<StoreKey, SystemTime>>;

fn sweep_due(original: &Original, due: &Due, now: SystemTime, limit: usize) -> usize {
    let due = due.lock().unwrap();
    take(original, limit, |key, _| due.get(key).is_some_and(|due| *due < now)).len()
}

/// The index is only moved to an earlier time.
fn bring_forward(due: &Due, key: &StoreKey, expires_at: SystemTime) {
    if let Some(due) = due.lock().unwrap().get_mut(key) {
        *due = expires_at.min(*due);
    }
}

swept! {
    TouchPutsNothingOff { due: Due };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.due.lock().unwrap().insert(*key, record.expires_at());
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let mut due = self.due.lock().unwrap();
        let replaced = self.original.replace(key, expected, record);
        if replaced != Replaced::Stale {
            due.insert(*key, record.expires_at());
        }
        Ok(replaced)
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let touched = self.original.touch(key, expected, expires_at);
        if touched {
            bring_forward(&self.due, key, expires_at);
        }
        Ok(touched)
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(sweep_due(&self.original, &self.due, now, limit))
    }
}

swept! {
    ReplacePutsNothingOff { due: Due };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.due.lock().unwrap().insert(*key, record.expires_at());
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let replaced = self.original.replace(key, expected, record);
        if replaced != Replaced::Stale {
            bring_forward(&self.due, key, record.expires_at());
        }
        Ok(replaced)
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let mut due = self.due.lock().unwrap();
        let touched = self.original.touch(key, expected, expires_at);
        if touched {
            due.insert(*key, expires_at);
        }
        Ok(touched)
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(sweep_due(&self.original, &self.due, now, limit))
    }
}

swept! {
    SweepsWhatItCollected;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let expired: Vec<_> = {
            let records = self.original.records();
            records.iter().filter(|(_, record)| record.expires_at() < now).map(|(key, _)| *key).take(limit).collect()
        };
        sleep(Duration::from_millis(1)).await;
        Ok(take(&self.original, limit, |key, _| expired.contains(key)).len())
    }
}

swept! {
    SweptKeyIsTaken { marks: Mutex<HashSet<StoreKey>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if self.marks.lock().unwrap().contains(key) {
            return Err(Error::new(ErrorKind::Backend, "the key is taken"));
        }
        self.original.create(key, record)
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let taken = take(&self.original, limit, |_, record| record.expires_at() < now);
        self.marks.lock().unwrap().extend(&taken);
        Ok(taken.len())
    }
}

/// The long expired records that are marked as swept but still exist.
type Marked = Mutex<HashMap<StoreKey, Record>>;

fn mark(original: &Original, marked: &Marked, now: SystemTime, limit: usize) -> usize {
    let old = original.records().clone();
    let taken = take(original, limit, |_, record| record.expires_at() < now);
    let long_expired = old.into_iter().filter(|(_, record)| record.expires_at() + LATE < now);
    marked.lock().unwrap().extend(long_expired.filter(|(key, _)| taken.contains(key)));
    taken.len()
}

swept! {
    SweptCanBeReplaced { marked: Marked };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let quiet = self.marked.lock().unwrap().get(key).is_some_and(|old| old.version() == expected);
        if quiet {
            return self.original.create(key, record).map(Replaced::Done);
        }
        Ok(self.original.replace(key, expected, record))
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(mark(&self.original, &self.marked, now, limit))
    }
}

swept! {
    SweptCanBeTouched { marked: Marked };
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let quiet = self.marked.lock().unwrap().get(key).is_some_and(|old| old.version() == expected);
        Ok(quiet || self.original.touch(key, expected, expires_at))
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(mark(&self.original, &self.marked, now, limit))
    }
}

swept! {
    CountsEachRecordTwice;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(limit.min(self.original.sweep(now, limit) * 2))
    }
}

swept! {
    ExaminesAsManyAsItMayRemove;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let mut keys: Vec<_> = self.original.records().keys().copied().collect();
        keys.sort_by_key(|key| *key.as_bytes());
        keys.truncate(limit);
        Ok(take(&self.original, limit, |key, record| record.expires_at() < now && keys.contains(key)).len())
    }
}

swept! {
    LimitOf32Bits;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(self.original.sweep(now, i32::try_from(limit).map_or(0, |_| limit)))
    }
}

swept! {
    SweepRoundsNowUp;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let part = since_1970(now).subsec_nanos();
        let up = if part == 0 { 0 } else { 1_000_000_000 - part };
        Ok(self.original.sweep(now + Duration::from_nanos(up.into()), limit))
    }
}

swept! {
    /// A batch has 100 records, and is not limited.
    RemovesWholeBatches;
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let mut removed = self.original.sweep(now, limit.min(100));
        while removed > 0 && removed.is_multiple_of(100) && removed < limit {
            let more = self.original.sweep(now, 100);
            removed += more;
            if more == 0 {
                break;
            }
        }
        Ok(removed)
    }
}
