//! The records of the stage, and which request wrote each.

use std::collections::BTreeMap;
use std::time::SystemTime;

use session_core::store::{Record, Replaced, StoreKey, Version};
use session_core::{Error, ErrorKind};

use crate::stage::TEST;

/// The kind byte of a session's record. Other records are tombstones.
const SESSION: u8 = 1;
/// The kind byte of a record in place of a removed session.
const ENDED: u8 = 3;

#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    of_keys: BTreeMap<StoreKey, Record>,
    versions: u64,
    /// The request whose call is carried out.
    pub(crate) writer: usize,
    /// The request and the key of each write.
    writes: Vec<(usize, StoreKey)>,
}

impl Records {
    /// Removes the recorded writers.
    pub(crate) fn begin(&mut self) {
        self.writes.clear();
    }

    pub(crate) fn next_version(&mut self) -> Version {
        self.versions += 1;
        Version::new(self.versions)
    }

    pub(crate) fn load(&self, key: &StoreKey) -> Option<Record> {
        self.of_keys.get(key).cloned()
    }

    pub(crate) fn create(&mut self, key: StoreKey, record: Record) -> Result<Version, Error> {
        if self.of_keys.contains_key(&key) {
            return Err(Error::new(ErrorKind::Backend, "there is a record"));
        }
        let version = record.version();
        self.of_keys.insert(key, record);
        self.writes.push((self.writer, key));
        Ok(version)
    }

    pub(crate) fn replace(&mut self, key: StoreKey, expected: Version, record: Record) -> Replaced {
        let version = record.version();
        let is_removal = record.payload().first() == Some(&ENDED);
        match self.at(&key, expected) {
            Some(old) => *old = record,
            None => return Replaced::Stale,
        }
        if !is_removal {
            self.writes.push((self.writer, key));
        }
        Replaced::Done(version)
    }

    pub(crate) fn touch(
        &mut self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> bool {
        let version = self.next_version();
        let Some(old) = self.at(key, expected) else { return false };
        *old = old.touched(version, expires_at);
        true
    }

    pub(crate) fn remove(&mut self, key: &StoreKey, expected: Version) -> bool {
        self.at(key, expected).is_some() && self.of_keys.remove(key).is_some()
    }

    /// Returns the keys of an owner's records, in the order in which they were written.
    pub(crate) fn keys_of(&self, owner: &str) -> Vec<StoreKey> {
        let theirs = self.of_keys.iter().filter(|(_, record)| record.owner() == Some(owner));
        // Keys are random, so their order would not be repeatable.
        let mut keys: Vec<_> = theirs.map(|(key, record)| (record.version().get(), *key)).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }

    /// Returns the record of a live session.
    pub(crate) fn session(&self, key: &StoreKey) -> Option<&Record> {
        self.of_keys.get(key).filter(|record| is_session(record))
    }

    pub(crate) fn sessions(&self) -> impl Iterator<Item = (&StoreKey, &Record)> {
        self.of_keys.iter().filter(|(_, record)| is_session(record))
    }

    pub(crate) fn has_owner(&self, owner: &str) -> bool {
        self.of_keys.values().any(|record| record.owner() == Some(owner))
    }

    /// Returns whether a request other than this one wrote a record. The test itself does not
    /// count.
    pub(crate) fn has_other_writer(&self, key: &StoreKey, request: usize) -> bool {
        let mut writes = self.writes.iter().filter(|(_, written)| written == key);
        writes.any(|(by, _)| *by != request && *by != TEST)
    }

    fn at(&mut self, key: &StoreKey, version: Version) -> Option<&mut Record> {
        self.of_keys.get_mut(key).filter(|record| record.version() == version)
    }
}

fn is_session(record: &Record) -> bool {
    record.payload().first() == Some(&SESSION)
}
