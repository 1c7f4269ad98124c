//! Mutants of the rules of the owner of a record.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Error, ErrorKind};

use super::mutation::{mutants, mutation};
use super::written::writes;

mutants! {
    OwnerTrimmed breaks owner_with_any_character_is_unchanged;
    OwnerFoldsCase breaks owner_with_any_character_is_unchanged;
    OwnersDifferInMoreThanCase breaks owner_with_any_character_is_unchanged;
    OwnerEndsAtNul breaks owner_with_any_character_is_unchanged;
    OwnerUnescaped breaks owner_with_any_character_is_unchanged;
    OwnerQuotesDoubled breaks owner_with_any_character_is_unchanged;
    OwnerOfThreeByteCharacters breaks owner_with_any_character_is_unchanged;
    OwnerComposed breaks owner_with_any_character_is_unchanged;
    OwnerIsANumber breaks owner_with_any_character_is_unchanged;
    OwnerLostAtALineEnd breaks owner_with_any_character_is_unchanged;
    NullOwnerIsLost breaks owner_with_any_character_is_unchanged;
    OwnerCutAt255 breaks long_owner_is_unchanged;
    LongOwnerIsRefused breaks long_owner_is_unchanged;
    EmptyOwnerIsNone breaks empty_owner_differs_from_no_owner;
    ReplaceByAnEmptyOwnerIsNone breaks empty_owner_differs_from_no_owner;
    NoOwnerIsEmptyAfterAnEmptyOne breaks empty_owner_differs_from_no_owner;
    OwnerCutAt4096 breaks owner_beyond_maximum_is_whole_or_refused;
    LengthOfOwnerHas16Bits breaks owner_beyond_maximum_is_whole_or_refused;
    OwnerBeyond3072IsNotListed breaks owner_beyond_maximum_is_whole_or_refused;
}

writes! { OwnerTrimmed, |record| record.own(|owner| owner.trim_end_matches(' ').to_owned()) }

writes! { OwnerFoldsCase in replace, |record| record.own(str::to_lowercase) }

mutation! {
    /// Owners are in a separate table, with a collation that ignores case.
    OwnersDifferInMoreThanCase { owners: Mutex<HashMap<String, String>> };
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let Some(record) = self.original.load(key) else { return Ok(None) };
        let owner = record.owner().map(|owner| {
            let mut owners = self.owners.lock().unwrap();
            owners.entry(owner.to_lowercase()).or_insert_with(|| owner.to_owned()).clone()
        });
        let new = NewRecord::new(record.payload(), record.created_at(), record.expires_at()).owned_by(owner.as_deref());
        Ok(Some(Record::new(record.version(), &new)))
    }
}

writes! { OwnerEndsAtNul, |record| record.own(|owner| owner.split('\0').take(1).collect()) }

writes! { OwnerUnescaped, |record| record.own(|owner| owner.replace("\\n", "\n")) }

writes! { OwnerQuotesDoubled in replace, |record| record.own(|owner| owner.replace('\'', "''")) }

writes! {
    OwnerOfThreeByteCharacters,
    |record| record.own(|owner| owner.chars().map(|letter| if letter.len_utf8() > 3 { '?' } else { letter }).collect())
}

writes! { OwnerComposed, |record| record.own(|owner| owner.replace("e\u{301}", "\u{e9}")) }

writes! { OwnerIsANumber, |record| record.own(|owner| owner.parse::<u64>().map_or(owner.to_owned(), |id| id.to_string())) }

writes! { OwnerLostAtALineEnd, |record| record.owner = record.owner.take().filter(|owner| !owner.contains('\n')) }

writes! { NullOwnerIsLost in replace, |record| record.owner = record.owner.take().filter(|owner| owner != "null") }

writes! { OwnerCutAt255, |record| record.own(|owner| owner.chars().take(255).collect()) }

mutation! {
    LongOwnerIsRefused;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if record.owner().is_some_and(|owner| owner.len() > 767) {
            return Err(Error::new(ErrorKind::Backend, "Specified key was too long; max key length is 767 bytes"));
        }
        self.original.create(key, record)
    }
}

writes! { EmptyOwnerIsNone, |record| record.owner = record.owner.take().filter(|owner| !owner.is_empty()) }

writes! {
    ReplaceByAnEmptyOwnerIsNone in replace,
    |record| record.owner = record.owner.take().filter(|owner| !owner.is_empty())
}

mutation! {
    /// The column does not accept NULL after it has had a value.
    NoOwnerIsEmptyAfterAnEmptyOne { owned: Mutex<HashSet<StoreKey>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if record.owner() == Some("") {
            self.owned.lock().unwrap().insert(*key);
        }
        self.original.create(key, record)
    }
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let empty = self.owned.lock().unwrap().contains(key).then_some("");
        Ok(self.original.replace(key, expected, &record.owned_by(record.owner().or(empty))))
    }
}

writes! {
    OwnerCutAt4096,
    |record| record.own(|owner| owner.get(..4096).unwrap_or(owner).to_owned())
}

writes! {
    LengthOfOwnerHas16Bits,
    |record| record.own(|owner| owner.get(..owner.len() % 65_536).unwrap_or(owner).to_owned())
}

mutation! {
    OwnerBeyond3072IsNotListed;
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        Ok(if owner.len() > 3072 { Vec::new() } else { self.original.keys_of(owner) })
    }
}
