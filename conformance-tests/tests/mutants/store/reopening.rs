//! Mutants of the rules of a store that is closed and opened again, as by a process that restarts.

use std::sync::Mutex;
use std::time::SystemTime;

use session_core::Error;
use session_core::store::{NewRecord, Record, StoreKey, Version};

use super::listing::{Forgotten, all_but};
use super::mutation::{mutants, mutation, swept};
use super::original::Original;

mutants! {
    VersionsRestart breaks versions_do_not_restart_with_process;
    LastWriteIsNotOnTheDisk breaks reopened_store_has_every_record;
    RemovedRecordIsBack breaks reopened_store_has_every_record;
    IndexIsInMemory breaks reopened_store_has_every_record;
    VersionsAreNewAtStart breaks reopened_store_has_every_record;
    LongPayloadIsInMemory breaks reopened_store_has_every_record;
    ExpiryIndexIsInMemory breaks reopened_store_sweeps_and_refuses;
}

mutation! {
    VersionsRestart;
    fn reopened(&self) -> Option<Self> {
        Some(Self { original: self.original.with_new_versions() })
    }
}

/// Returns the records of a store after a change of them.
fn changed(original: &Original, change: impl FnOnce(&mut Vec<(StoreKey, Record)>)) -> Original {
    let mut records: Vec<_> = original.records().drain().collect();
    change(&mut records);
    original.records().extend(records);
    original.clone()
}

mutation! {
    /// A touch is written to the disk later.
    LastWriteIsNotOnTheDisk { touched: Mutex<Vec<(StoreKey, Record)>> };
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        self.touched.lock().unwrap().extend(self.original.load(key).map(|record| (*key, record)));
        Ok(self.original.touch(key, expected, expires_at))
    }
    fn reopened(&self) -> Option<Self> {
        let old: Vec<_> = self.touched.lock().unwrap().drain(..).collect();
        let original = changed(&self.original, |records| records.extend(old));
        Some(Self { original, touched: Mutex::default() })
    }
}

mutation! {
    RemovedRecordIsBack { removed: Mutex<Vec<(StoreKey, Record)>> };
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let old = self.original.load(key).filter(|old| old.payload() == b"removed");
        self.removed.lock().unwrap().extend(old.map(|record| (*key, record)));
        Ok(self.original.remove(key, expected))
    }
    fn reopened(&self) -> Option<Self> {
        let old: Vec<_> = self.removed.lock().unwrap().drain(..).collect();
        let original = changed(&self.original, |records| records.extend(old));
        Some(Self { original, removed: Mutex::default() })
    }
}

mutation! {
    IndexIsInMemory { lost: Forgotten };
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.lost, self.original.keys_of(owner)))
    }
    fn reopened(&self) -> Option<Self> {
        let lost = self.original.records().keys().copied().collect();
        Some(Self { original: self.original.clone(), lost: Mutex::new(lost) })
    }
}

mutation! {
    VersionsAreNewAtStart;
    fn reopened(&self) -> Option<Self> {
        let original = changed(&self.original, |records| {
            for (_, record) in records.iter_mut().filter(|(_, record)| record.owner() == Some("")) {
                *record = record.touched(self.original.next_version(), record.expires_at());
            }
        });
        Some(Self { original })
    }
}

mutation! {
    LongPayloadIsInMemory;
    fn reopened(&self) -> Option<Self> {
        let original = changed(&self.original, |records| {
            for (_, record) in records.iter_mut().filter(|(_, record)| record.payload().len() > 60_000) {
                let empty = NewRecord::new(b"", record.created_at(), record.expires_at());
                *record = Record::new(record.version(), &empty.owned_by(record.owner()));
            }
        });
        Some(Self { original })
    }
}

swept! {
    ExpiryIndexIsInMemory { lost: Forgotten };
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        let lost = self.lost.lock().unwrap();
        let mut records = self.original.records();
        let expired = records.iter().filter(|(key, record)| record.expires_at() < now && !lost.contains(key));
        let expired: Vec<_> = expired.map(|(key, _)| *key).take(limit).collect();
        records.retain(|key, _| !expired.contains(key));
        Ok(expired.len())
    }
    fn reopened(&self) -> Option<Self> {
        let lost = self.original.records().keys().copied().collect();
        Some(Self { original: self.original.clone(), lost: Mutex::new(lost) })
    }
}
