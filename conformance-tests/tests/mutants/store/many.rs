//! Mutants of the rules of thousands of records.

use std::collections::VecDeque;
use std::sync::Mutex;

use session_core::Error;
use session_core::store::{NewRecord, StoreKey, Version};

use super::mutation::{mutants, mutation};

mutants! {
    EvictsAtTwoThousand breaks record_stays_beside_thousands_of_others;
    EvictsTheNewest breaks record_stays_beside_thousands_of_others;
}

/// The capacity for records without an owner.
const CAPACITY: usize = 2_000;

/// The keys of the records without an owner.
type Keys = Mutex<VecDeque<StoreKey>>;

mutation! {
    EvictsAtTwoThousand { keys: Keys };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let mut keys = self.keys.lock().unwrap();
        keys.extend(record.owner().is_none().then_some(*key));
        if keys.len() > CAPACITY && let Some(oldest) = keys.pop_front() {
            self.original.records().remove(&oldest);
        }
        self.original.create(key, record)
    }
}

mutation! {
    /// A full table stores nothing more.
    EvictsTheNewest { keys: Keys };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let mut keys = self.keys.lock().unwrap();
        let is_full = record.owner().is_none() && keys.len() >= CAPACITY;
        keys.extend((record.owner().is_none() && !is_full).then_some(*key));
        if is_full { Ok(self.original.next_version()) } else { self.original.create(key, record) }
    }
}
