//! The sessions of one process, as a substitute for a database.
//!
//! A write names the version it was computed from. If the record has another version at the time of
//! the write, the table changes nothing, and the caller computes the write again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use session_core::login::Login;

/// Records by handle.
#[derive(Default)]
pub(crate) struct Table(Mutex<HashMap<String, Record>>);

#[derive(Clone)]
pub(crate) struct Record {
    /// Counts the writes.
    pub(crate) version: u64,
    /// The part of the cookie that changes when the id is rotated.
    pub(crate) secret: String,
    /// The previous secret, and the time until which `open` accepts the secret.
    pub(crate) previous: Option<(String, SystemTime)>,
    /// The number of times that requests in progress were cut off.
    pub(crate) cut_offs: u32,
    pub(crate) payload: String,
    pub(crate) login: Option<Login>,
    pub(crate) created_at: SystemTime,
    pub(crate) last_seen: SystemTime,
    pub(crate) expires_at: SystemTime,
}

impl Table {
    /// Returns a record, or `None` if the record does not exist or has expired.
    pub(crate) fn load(&self, handle: &str, now: SystemTime) -> Option<Record> {
        self.lock().get(handle).filter(|record| now <= record.expires_at).cloned()
    }

    /// Writes a record if the stored record has the version `expected`, or if no record exists and
    /// `expected` is `None`. Returns `false` and changes nothing otherwise.
    pub(crate) fn swap(&self, handle: &str, expected: Option<u64>, record: Record) -> bool {
        let mut records = self.lock();
        let is_expected = records.get(handle).map(|record| record.version) == expected;
        if is_expected {
            records.insert(handle.to_owned(), record);
        }
        is_expected
    }

    /// Removes a record if it has this version. Returns `false` and changes nothing otherwise.
    pub(crate) fn remove_version(&self, handle: &str, expected: u64) -> bool {
        let mut records = self.lock();
        let is_expected = records.get(handle).is_some_and(|record| record.version == expected);
        if is_expected {
            records.remove(handle);
        }
        is_expected
    }

    pub(crate) fn remove(&self, handle: &str) {
        self.lock().remove(handle);
    }

    /// Removes all records that `is_unwanted` selects, and returns the number of removed records.
    pub(crate) fn remove_where(&self, is_unwanted: impl Fn(&str, &Record) -> bool) -> usize {
        let mut records = self.lock();
        let before = records.len();
        records.retain(|handle, record| !is_unwanted(handle, record));
        before - records.len()
    }

    /// Returns the live sessions of an owner, with their handles.
    pub(crate) fn owned_by(&self, owner: &str, now: SystemTime) -> Vec<(String, Record)> {
        let records = self.lock();
        let found = records.iter().filter(|(_, record)| record.is_owned_by(owner, now));
        found.map(|(handle, record)| (handle.clone(), record.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Record>> {
        // Only the methods above run under the lock. None of these methods leaves a partial change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// Returns whether the session is live and has this owner.
    pub(crate) fn is_owned_by(&self, owner: &str, now: SystemTime) -> bool {
        now <= self.expires_at && self.login.as_ref().is_some_and(|login| login.owner() == owner)
    }
}
