//! Mutants of the rules of payloads: their bytes and their length.

use std::collections::HashMap;
use std::sync::Mutex;

use session_core::store::{NewRecord, Record, Replaced, StoreKey, Version};
use session_core::{Error, ErrorKind};

use super::mutation::{mutants, mutation};
use super::written::{Written, is_of_the_engine, writes};

mutants! {
    LossyUtf8 breaks payload_with_any_byte_is_unchanged;
    SevenBits breaks payload_with_any_byte_is_unchanged;
    LineEndsNormalised breaks payload_with_any_byte_is_unchanged;
    ByteOrderMarkStripped breaks payload_with_any_byte_is_unchanged;
    PayloadComposed breaks payload_with_any_byte_is_unchanged;
    RefusesWhatIsNoText breaks payload_with_any_byte_is_unchanged;
    PayloadTrimmed breaks blanks_and_zeros_at_ends_are_unchanged;
    PayloadTrimmedAtTheFront breaks blanks_and_zeros_at_ends_are_unchanged;
    ZeroPaddingStripped breaks blanks_and_zeros_at_ends_are_unchanged;
    NulEndsTheText breaks blanks_and_zeros_at_ends_are_unchanged;
    JsonReparsed breaks json_payload_is_unchanged;
    JsonColumnRefuses breaks json_payload_is_unchanged;
    JsonUnescaped breaks json_payload_is_unchanged;
    BlobOf64Kilobytes breaks largest_payload_is_stored_whole;
    CreateRefusesAMegabyte breaks largest_payload_is_stored_whole;
    ReplaceRefusesAMegabyte breaks largest_payload_is_stored_whole;
    MaximumIsOneLess breaks largest_payload_is_stored_whole;
    TooLongIsCut breaks largest_payload_is_stored_whole;
    TooLongIsABackendError breaks largest_payload_is_stored_whole;
    TooLongLeavesTheKey breaks largest_payload_is_stored_whole;
    TooLongIsReplacedByNothing breaks largest_payload_is_stored_whole;
    TooLongRenews breaks largest_payload_is_stored_whole;
    ShorterLeavesATail breaks payload_of_other_length_leaves_no_rest;
    LongerIsCut breaks payload_of_other_length_leaves_no_rest;
    PayloadCutAtAMegabyte breaks payload_beyond_maximum_is_whole_or_refused;
    ReplaceCutsBeyondAMegabyte breaks payload_beyond_maximum_is_whole_or_refused;
    CutAtTwoMegabytes breaks payload_beyond_maximum_is_whole_or_refused;
    TooLongReplaceRemoves breaks payload_beyond_maximum_is_whole_or_refused;
    DecompressesByFirstBytes breaks payload_with_any_byte_is_unchanged;
    LengthOf16Bits breaks payload_of_every_length_is_unchanged;
    BlockOf128KilobytesLosesAByte breaks payload_of_every_length_is_unchanged;
    WholeBlockIsLost breaks payload_of_other_length_leaves_no_rest;
    EqualEndsAreOnePayload breaks payloads_that_differ_in_one_byte_are_different;
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

writes! {
    LengthOf16Bits,
    |record| record.bytes(|bytes| if bytes.len() == 1 << 16 { Vec::new() } else { bytes.to_vec() })
}

writes! {
    BlockOf128KilobytesLosesAByte,
    |record| record.bytes(|bytes| bytes[..bytes.len() - usize::from(bytes.len() == (1 << 17) + 1)].to_vec())
}

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
            self.original.remove(key, expected.clone());
        }
        self.check_length(record)?;
        Ok(self.original.replace(key, expected, record))
    }
}

limited! {
    TooLongRenews;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if self.check_length(record).is_err() {
            self.original.touch(key, expected.clone(), record.expires_at());
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

writes! { PayloadCutAtAMegabyte, |record| record.payload.truncate(1 << 20) }

writes! { ReplaceCutsBeyondAMegabyte in replace, |record| record.payload.truncate((1 << 20) + 1) }

writes! { CutAtTwoMegabytes, |record| record.payload.truncate(2 << 20) }

mutation! {
    /// The refusal comes after the old record was removed.
    TooLongReplaceRemoves;
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error> {
        if record.payload().len() > 1 << 20 {
            self.original.remove(key, expected);
            return Err(Error::new(ErrorKind::TooLarge, "longer than the longest packet"));
        }
        Ok(self.original.replace(key, expected, record))
    }
}

mutation! {
    /// The store treats a payload that starts like compressed data as one that it has compressed.
    DecompressesByFirstBytes;
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let record = self.original.load(key);
        if record.as_ref().is_some_and(|record| record.payload().starts_with(b"\x78\x9c")) {
            return Err(Error::new(ErrorKind::Backend, "the payload cannot be decompressed"));
        }
        Ok(record)
    }
}

writes! { WholeBlockIsLost, |record| if record.payload.len() == 4096 { record.payload.clear() } }

/// The length and the ends of a payload.
type Ends = (usize, Vec<u8>, Vec<u8>);

fn ends(payload: &[u8]) -> Ends {
    let length = payload.len().min(16);
    (payload.len(), payload[..length].to_vec(), payload[payload.len() - length..].to_vec())
}

mutation! {
    /// Payloads with equal ends are stored once.
    EqualEndsAreOnePayload { stored: Mutex<HashMap<Ends, Vec<u8>>> };
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let mut stored = self.stored.lock().unwrap();
        let payload = stored.entry(ends(record.payload())).or_insert_with(|| record.payload().to_vec());
        let written = NewRecord::new(payload, record.created_at(), record.expires_at());
        self.original.create(key, &written.owned_by(record.owner()))
    }
}
