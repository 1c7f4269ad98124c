//! Mutants of the rules of calls that run on several threads. Their calls have no `await`.

use std::ops::RangeInclusive;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use session_core::Error;
use session_core::store::{NewRecord, Replaced, StoreKey, Version};

use super::listing::{Forgotten, all_but};
use super::mutation::{mutants, mutation};

mutants! {
    ReplaceRemovesFirst breaks read_on_other_thread_sees_whole_record;
    ReplaceWritesTheExpiryFirst breaks read_on_other_thread_sees_whole_record;
    TouchRemovesFirst breaks read_on_other_thread_sees_whole_record;
    ReplaceRemovesTheEntryFirst breaks record_stays_listed_while_other_thread_writes;
    TouchRemovesTheEntryFirst breaks record_stays_listed_while_other_thread_writes;
}

/// The time between two steps.
const MOMENT: Duration = Duration::from_micros(100);

/// The length of a record that one thread writes while another reads it.
const SHARED: RangeInclusive<usize> = 300..=400;

/// Returns whether one thread writes the record while another reads it.
fn is_shared(payload: &[u8]) -> bool {
    SHARED.contains(&payload.len()) && matches!(payload.first(), Some(b'x' | b'y'))
}

mutation! {
    ReplaceRemovesFirst;
    fn blocks_other_threads(&self) -> bool { false }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if !is_shared(record.payload()) {
            return Ok(self.original.replace(key, expected, record));
        }
        if !self.original.remove(key, expected) {
            return Ok(Replaced::Stale);
        }
        sleep(MOMENT);
        self.original.create(key, record).map(Replaced::Done)
    }
}

mutation! {
    ReplaceWritesTheExpiryFirst;
    fn blocks_other_threads(&self) -> bool { false }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if is_shared(record.payload()) {
            let mut records = self.original.records();
            let old = records.get_mut(key).filter(|old| old.version() == expected);
            if let Some(old) = old {
                *old = old.touched(expected.clone(), record.expires_at());
            }
            drop(records);
            sleep(MOMENT);
        }
        Ok(self.original.replace(key, expected, record))
    }
}

mutation! {
    TouchRemovesFirst;
    fn blocks_other_threads(&self) -> bool { false }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let old = self.original.load(key).filter(|old| is_shared(old.payload()));
        let Some(old) = old else { return Ok(self.original.touch(key, expected, expires_at)) };
        if !self.original.remove(key, expected) {
            return Ok(false);
        }
        sleep(MOMENT);
        let touched = old.touched(self.original.next_version(), expires_at);
        self.original.records().insert(*key, touched);
        Ok(true)
    }
}

mutation! {
    ReplaceRemovesTheEntryFirst { absent: Forgotten };
    fn blocks_other_threads(&self) -> bool { false }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if is_shared(record.payload()) {
            self.absent.lock().unwrap().insert(*key);
            sleep(MOMENT);
        }
        let replaced = self.original.replace(key, expected, record);
        self.absent.lock().unwrap().remove(key);
        Ok(replaced)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.absent, self.original.keys_of(owner)))
    }
}

mutation! {
    TouchRemovesTheEntryFirst { absent: Forgotten };
    fn blocks_other_threads(&self) -> bool { false }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        if self.original.load(key).is_some_and(|old| is_shared(old.payload())) {
            self.absent.lock().unwrap().insert(*key);
            sleep(MOMENT);
        }
        let touched = self.original.touch(key, expected, expires_at);
        self.absent.lock().unwrap().remove(key);
        Ok(touched)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.absent, self.original.keys_of(owner)))
    }
}
