//! Indexes that miss keys.

use std::collections::HashSet;
use std::sync::Mutex;

use session_core::store::{Record, StoreKey};

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
