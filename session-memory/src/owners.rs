//! The index by owner.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use session_core::{StoreKey, Version};

/// Which keys an owner has. Each version of a record is noted from before it can be read until after it is gone, so that
/// whatever calls and evictions overlap, a key is listed while a record of it bears the owner.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    keys: Mutex<HashMap<String, HashMap<StoreKey, Vec<Version>>>>,
}

impl Owners {
    pub(crate) fn keys_of(&self, owner: &str) -> Vec<StoreKey> {
        self.lock().get(owner).map(|keys| keys.keys().copied().collect()).unwrap_or_default()
    }

    pub(crate) fn note(&self, key: &StoreKey, owner: Option<&str>, version: Version) {
        let Some(owner) = owner else { return };
        let mut owners = self.lock();
        if !owners.contains_key(owner) {
            owners.insert(owner.to_owned(), HashMap::new());
        }
        if let Some(keys) = owners.get_mut(owner) {
            keys.entry(*key).or_default().push(version);
        }
    }

    pub(crate) fn forget(&self, key: &StoreKey, owner: Option<&str>, version: Version) {
        let Some(owner) = owner else { return };
        let mut owners = self.lock();
        let Some(keys) = owners.get_mut(owner) else { return };
        if let Some(versions) = keys.get_mut(key) {
            versions.retain(|noted| *noted != version);
            if versions.is_empty() {
                keys.remove(key);
            }
        }
        if keys.is_empty() {
            owners.remove(owner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, HashMap<StoreKey, Vec<Version>>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
