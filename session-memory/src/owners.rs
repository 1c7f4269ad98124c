//! The index of keys by owner.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use session_core::store::StoreKey;

/// The keys of each owner, in order.
///
/// The index is changed under the lock of the record's shard. Therefore a key is listed exactly
/// while its record has the owner. No shard is locked while the index is locked.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    keys: Mutex<BTreeSet<(Arc<str>, StoreKey)>>,
}

impl Owners {
    pub(crate) fn keys_of(&self, owner: &str) -> Vec<StoreKey> {
        let first = (Arc::from(owner), StoreKey::from_bytes([0; 32]));
        let keys = self.lock();
        keys.range(first..).take_while(|(of, _)| **of == *owner).map(|(_, key)| *key).collect()
    }

    /// Lists the key under its new owner instead of its old owner.
    pub(crate) fn change(&self, key: StoreKey, old: Option<Arc<str>>, new: Option<Arc<str>>) {
        if old.is_none() && new.is_none() {
            return;
        }
        let mut keys = self.lock();
        if let Some(new) = new {
            keys.insert((new, key));
        }
        if let Some(old) = old {
            keys.remove(&(old, key));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(Arc<str>, StoreKey)>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
