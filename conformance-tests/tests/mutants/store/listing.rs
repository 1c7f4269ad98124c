//! Indexes that miss keys.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use session_core::store::{Record, StoreKey};

use tokio::task::yield_now;

use super::original::Original;

/// The keys that an index misses.
pub type Forgotten = Mutex<HashSet<StoreKey>>;

pub fn all_but(forgotten: &Forgotten, mut keys: Vec<StoreKey>) -> Vec<StoreKey> {
    keys.retain(|key| !forgotten.lock().unwrap().contains(key));
    keys
}

/// Returns the keys of the records that are listed under an owner.
pub fn list(original: &Original, listed: impl Fn(&StoreKey, &Record) -> bool) -> Vec<StoreKey> {
    original
        .records()
        .iter()
        .filter(|(key, record)| listed(key, record))
        .map(|(key, _)| *key)
        .collect()
}

pub fn is_owned_by(record: &Record, owner: &str) -> bool {
    record.owner() == Some(owner)
}

/// The keys of each owner, in lists separate from the records.
#[derive(Debug, Default)]
pub struct Lists(Mutex<HashMap<String, HashSet<StoreKey>>>);

impl Lists {
    pub fn of(&self, owner: &str) -> Vec<StoreKey> {
        self.0.lock().unwrap().get(owner).into_iter().flatten().copied().collect()
    }

    pub fn add(&self, owner: Option<&str>, key: &StoreKey) {
        if let Some(owner) = owner {
            self.0.lock().unwrap().entry(owner.to_owned()).or_default().insert(*key);
        }
    }

    pub fn remove(&self, owner: Option<&str>, key: &StoreKey) {
        let mut lists = self.0.lock().unwrap();
        if let Some(list) = owner.and_then(|owner| lists.get_mut(owner)) {
            list.remove(key);
        }
    }

    /// Reads the list, and writes it back later.
    pub async fn remove_slowly(&self, owner: Option<&str>, key: &StoreKey) {
        let Some(owner) = owner else { return };
        let rest = self.of(owner).into_iter().filter(|other| other != key).collect();
        yield_now().await;
        self.0.lock().unwrap().insert(owner.to_owned(), rest);
    }
}
