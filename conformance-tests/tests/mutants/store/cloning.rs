//! Mutants of the rules of clones of a store.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use session_core::Error;
use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::listing::Forgotten;
use super::mutation::{mutants, mutation};
use super::written::{MIDDLING, is_short};

mutants! {
    LongOnesStayWithTheirClone breaks clone_reads_records_of_other_clone;
    EachCloneHasACache breaks clone_reads_records_of_other_clone;
    TouchesAreWrittenLater breaks clone_reads_records_of_other_clone;
    ReplacesOnlyWhatItKnows breaks clone_changes_records_of_other_clone;
    TouchesOnlyWhatItKnows breaks clone_changes_records_of_other_clone;
    RemovesOnlyWhatItKnows breaks clone_changes_records_of_other_clone;
    EachCloneCounts breaks clones_never_return_same_version;
    EachCloneHasALock breaks concurrent_replace_by_clones_succeeds_once;
    EachCloneHasAnIndex breaks clone_lists_keys_of_other_clone;
    EachCloneHasAQueue breaks concurrent_calls_of_clones_have_order;
    DropOfACloneCloses breaks dropped_clone_leaves_store_usable;
}

/// A clone with the same records, but with separate fields.
macro_rules! with_own_notes {
    () => {
        fn clone_of(&self) -> Option<Self> {
            Some(Self { original: self.original.clone(), ..Self::default() })
        }
    };
}

mutation! {
    LongOnesStayWithTheirClone { mine: Mutex<HashSet<StoreKey>> };
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let mine = self.mine.lock().unwrap().contains(key);
        Ok(self.original.load(key).filter(|record| mine || !MIDDLING.contains(&record.payload().len())))
    }
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.mine.lock().unwrap().insert(*key);
        self.original.create(key, record)
    }
    with_own_notes! {}
}

mutation! {
    EachCloneHasACache { cache: Mutex<HashMap<StoreKey, Record>> };
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        if let Some(cached) = self.cache.lock().unwrap().get(key) {
            return Ok(Some(cached.clone()));
        }
        let record = self.original.load(key);
        if let Some(long) = record.as_ref().filter(|record| MIDDLING.contains(&record.payload().len())) {
            self.cache.lock().unwrap().insert(*key, long.clone());
        }
        Ok(record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.cache.lock().unwrap().remove(key);
        Ok(self.original.replace(key, expected, record))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        self.cache.lock().unwrap().remove(key);
        Ok(self.original.touch(key, expected, expires_at))
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.cache.lock().unwrap().remove(key);
        Ok(self.original.remove(key, expected))
    }
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        self.cache.lock().unwrap().clear();
        Ok(self.original.sweep(now, limit))
    }
    with_own_notes! {}
}

mutation! {
    /// A clone delays renewals of long records. Only calls on this clone see them.
    TouchesAreWrittenLater { waiting: Mutex<HashMap<(StoreKey, Version), SystemTime>> };
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let waiting = self.waiting.lock().unwrap();
        Ok(self.original.load(key).map(|record| match waiting.get(&(*key, record.version())) {
            Some(expires_at) => record.touched(record.version(), *expires_at),
            None => record,
        }))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let old = self.original.load(key).filter(|old| MIDDLING.contains(&old.payload().len()) && old.version() == expected);
        if old.is_none() {
            return Ok(self.original.touch(key, expected, expires_at));
        }
        self.waiting.lock().unwrap().insert((*key, expected), expires_at);
        Ok(true)
    }
    with_own_notes! {}
}

/// Clones that apply one call to a long record only at a version that they have seen.
macro_rules! only_what_it_knows {
    ($($name:ident $operation:literal;)+) => {
        $(mutation! {
            $name { known: Mutex<HashSet<Version>> };
            async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
                let record = self.original.load(key);
                self.known.lock().unwrap().extend(record.as_ref().map(Record::version));
                Ok(record)
            }
            async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
                let version = self.original.create(key, record)?;
                self.known.lock().unwrap().insert(version.clone());
                Ok(version)
            }
            async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
                if $operation == "replace" && !self.knows(key, &expected) {
                    return Ok(Replaced::Stale);
                }
                let replaced = self.original.replace(key, expected, record);
                if let Replaced::Done(version) = &replaced {
                    self.known.lock().unwrap().insert(version.clone());
                }
                Ok(replaced)
            }
            async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
                let acts = $operation != "touch" || self.knows(key, &expected);
                Ok(acts && self.original.touch(key, expected, expires_at))
            }
            async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
                let acts = $operation != "remove" || self.knows(key, &expected);
                Ok(acts && self.original.remove(key, expected))
            }
            with_own_notes! {}
        }

        impl $name {
            fn knows(&self, key: &StoreKey, version: &Version) -> bool {
                let long = self.original.load(key).is_some_and(|record| MIDDLING.contains(&record.payload().len()));
                !long || self.known.lock().unwrap().contains(version)
            }
        })+
    };
}

only_what_it_knows! {
    ReplacesOnlyWhatItKnows "replace";
    TouchesOnlyWhatItKnows "touch";
    RemovesOnlyWhatItKnows "remove";
}

mutation! {
    EachCloneCounts { counter: AtomicU64 };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if !is_short(record) || self.original.load(key).is_some() {
            return self.original.create(key, record);
        }
        let version = self.count();
        let mut records = self.original.records();
        if records.contains_key(key) {
            drop(records);
            return self.original.create(key, record);
        }
        records.insert(*key, Record::new(version.clone(), record));
        Ok(version)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if !is_short(record) {
            return Ok(self.original.replace(key, expected, record));
        }
        let version = self.count();
        match self.original.records().get_mut(key) {
            Some(old) if old.version() == expected => {
                *old = Record::new(version.clone(), record);
                Ok(Replaced::Done(version))
            }
            _ => Ok(Replaced::Stale),
        }
    }
    with_own_notes! {}
}

impl EachCloneCounts {
    /// Returns versions that the original does not use.
    fn count(&self) -> Version {
        Version::new((1 << 32) + self.counter.fetch_add(1, Ordering::Relaxed))
    }
}

mutation! {
    /// A lock covers the comparison and the write, but clones do not share it.
    EachCloneHasALock { lock: tokio::sync::Mutex<()> };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if !MIDDLING.contains(&record.payload().len()) {
            return Ok(self.original.replace(key, expected, record));
        }
        let _held = self.lock.lock().await;
        if self.original.load(key).is_none_or(|old| old.version() != expected) {
            return Ok(Replaced::Stale);
        }
        sleep(Duration::from_millis(1)).await;
        let version = self.original.next_version();
        self.original.records().insert(*key, Record::new(version.clone(), record));
        Ok(Replaced::Done(version))
    }
    with_own_notes! {}
}

mutation! {
    EachCloneHasAnIndex { mine: Forgotten };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.mine.lock().unwrap().insert(*key);
        self.original.create(key, record)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let mine = self.mine.lock().unwrap();
        Ok(self.original.keys_of(owner).into_iter().filter(|key| mine.contains(key)).collect())
    }
    with_own_notes! {}
}

mutation! {
    /// Calls of one clone wait for each other.
    EachCloneHasAQueue { queue: tokio::sync::Mutex<()> };
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let _turn = self.queue.lock().await;
        if self.original.load(key).is_none_or(|record| record.version() != expected) {
            return Ok(false);
        }
        yield_now().await;
        Ok(self.original.records().remove(key).is_some())
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let _turn = self.queue.lock().await;
        Ok(self.original.replace(key, expected, record))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let _turn = self.queue.lock().await;
        Ok(self.original.touch(key, expected, expires_at))
    }
    with_own_notes! {}
}

mutation! {
    DropOfACloneCloses { is_clone: AtomicBool };
    fn clone_of(&self) -> Option<Self> {
        Some(Self { original: self.original.clone(), is_clone: AtomicBool::new(true) })
    }
}

impl Drop for DropOfACloneCloses {
    fn drop(&mut self) {
        if self.is_clone.load(Ordering::Relaxed) {
            self.original.set_down(true);
        }
    }
}
