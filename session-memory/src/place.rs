//! One key's place in the cache.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use session_core::{Record, Version};

/// Where a record is, from its creation until it is removed or evicted. It changes in place, under a lock that only the calls on
/// this key want: an exchange through the cache costs many times as much. A place that was closed stays so.
#[derive(Debug)]
pub(crate) struct Place {
    record: Mutex<Option<Record>>,
}

impl Place {
    pub(crate) fn new(record: Record) -> Self {
        Self { record: Mutex::new(Some(record)) }
    }

    pub(crate) fn record(&self) -> Option<Record> {
        self.lock().clone()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_none()
    }

    /// The version, if the record expires before this moment.
    pub(crate) fn version_before(&self, moment: SystemTime) -> Option<Version> {
        self.lock().as_ref().filter(|record| record.expires_at() < moment).map(Record::version)
    }

    /// Changes the record at a version; the one before, if that version was there.
    pub(crate) fn change(&self, expected: Version, change: impl FnOnce(&Record) -> Record) -> Option<Record> {
        let mut record = self.lock();
        let old = record.as_mut().filter(|old| old.version() == expected)?;
        let new = change(old);
        Some(std::mem::replace(old, new))
    }

    /// Closes the place; the record that was there.
    pub(crate) fn close(&self) -> Option<Record> {
        self.lock().take()
    }

    /// Closes the place of a record at a version; the record, if that version was there.
    pub(crate) fn close_at(&self, expected: Version) -> Option<Record> {
        self.lock().take_if(|record| record.version() == expected)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Record>> {
        // A record is exchanged as a whole, so a poisoned place is still right.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
