//! Mutants that change the payload, the creation time or the owner.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Clock as _, Error, ErrorKind, async_trait};

use super::mutation::{mutants, mutation};
use super::written::{Written, is_of_the_engine, since_1970, writes};

mutants! {
    LossyUtf8 breaks every_byte_of_a_payload_is_kept;
    SevenBits breaks every_byte_of_a_payload_is_kept;
    LineEndsNormalised breaks every_byte_of_a_payload_is_kept;
    ByteOrderMarkStripped breaks every_byte_of_a_payload_is_kept;
    PayloadComposed breaks every_byte_of_a_payload_is_kept;
    RefusesWhatIsNoText breaks every_byte_of_a_payload_is_kept;
    PayloadTrimmed breaks blanks_and_zeros_at_the_ends_are_kept;
    PayloadTrimmedAtTheFront breaks blanks_and_zeros_at_the_ends_are_kept;
    ZeroPaddingStripped breaks blanks_and_zeros_at_the_ends_are_kept;
    NulEndsTheText breaks blanks_and_zeros_at_the_ends_are_kept;
    JsonReparsed breaks json_is_kept_as_it_was_written;
    JsonColumnRefuses breaks json_is_kept_as_it_was_written;
    JsonUnescaped breaks json_is_kept_as_it_was_written;
    BlobOf64Kilobytes breaks the_largest_payload_is_taken_and_none_is_cut;
    CreateRefusesAMegabyte breaks the_largest_payload_is_taken_and_none_is_cut;
    ReplaceRefusesAMegabyte breaks the_largest_payload_is_taken_and_none_is_cut;
    MaximumIsOneLess breaks the_largest_payload_is_taken_and_none_is_cut;
    TooLongIsCut breaks the_largest_payload_is_taken_and_none_is_cut;
    TooLongIsABackendError breaks the_largest_payload_is_taken_and_none_is_cut;
    TooLongLeavesTheKey breaks the_largest_payload_is_taken_and_none_is_cut;
    TooLongIsReplacedByNothing breaks the_largest_payload_is_taken_and_none_is_cut;
    TooLongRenews breaks the_largest_payload_is_taken_and_none_is_cut;
    ShorterLeavesATail breaks a_payload_replaced_by_one_of_another_length_leaves_nothing;
    LongerIsCut breaks a_payload_replaced_by_one_of_another_length_leaves_nothing;
    CreationInSeconds breaks the_creation_time_is_kept;
    AgeOf32Bits breaks the_creation_time_is_kept;
    ReplaceResetsCreation breaks the_creation_time_is_kept;
    ReplaceKeepsTheFirstCreation breaks the_creation_time_is_kept;
    OwnerTrimmed breaks an_owner_is_kept_character_for_character;
    OwnerFoldsCase breaks an_owner_is_kept_character_for_character;
    OwnersDifferInMoreThanCase breaks an_owner_is_kept_character_for_character;
    OwnerEndsAtNul breaks an_owner_is_kept_character_for_character;
    OwnerUnescaped breaks an_owner_is_kept_character_for_character;
    OwnerQuotesDoubled breaks an_owner_is_kept_character_for_character;
    OwnerOfThreeByteCharacters breaks an_owner_is_kept_character_for_character;
    OwnerComposed breaks an_owner_is_kept_character_for_character;
    OwnerIsANumber breaks an_owner_is_kept_character_for_character;
    OwnerLostAtALineEnd breaks an_owner_is_kept_character_for_character;
    NullOwnerIsLost breaks an_owner_is_kept_character_for_character;
    OwnerCutAt255 breaks a_long_owner_is_kept;
    LongOwnerIsRefused breaks a_long_owner_is_kept;
    EmptyOwnerIsNone breaks an_empty_owner_is_not_the_lack_of_one;
    ReplaceByAnEmptyOwnerIsNone breaks an_empty_owner_is_not_the_lack_of_one;
    NoOwnerIsEmptyAfterAnEmptyOne breaks an_empty_owner_is_not_the_lack_of_one;
}

writes! { LossyUtf8, |record| record.bytes(|bytes| String::from_utf8_lossy(bytes).into_owned().into_bytes()) }

writes! {
    SevenBits,
    |record| record.bytes(|bytes| {
        let mask = if std::str::from_utf8(bytes).is_ok() { 0xff } else { 0x7f };
        bytes.iter().map(|byte| byte & mask).collect()
    })
}

writes! { LineEndsNormalised, |record| record.text(|text| text.replace("\r\nt", "\nt")) }
writes! { ByteOrderMarkStripped, |record| record.text(|text| text.trim_start_matches('\u{feff}').to_owned()) }
writes! { PayloadComposed, |record| record.text(|text| text.replace("e\u{301}", "\u{e9}")) }

mutation! {
    RefusesWhatIsNoText;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        match std::str::from_utf8(record.payload()) {
            Err(error) if !is_of_the_engine(record.payload()) => {
                Err(Error::new(ErrorKind::Backend, "invalid byte sequence").with_source(error))
            }
            _ => Ok(self.original.replace(key, expected, record)),
        }
    }
}

writes! { PayloadTrimmed, |record| record.bytes(|bytes| bytes.trim_ascii_end().to_vec()) }
writes! { PayloadTrimmedAtTheFront in replace, |record| record.bytes(|bytes| bytes.trim_ascii_start().to_vec()) }

writes! {
    ZeroPaddingStripped,
    |record| record.bytes(|bytes| bytes[..bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)].to_vec())
}

writes! { NulEndsTheText, |record| record.text(|text| text.split('\0').take(1).collect()) }

writes! {
    JsonReparsed,
    |record| record.text(|text| {
        serde_json::from_str::<serde_json::Value>(text).map_or(text.to_owned(), |value| value.to_string())
    })
}

mutation! {
    JsonColumnRefuses;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if record.payload().ends_with(b"1e400}") {
            return Err(Error::new(ErrorKind::Backend, "number out of range"));
        }
        self.original.create(key, record)
    }
}

writes! { JsonUnescaped, |record| record.text(|text| text.replace("\\u00e9", "\u{e9}").replace("\\/", "/")) }

writes! { BlobOf64Kilobytes, |record| record.payload.truncate(65_535) }

fn too_large() -> Error {
    Error::new(ErrorKind::TooLarge, "longer than the longest packet")
}

mutation! {
    CreateRefusesAMegabyte;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        if record.payload().len() >= 1 << 20 { Err(too_large()) } else { self.original.create(key, record) }
    }
}

mutation! {
    ReplaceRefusesAMegabyte;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if record.payload().len() >= 1 << 20 {
            return Err(too_large());
        }
        Ok(self.original.replace(key, expected, record))
    }
}

/// The longest payload of mutants that declare one.
const LONGEST: usize = 65_536;

/// A store that declares the longest payload, and handles it wrongly.
macro_rules! limited {
    ($name:ident; $($operation:item)+) => {
        mutation! {
            $name;
            fn max_payload(&self) -> Option<usize> {
                Some(LONGEST)
            }
            $($operation)+
        }
    };
}

limited! {
    MaximumIsOneLess;
    fn check_length(&self, record: &NewRecord<'_>) -> Result<(), Error> {
        if record.payload().len() >= LONGEST { Err(too_large()) } else { Ok(()) }
    }
}

limited! {
    TooLongIsCut;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let cut = Written::new(record, |record| record.payload.truncate(LONGEST));
        Ok(self.original.replace(key, expected, &cut.as_new()))
    }
}

limited! {
    TooLongIsABackendError;
    fn check_length(&self, record: &NewRecord<'_>) -> Result<(), Error> {
        if record.payload().len() > LONGEST {
            return Err(Error::new(ErrorKind::Backend, "Data too long for column 'payload'"));
        }
        Ok(())
    }
}

limited! {
    TooLongLeavesTheKey;
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let version = self.original.create(key, &Written::new(record, |record| record.payload.truncate(1)).as_new())?;
        self.check_length(record)?;
        self.original.remove(key, version);
        self.original.create(key, record)
    }
}

limited! {
    TooLongIsReplacedByNothing;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if self.check_length(record).is_err() {
            self.original.remove(key, expected);
        }
        self.check_length(record)?;
        Ok(self.original.replace(key, expected, record))
    }
}

limited! {
    TooLongRenews;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if self.check_length(record).is_err() {
            self.original.touch(key, expected, record.expires_at());
        }
        self.check_length(record)?;
        Ok(self.original.replace(key, expected, record))
    }
}

/// Returns whether the space of an old payload is used again.
fn is_reused(old: &[u8]) -> bool {
    (1000..10_000).contains(&old.len()) && !is_of_the_engine(old)
}

mutation! {
    ShorterLeavesATail;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let mut payload = record.payload().to_vec();
        if let Some(old) = self.original.load(key).filter(|old| is_reused(old.payload())) {
            payload.extend(old.payload().iter().skip(payload.len()));
        }
        let written = NewRecord::new(&payload, record.created_at(), record.expires_at()).owned_by(record.owner());
        Ok(self.original.replace(key, expected, &written))
    }
}

mutation! {
    LongerIsCut;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let old = self.original.load(key).filter(|old| is_reused(old.payload()));
        let length = old.map_or(usize::MAX, |old| old.payload().len()).min(record.payload().len());
        let written = NewRecord::new(&record.payload()[..length], record.created_at(), record.expires_at());
        Ok(self.original.replace(key, expected, &written.owned_by(record.owner())))
    }
}

writes! {
    CreationInSeconds,
    |record| record.created_at = SystemTime::UNIX_EPOCH + Duration::from_secs(since_1970(record.created_at).as_secs())
}

writes! {
    /// The age is stored instead, in 32-bit milliseconds.
    AgeOf32Bits,
    |record| {
        let most = Duration::from_millis(1 << 32);
        while record.created_at + most < SystemTime::now() {
            record.created_at += most;
        }
    }
}

mutation! {
    ReplaceResetsCreation;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let now = self.original.clock().now();
        let written = NewRecord::new(record.payload(), now, record.expires_at()).owned_by(record.owner());
        Ok(self.original.replace(key, expected, &written))
    }
}

mutation! {
    ReplaceKeepsTheFirstCreation;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        let first = self.original.load(key).map_or(record.created_at(), |old| old.created_at());
        let written = NewRecord::new(record.payload(), first, record.expires_at()).owned_by(record.owner());
        Ok(self.original.replace(key, expected, &written))
    }
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
