//! Mutants of the rules of an owner index when records expire and calls overlap.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;
use std::time::SystemTime;

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Clock as _, Error, ErrorKind};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::end_all::MOMENT;
use super::listing::{Forgotten, Lists, all_but, is_owned_by, list};
use super::mutation::{mutants, mutation};
use super::original::Original;

mutants! {
    EntryFollowsCreate breaks loaded_record_is_listed_at_same_time;
    EntryFollowsTheNewOwner breaks loaded_record_is_listed_at_same_time;
    ReplaceRewritesTheEntry breaks loaded_record_is_listed_at_same_time;
    TouchRewritesTheEntry breaks loaded_record_is_listed_at_same_time;
    ExpiredIsAnError breaks expired_record_hides_no_other_key;
    ListEndsAsTheLastWritten breaks expired_record_hides_no_other_key;
    ListEndsAsTheFirstWritten breaks expired_record_hides_no_other_key;
    EntryOutlivedByTouch breaks renewed_key_stays_listed;
    EntryOutlivedByReplace breaks renewed_key_stays_listed;
    ListEndsAsTheTouched breaks shortened_record_hides_no_other_key;
    ListEndsAsTheReplaced breaks shortened_record_hides_no_other_key;
    EntryPrecedesTheChangeOfOwner breaks loaded_record_is_listed_while_owner_changes;
    RemoveWritesTheListBack breaks concurrent_calls_keep_list_of_owner_whole;
    OwnerChangeWritesTheListBack breaks concurrent_calls_keep_list_of_owner_whole;
    EntryOfRemovedStays breaks entry_leaves_list_after_its_record;
    EntryOfFormerOwnerStays breaks entry_leaves_list_after_its_record;
    ListsOnlyTheFuture breaks loaded_record_is_listed_at_its_expiry;
}

/// The length of a record that is watched by another task; sessions are longer.
const WATCHED: Range<usize> = 100..200;

mutation! {
    EntryFollowsCreate { pending: Forgotten };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let owned = record.owner().is_some() && WATCHED.contains(&record.payload().len());
        if owned {
            self.pending.lock().unwrap().insert(*key);
        }
        let created = self.original.create(key, record);
        if owned {
            sleep(MOMENT).await;
            self.pending.lock().unwrap().remove(key);
        }
        created
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.pending, self.original.keys_of(owner)))
    }
}

mutation! {
    EntryFollowsTheNewOwner { pending: Forgotten };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let changes = self.original.load(key).is_some_and(|old| WATCHED.contains(&old.payload().len()) && old.owner() != record.owner());
        if changes {
            self.pending.lock().unwrap().insert(*key);
        }
        let replaced = self.original.replace(key, expected, record);
        if changes {
            sleep(MOMENT).await;
            self.pending.lock().unwrap().remove(key);
        }
        Ok(replaced)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.pending, self.original.keys_of(owner)))
    }
}

mutation! {
    ReplaceRewritesTheEntry { pending: Forgotten };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key).filter(|old| WATCHED.contains(&old.payload().len()) && old.owner() == record.owner());
        if old.is_some_and(|old| old.owner().is_some()) {
            self.pending.lock().unwrap().insert(*key);
            sleep(MOMENT).await;
            self.pending.lock().unwrap().remove(key);
        }
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.pending, self.original.keys_of(owner)))
    }
}

mutation! {
    TouchRewritesTheEntry { pending: Forgotten };
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let touched = self.original.touch(key, expected, expires_at);
        if self.original.load(key).is_some_and(|old| old.owner().is_some() && WATCHED.contains(&old.payload().len())) {
            self.pending.lock().unwrap().insert(*key);
            sleep(MOMENT).await;
            self.pending.lock().unwrap().remove(key);
        }
        Ok(touched)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.pending, self.original.keys_of(owner)))
    }
}

mutation! {
    ExpiredIsAnError;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let now = self.original.clock().now();
        if list(&self.original, |_, record| is_owned_by(record, owner) && record.expires_at() < now).is_empty() {
            return Ok(self.original.keys_of(owner));
        }
        Err(Error::new(ErrorKind::Backend, "a key without a record"))
    }
}

/// The expiry of a list or of an entry.
type Ends<T> = Mutex<HashMap<T, SystemTime>>;

mutation! {
    ListEndsAsTheLastWritten { ends: Ends<String> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let owner = record.owner().map(str::to_owned);
        self.ends.lock().unwrap().extend(owner.map(|owner| (owner, record.expires_at())));
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let owner = record.owner().map(str::to_owned);
        self.ends.lock().unwrap().extend(owner.map(|owner| (owner, record.expires_at())));
        Ok(self.original.replace(key, expected, record))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let owner = self.original.load(key).and_then(|old| old.owner().map(str::to_owned));
        self.ends.lock().unwrap().extend(owner.map(|owner| (owner, expires_at)));
        Ok(self.original.touch(key, expected, expires_at))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let end = self.ends.lock().unwrap().get(owner).copied();
        let over = end.is_some_and(|end| end < self.original.clock().now());
        Ok(if over { Vec::new() } else { self.original.keys_of(owner) })
    }
}

mutation! {
    /// Until the first record is renewed.
    ListEndsAsTheFirstWritten { ends: Ends<String> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if let Some(owner) = record.owner() {
            self.ends.lock().unwrap().entry(owner.to_owned()).or_insert(record.expires_at());
        }
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.ends.lock().unwrap().clear();
        Ok(self.original.replace(key, expected, record))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        self.ends.lock().unwrap().clear();
        Ok(self.original.touch(key, expected, expires_at))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let end = self.ends.lock().unwrap().get(owner).copied();
        let over = end.is_some_and(|end| end < self.original.clock().now());
        Ok(if over { Vec::new() } else { self.original.keys_of(owner) })
    }
}

mutation! {
    EntryOutlivedByTouch { ends: Ends<StoreKey> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.ends.lock().unwrap().insert(*key, record.expires_at());
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.ends.lock().unwrap().insert(*key, record.expires_at());
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let (ends, now) = (self.ends.lock().unwrap(), self.original.clock().now());
        Ok(list(&self.original, |key, record| is_owned_by(record, owner) && ends.get(key).is_none_or(|end| now <= *end)))
    }
}

mutation! {
    EntryOutlivedByReplace { ends: Ends<StoreKey> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.ends.lock().unwrap().insert(*key, record.expires_at());
        self.original.create(key, record)
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        self.ends.lock().unwrap().insert(*key, expires_at);
        Ok(self.original.touch(key, expected, expires_at))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let (ends, now) = (self.ends.lock().unwrap(), self.original.clock().now());
        Ok(list(&self.original, |key, record| is_owned_by(record, owner) && ends.get(key).is_none_or(|end| now <= *end)))
    }
}

/// Returns the keys of the owner until the end of the list.
fn keys_until_end(ends: &Ends<String>, original: &Original, owner: &str) -> Vec<StoreKey> {
    let end = ends.lock().unwrap().get(owner).copied();
    let is_over = end.is_some_and(|end| end < original.clock().now());
    if is_over { Vec::new() } else { original.keys_of(owner) }
}

/// Sets the end of a list to a later time.
fn put_off(ends: &Ends<String>, owner: Option<&str>, expires_at: SystemTime) {
    let Some(owner) = owner else { return };
    let mut ends = ends.lock().unwrap();
    let end = ends.entry(owner.to_owned()).or_insert(expires_at);
    *end = expires_at.max(*end);
}

/// Sets the end of a list.
fn set_end(ends: &Ends<String>, owner: Option<&str>, expires_at: SystemTime) {
    if let Some(owner) = owner {
        ends.lock().unwrap().insert(owner.to_owned(), expires_at);
    }
}

mutation! {
    ListEndsAsTheTouched { ends: Ends<String> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        put_off(&self.ends, record.owner(), record.expires_at());
        self.original.create(key, record)
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let touched = self.original.touch(key, expected, expires_at);
        if touched {
            let record = self.original.load(key);
            set_end(&self.ends, record.as_ref().and_then(Record::owner), expires_at);
        }
        Ok(touched)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        put_off(&self.ends, record.owner(), record.expires_at());
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(keys_until_end(&self.ends, &self.original, owner))
    }
}

mutation! {
    ListEndsAsTheReplaced { ends: Ends<String> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        put_off(&self.ends, record.owner(), record.expires_at());
        self.original.create(key, record)
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        let touched = self.original.touch(key, expected, expires_at);
        if touched {
            let record = self.original.load(key);
            put_off(&self.ends, record.as_ref().and_then(Record::owner), expires_at);
        }
        Ok(touched)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        set_end(&self.ends, record.owner(), record.expires_at());
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(keys_until_end(&self.ends, &self.original, owner))
    }
}

mutation! {
    /// The record moves to the list of its new owner before it has the owner.
    EntryPrecedesTheChangeOfOwner { moving: Forgotten };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key).filter(|old| old.version() == expected);
        let is_moved = old.is_some_and(|old| old.owner().is_some() && old.owner() != record.owner());
        if is_moved && WATCHED.contains(&record.payload().len()) {
            self.moving.lock().unwrap().insert(*key);
            yield_now().await;
            self.moving.lock().unwrap().remove(key);
        }
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.moving, self.original.keys_of(owner)))
    }
}

mutation! {
    RemoveWritesTheListBack { lists: Lists };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.original.create(key, record)?;
        self.lists.add(record.owner(), key);
        Ok(version)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key);
        let replaced = self.original.replace(key, expected, record);
        let owner = old.as_ref().and_then(Record::owner);
        if replaced != Replaced::Stale && owner != record.owner() {
            self.lists.add(record.owner(), key);
            self.lists.remove(owner, key);
        }
        Ok(replaced)
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let old = self.original.load(key);
        let removed = self.original.remove(key, expected);
        if removed {
            self.lists.remove_slowly(old.as_ref().and_then(Record::owner), key).await;
        }
        Ok(removed)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(self.lists.of(owner))
    }
}

mutation! {
    OwnerChangeWritesTheListBack { lists: Lists };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.original.create(key, record)?;
        self.lists.add(record.owner(), key);
        Ok(version)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key);
        let replaced = self.original.replace(key, expected, record);
        let owner = old.as_ref().and_then(Record::owner);
        if replaced != Replaced::Stale && owner != record.owner() {
            self.lists.add(record.owner(), key);
            self.lists.remove_slowly(owner, key).await;
        }
        Ok(replaced)
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let old = self.original.load(key);
        let removed = self.original.remove(key, expected);
        if removed {
            self.lists.remove(old.as_ref().and_then(Record::owner), key);
        }
        Ok(removed)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(self.lists.of(owner))
    }
}

mutation! {
    EntryOfRemovedStays { lists: Lists };
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let old = self.original.load(key);
        let removed = self.original.remove(key, expected);
        if removed {
            self.lists.add(old.as_ref().and_then(Record::owner), key);
        }
        Ok(removed)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok([self.original.keys_of(owner), self.lists.of(owner)].concat())
    }
}

mutation! {
    EntryOfFormerOwnerStays { lists: Lists };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key);
        let replaced = self.original.replace(key, expected, record);
        if replaced != Replaced::Stale && record.owner().is_none() {
            self.lists.add(old.as_ref().and_then(Record::owner), key);
        }
        Ok(replaced)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let mut keys = self.original.keys_of(owner);
        let former = self.lists.of(owner).into_iter().filter(|key| !keys.contains(key));
        keys.extend(former.collect::<Vec<_>>());
        Ok(keys)
    }
}

mutation! {
    ListsOnlyTheFuture;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let now = self.original.clock().now();
        Ok(list(&self.original, |_, record| is_owned_by(record, owner) && now < record.expires_at()))
    }
}
