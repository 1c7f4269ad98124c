//! Mutants of the rules of an owner index. It may list too many keys, but not too few.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Mutex;
use std::time::SystemTime;

use session_core::store::{NewRecord, OwnerIndex, Replaced, StoreKey, Version};
use session_core::{Clock as _, Error, ErrorKind};
use session_memory::MemoryStore;

use super::listing::{Forgotten, all_but, is_owned_by, list};
use super::mutation::{mutants, mutation};
use super::written::{A_DAY, MIDDLING};

mutants! {
    ListsLater breaks created_key_is_listed;
    ForgetsAtReplace breaks replaced_key_is_listed;
    ForgetsAtTouch breaks touched_key_is_listed;
    KeepsTheFirstOwner breaks key_is_listed_under_new_owner;
    OwnerThatComesLaterIsMissed breaks key_is_listed_under_new_owner;
    FirstHundred breaks owner_with_many_keys_lists_all;
    FirstPage breaks owner_with_many_keys_lists_all;
    ScanRepeatsKeys breaks owner_with_many_keys_lists_all;
    FirstFiveThousand breaks owner_with_many_keys_lists_all;
    RemoveDropsTheList breaks other_keys_of_owner_stay_listed;
    OwnerChangeDropsTheList breaks other_keys_of_owner_stay_listed;
    OwnerOf128BytesIsNotListed breaks owner_of_every_length_lists_its_keys;
    FoldsCase breaks owner_with_any_character_lists_its_keys;
    TrimsOwners breaks owner_with_any_character_lists_its_keys;
    BackslashEscapes breaks owner_with_any_character_lists_its_keys;
    BracketsAreClasses breaks owner_with_any_character_lists_its_keys;
    SplitsAtColons breaks owner_with_any_character_lists_its_keys;
    ListHasLines breaks owner_with_any_character_lists_its_keys;
    CutsAtNul breaks owner_with_any_character_lists_its_keys;
    ThreeBytesPerCharacter breaks owner_with_any_character_lists_its_keys;
    ComposesAccents breaks owner_with_any_character_lists_its_keys;
    CutsLongOwners breaks owner_with_any_character_lists_its_keys;
    EmptyOwnerIsNull breaks owner_with_any_character_lists_its_keys;
    UnknownOwnerIsAnError breaks owner_without_keys_lists_none;
    EmptiedOwnerIsAnError breaks owner_without_keys_lists_none;
    DeclaresNoIndex breaks store_returns_itself_as_owner_index;
    DeclaresAnotherIndex breaks store_returns_itself_as_owner_index;
    ListsNoneOfTheFuture breaks created_key_is_listed;
    ListsTheReturnedTwice breaks key_is_listed_once;
    IndexHoldsAHundredOwners breaks hundreds_of_owners_have_lists;
    ListsNoneOfOldSessions breaks created_key_is_listed;
}

mutation! {
    /// The key is listed with the next write.
    ListsLater { late: Forgotten };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let mut late = self.late.lock().unwrap();
        late.clear();
        late.extend(MIDDLING.contains(&record.payload().len()).then_some(*key));
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        self.late.lock().unwrap().clear();
        Ok(self.original.replace(key, expected, record))
    }
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        self.late.lock().unwrap().clear();
        Ok(self.original.touch(key, expected, expires_at))
    }
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.late.lock().unwrap().clear();
        Ok(self.original.remove(key, expected))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.late, self.original.keys_of(owner)))
    }
}

mutation! {
    ForgetsAtReplace { forgotten: Forgotten };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key);
        let same = old.is_some_and(|old| old.owner() == record.owner() && MIDDLING.contains(&old.payload().len()));
        if same {
            self.forgotten.lock().unwrap().insert(*key);
        }
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.forgotten, self.original.keys_of(owner)))
    }
}

mutation! {
    ForgetsAtTouch { forgotten: Forgotten };
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error> {
        if self.original.load(key).is_some_and(|old| MIDDLING.contains(&old.payload().len())) {
            self.forgotten.lock().unwrap().insert(*key);
        }
        Ok(self.original.touch(key, expected, expires_at))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.forgotten, self.original.keys_of(owner)))
    }
}

mutation! {
    /// The entry is inserted "or ignored".
    KeepsTheFirstOwner { first: Mutex<HashMap<StoreKey, String>> };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if let Some(owner) = self.original.load(key).and_then(|old| old.owner().map(str::to_owned)) {
            self.first.lock().unwrap().entry(*key).or_insert(owner);
        }
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let first = self.first.lock().unwrap();
        Ok(list(&self.original, |key, record| match first.get(key) {
            Some(first) => first == owner,
            None => is_owned_by(record, owner),
        }))
    }
}

mutation! {
    OwnerThatComesLaterIsMissed { begun_without: Forgotten };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if record.owner().is_none() && MIDDLING.contains(&record.payload().len()) {
            self.begun_without.lock().unwrap().insert(*key);
        }
        self.original.create(key, record)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.begun_without, self.original.keys_of(owner)))
    }
}

mutation! {
    FirstHundred;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(self.original.keys_of(owner).into_iter().take(100).collect())
    }
}

mutation! {
    FirstPage;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(self.original.keys_of(owner).into_iter().take(1000).collect())
    }
}

mutation! {
    FirstFiveThousand;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(self.original.keys_of(owner).into_iter().take(5000).collect())
    }
}

mutation! {
    RemoveDropsTheList { dropped: Forgotten };
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        if let Some(old) = self.original.load(key).filter(|old| MIDDLING.contains(&old.payload().len()))
            && let Some(owner) = old.owner()
        {
            self.dropped.lock().unwrap().extend(self.original.keys_of(owner));
        }
        Ok(self.original.remove(key, expected))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.dropped, self.original.keys_of(owner)))
    }
}

mutation! {
    OwnerChangeDropsTheList { dropped: Forgotten };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if let Some(old) = self.original.load(key).filter(|old| old.owner() != record.owner())
            && let (Some(owner), Some(_)) = (old.owner(), record.owner())
        {
            self.dropped.lock().unwrap().extend(self.original.keys_of(owner));
        }
        self.dropped.lock().unwrap().remove(key);
        Ok(self.original.replace(key, expected, record))
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(all_but(&self.dropped, self.original.keys_of(owner)))
    }
}

/// Indexes that store an owner in another form than they query.
macro_rules! stores {
    ($($name:ident: |$owner:ident| $written:expr;)+) => {
        $(mutation! {
            $name;
            async fn keys_of(&self, asked: &str) -> Result<Vec<StoreKey>, Error> {
                let written = |$owner: &str| $written;
                Ok(list(&self.original, |_, record| record.owner().is_some_and(|owner| written(owner) == asked)))
            }
        })+
    };
}

stores! {
    FoldsCase: |owner| owner.to_ascii_lowercase();
    TrimsOwners: |owner| owner.trim_end_matches(' ').to_owned();
    BackslashEscapes: |owner| owner.replace('\\', "");
    BracketsAreClasses: |owner| owner.replace(['[', ']'], "");
    SplitsAtColons: |owner| owner.split(':').next().unwrap_or_default().to_owned();
    ListHasLines: |owner| owner.lines().next().unwrap_or_default().to_owned();
    CutsAtNul: |owner| owner.split('\0').next().unwrap_or_default().to_owned();
    ThreeBytesPerCharacter: |owner| owner.replace(|character: char| character.len_utf8() == 4, "?");
    ComposesAccents: |owner| owner.replace("a\u{301}", "\u{e1}");
    CutsLongOwners: |owner| owner.chars().take(255).collect::<String>();
    EmptyOwnerIsNull: |owner| if owner.is_empty() { "NULL".to_owned() } else { owner.to_owned() };
}

mutation! {
    UnknownOwnerIsAnError { known: Mutex<HashSet<String>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.known.lock().unwrap().extend(record.owner().map(str::to_owned));
        self.original.create(key, record)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let keys = self.original.keys_of(owner);
        if keys.is_empty() && !self.known.lock().unwrap().contains(owner) {
            return Err(Error::new(ErrorKind::Backend, "no such owner"));
        }
        Ok(keys)
    }
}

mutation! {
    EmptiedOwnerIsAnError { known: Mutex<HashSet<String>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        // The engine lists the keys of an owner again after it has ended all sessions.
        let is_text = record.payload().first().is_some_and(u8::is_ascii_alphanumeric);
        self.known.lock().unwrap().extend(record.owner().filter(|_| is_text).map(str::to_owned));
        self.original.create(key, record)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let keys = self.original.keys_of(owner);
        if keys.is_empty() && self.known.lock().unwrap().contains(owner) {
            return Err(Error::new(ErrorKind::Backend, "an owner with an empty list"));
        }
        Ok(keys)
    }
}

mutation! {
    DeclaresNoIndex;
    fn declared_index<'a>(&'a self, _: &'a dyn OwnerIndex) -> Option<&'a dyn OwnerIndex> {
        None
    }
}

mutation! {
    DeclaresAnotherIndex { other: MemoryStore };
    fn declared_index<'a>(&'a self, _: &'a dyn OwnerIndex) -> Option<&'a dyn OwnerIndex> {
        Some(&self.other)
    }
}

mutation! {
    ListsNoneOfTheFuture;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let now = self.original.clock().now();
        Ok(list(&self.original, |_, record| is_owned_by(record, owner) && record.created_at() <= now))
    }
}

mutation! {
    /// An entry of each owner that the record had.
    ListsTheReturnedTwice { entries: Mutex<Vec<(String, StoreKey)>> };
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key).and_then(|old| old.owner().map(str::to_owned));
        let replaced = self.original.replace(key, expected, record);
        if replaced != Replaced::Stale && old.as_deref() != record.owner() {
            self.entries.lock().unwrap().extend(old.map(|owner| (owner, *key)));
        }
        Ok(replaced)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let mut keys = self.original.keys_of(owner);
        let entries = self.entries.lock().unwrap();
        keys.extend(entries.iter().filter(|(other, _)| other == owner).map(|(_, key)| *key));
        Ok(keys)
    }
}

mutation! {
    /// The lists are in a cache.
    IndexHoldsAHundredOwners { owners: Mutex<VecDeque<String>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let mut owners = self.owners.lock().unwrap();
        if let Some(owner) = record.owner().filter(|owner| !is_known(&owners, owner)) {
            owners.push_back(owner.to_owned());
        }
        if owners.len() > 100 {
            owners.pop_front();
        }
        self.original.create(key, record)
    }
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let owners = self.owners.lock().unwrap();
        let is_forgotten = owners.len() == 100 && !is_known(&owners, owner);
        Ok(if is_forgotten { Vec::new() } else { self.original.keys_of(owner) })
    }
}

fn is_known(owners: &VecDeque<String>, owner: &str) -> bool {
    owners.iter().any(|other| other == owner)
}

mutation! {
    ListsNoneOfOldSessions;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let oldest = self.original.clock().now() - A_DAY * 365;
        Ok(list(&self.original, |_, record| is_owned_by(record, owner) && record.created_at() > oldest))
    }
}

mutation! {
    OwnerOf128BytesIsNotListed;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(if owner.len() == 128 { Vec::new() } else { self.original.keys_of(owner) })
    }
}

mutation! {
    /// As `SSCAN` of Redis may.
    ScanRepeatsKeys;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let mut keys = self.original.keys_of(owner);
        if keys.len() > 1_000 {
            keys.extend_from_within(..3);
        }
        Ok(keys)
    }
}
