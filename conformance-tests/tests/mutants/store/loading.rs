//! Mutants of the rules of `load_many`.

use std::collections::HashSet;
use std::sync::Mutex;

use session_core::store::{NewRecord, Record, StoreKey};
use session_core::{Error, ErrorKind};

use super::mutation::{mutants, mutation};
use super::original::Original;

mutants! {
    AbsentRecordsAreLeftOut breaks load_many_returns_what_load_returns;
    RecordsAreInTheOrderOfTheirKeys breaks load_many_returns_what_load_returns;
    ARecordIsLoadedOnce breaks load_many_returns_what_load_returns;
    AThousandRecordsAreLoaded breaks load_many_returns_what_load_returns;
    TwoThousandRecordsAreLoaded breaks load_many_returns_what_load_returns;
    FourThousandKeysAreTooMany breaks load_many_returns_what_load_returns;
    NothingCannotBeLoaded breaks load_many_returns_what_load_returns;
    RecentLosesTheOwner breaks recent_copy_is_whole_record;
    RecentIsOfAnotherKey breaks recent_copy_is_whole_record;
    RecentMissesTheShort breaks recent_copy_is_whole_record;
}

/// The engine loads fewer records than this in every other rule.
const MANY: usize = 8;

fn load_each(original: &Original, keys: &[StoreKey]) -> Vec<Option<Record>> {
    keys.iter().map(|key| original.load(key)).collect()
}

mutation! {
    AbsentRecordsAreLeftOut;
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let mut records = load_each(&self.original, keys);
        records.retain(|record| record.is_some() || keys.len() <= MANY);
        Ok(records)
    }
}

mutation! {
    RecordsAreInTheOrderOfTheirKeys;
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let mut keys = keys.to_vec();
        if keys.len() > MANY {
            keys.sort_unstable();
        }
        Ok(load_each(&self.original, &keys))
    }
}

mutation! {
    ARecordIsLoadedOnce;
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let mut loaded = HashSet::new();
        let load = |key: &StoreKey| if loaded.insert(*key) { self.original.load(key) } else { None };
        Ok(keys.iter().map(load).collect())
    }
}

mutation! {
    AThousandRecordsAreLoaded;
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        Ok(load_each(&self.original, &keys[..keys.len().min(1_000)]))
    }
}

mutation! {
    TwoThousandRecordsAreLoaded;
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let mut records = load_each(&self.original, &keys[..keys.len().min(2_000)]);
        records.resize(keys.len(), None);
        Ok(records)
    }
}

mutation! {
    FourThousandKeysAreTooMany;
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        if keys.len() > 4_000 {
            return Err(Error::new(ErrorKind::Backend, "too many parameters"));
        }
        Ok(load_each(&self.original, keys))
    }
}

mutation! {
    NothingCannotBeLoaded;
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        if keys.is_empty() {
            return Err(Error::new(ErrorKind::Backend, "syntax error at or near \")\""));
        }
        Ok(load_each(&self.original, keys))
    }
}

mutation! {
    RecentLosesTheOwner;
    async fn load_recent(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let Some(record) = self.original.load(key).filter(|record| record.payload().len() < 100) else {
            return Ok(self.original.load(key));
        };
        let copy = NewRecord::new(record.payload(), record.created_at(), record.expires_at());
        Ok(Some(Record::new(record.version(), &copy)))
    }
}

mutation! {
    /// A cache with room for one short record.
    RecentIsOfAnotherKey { copy: Mutex<Option<Record>> };
    async fn load_recent(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let record = self.original.load(key);
        let mut copy = self.copy.lock().unwrap();
        if record.as_ref().is_some_and(|record| record.payload().len() < 100) {
            copy.clone_from(&record);
        }
        Ok(record.or_else(|| copy.clone()))
    }
}

mutation! {
    RecentMissesTheShort;
    async fn load_recent(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        Ok(self.original.load(key).filter(|record| record.payload().len() > 100))
    }
}
