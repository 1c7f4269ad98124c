//! The store that mutants change. It fulfils every rule, with a manual clock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use session_core::store::{MAX_CLOCK_SKEW, NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Clock, Error, ErrorKind, ManualClock, async_trait};

use super::mutation::Mutation;

/// The time for which a record stays after its expiry.
const GRACE: Duration = Duration::from_secs(5);

const FOR_EVER: Duration = Duration::from_hours(24 * 365 * 1000);

/// With more records than this, the expired ones are removed only after time has passed.
const MANY: usize = 1_000;

/// The first version. It shows that versions have more than 16 bits.
const FIRST: u64 = 1 << 17;

/// Records in a map. Clones are the same store.
#[derive(Clone, Debug)]
pub struct Original {
    records: Arc<Mutex<HashMap<StoreKey, Record>>>,
    versions: Arc<AtomicU64>,
    calls: Arc<Mutex<()>>,
    down: Arc<AtomicBool>,
    clock: ManualClock,
    cleaned_at: Arc<Mutex<SystemTime>>,
    grace: Duration,
}

impl Original {
    /// Returns a store that removes records only in a sweep.
    pub fn to_be_swept() -> Self {
        Self { grace: FOR_EVER, ..Self::default() }
    }

    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    pub fn next_version(&self) -> Version {
        Version::new(self.versions.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the same records with a counter of versions that starts again.
    pub fn with_new_versions(&self) -> Self {
        Self { versions: Arc::new(AtomicU64::new(FIRST)), ..self.clone() }
    }

    /// Starts or ends an outage.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// Blocks all other calls.
    pub fn alone(&self) -> MutexGuard<'_, ()> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the records, without those that expired long ago.
    pub fn records(&self) -> MutexGuard<'_, HashMap<StoreKey, Record>> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let mut before = self.cleaned_at.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() <= MANY || now != std::mem::replace(&mut *before, now) {
            records.retain(|_, record| now <= record.expires_at() + self.grace);
        }
        records
    }

    pub fn load(&self, key: &StoreKey) -> Option<Record> {
        self.records().get(key).cloned()
    }

    pub fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.next_version();
        let mut records = self.records();
        if records.contains_key(key) {
            return Err(Error::new(ErrorKind::Backend, "a record already exists under this key"));
        }
        records.insert(*key, Record::new(version.clone(), record));
        Ok(version)
    }

    pub fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Replaced {
        let version = self.next_version();
        match self.records().get_mut(key) {
            Some(old) if old.version() == expected => {
                *old = Record::new(version.clone(), record);
                Replaced::Done(version)
            }
            _ => Replaced::Stale,
        }
    }

    pub fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> bool {
        let version = self.next_version();
        match self.records().get_mut(key) {
            Some(old) if old.version() == expected => {
                *old = old.touched(version, expires_at);
                true
            }
            _ => false,
        }
    }

    pub fn remove(&self, key: &StoreKey, expected: Version) -> bool {
        let mut records = self.records();
        let there = records.get(key).is_some_and(|record| record.version() == expected);
        if there {
            records.remove(key);
        }
        there
    }

    pub fn keys_of(&self, owner: &str) -> Vec<StoreKey> {
        let records = self.records();
        records
            .iter()
            .filter(|(_, record)| record.owner() == Some(owner))
            .map(|(key, _)| *key)
            .collect()
    }

    pub fn sweep(&self, now: SystemTime, limit: usize) -> usize {
        let mut records = self.records();
        let expired =
            records.iter().filter(|(_, record)| record.expires_at() < now).map(|(key, _)| *key);
        let expired: Vec<_> = expired.take(limit).collect();
        for key in &expired {
            records.remove(key);
        }
        expired.len()
    }
}

impl Default for Original {
    fn default() -> Self {
        // A whole second, so that only a rule about fractions detects a mutant that loses them.
        let second = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(second));
        Self {
            records: Arc::default(),
            versions: Arc::new(AtomicU64::new(FIRST)),
            calls: Arc::default(),
            down: Arc::default(),
            cleaned_at: Arc::new(Mutex::new(clock.now())),
            clock,
            grace: GRACE,
        }
    }
}

/// The mutant that changes nothing.
#[derive(Debug, Default)]
pub struct Unchanged(Original);

impl Mutation for Unchanged {
    fn original(&self) -> &Original {
        &self.0
    }
}

/// The same with sweeps that keep a record as long as they may.
#[derive(Debug)]
pub struct Patient(Original);

impl Default for Patient {
    fn default() -> Self {
        Self(Original::to_be_swept())
    }
}

#[async_trait]
impl Mutation for Patient {
    fn original(&self) -> &Original {
        &self.0
    }

    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        Ok(self.0.sweep(now - MAX_CLOCK_SKEW, limit))
    }
}

/// The same with a declared maximum.
#[derive(Debug, Default)]
pub struct Limited(Original);

impl Mutation for Limited {
    fn original(&self) -> &Original {
        &self.0
    }

    fn max_payload(&self) -> Option<usize> {
        Some(50_000)
    }
}
