//! Mutants of the rules of `load_many`.

use std::collections::HashSet;

use session_core::store::{Record, StoreKey};
use session_core::{Error, ErrorKind};

use super::mutation::{mutants, mutation};
use super::original::Original;

mutants! {
    AbsentRecordsAreLeftOut breaks load_many_returns_what_load_returns;
    RecordsAreInTheOrderOfTheirKeys breaks load_many_returns_what_load_returns;
    ARecordIsLoadedOnce breaks load_many_returns_what_load_returns;
    AThousandRecordsAreLoaded breaks load_many_returns_what_load_returns;
    NothingCannotBeLoaded breaks load_many_returns_what_load_returns;
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
    NothingCannotBeLoaded;
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        if keys.is_empty() {
            return Err(Error::new(ErrorKind::Backend, "syntax error at or near \")\""));
        }
        Ok(load_each(&self.original, keys))
    }
}
