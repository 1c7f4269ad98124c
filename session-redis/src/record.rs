//! The encoding of a record: one string with a header, the owner and the payload.
//!
//! | bytes | contents |
//! |---|---|
//! | 0 | `d5`; bytes 0 and 1 are not valid UTF-8, so no text begins with them |
//! | 1 | format version |
//! | 2–9 | version of the record |
//! | 10–15 | creation time |
//! | 16–21 | expiry |
//! | 22 | 1 if the record has an owner, and otherwise 0 |
//! | 23–28 | only with an owner: time until which the key is on the owner's list, by the clock of Redis |
//! | 29–31 | only with an owner: length of the owner |
//! | 23– or 32– | owner, payload |
//!
//! Numbers are big-endian. Times are milliseconds: since 1970 for the owner's list, and since
//! [`EARLIEST`] for the others. Bytes 0 and 1 have this meaning in every format.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use session_core::store::{NewRecord, Record, Version};

const MAGIC: u8 = 0xd5;
/// The format that this build writes, and the newest that it reads.
const FORMAT: u8 = 1;
/// The bytes of the expiry.
pub(crate) const EXPIRY: Range<usize> = 16..22;
const OWNER: usize = 22;
const HEADER: usize = OWNER + 1;
const HEADER_WITH_OWNER: usize = 32;

/// Milliseconds between the earliest time of a record, in the year 1412, and 1970.
const EARLIEST: i64 = 1 << 44;
/// The latest time of a record is in the year 10332.
const LATEST: i64 = (1 << 48) - 1;

/// The time until which a key is on its owner's list, in milliseconds since 1970.
pub(crate) type Listed = u64;

/// The bytes of a record.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Decoded {
    Record(Record),
    /// Only newer builds read the format.
    Newer,
    /// Another program wrote the bytes.
    Foreign,
}

/// The parts of a record.
pub(crate) struct Parts<'a> {
    header: &'a [u8],
    /// The owner, and the time until which the key is on the owner's list.
    pub(crate) listing: Option<(&'a [u8], Listed)>,
    payload: &'a [u8],
}

/// Returns the first bytes of every record with this version.
pub(crate) fn start(version: &Version) -> [u8; 10] {
    let mut start = [MAGIC, FORMAT, 0, 0, 0, 0, 0, 0, 0, 0];
    start[2..].copy_from_slice(&version.get().to_be_bytes());
    start
}

/// Encodes a record. `listed` is used only if the record has an owner.
pub(crate) fn encode(version: &Version, record: &NewRecord<'_>, listed: Listed) -> Vec<u8> {
    let owner = record.owner().unwrap_or_default();
    let mut bytes = Vec::with_capacity(HEADER_WITH_OWNER + owner.len() + record.payload().len());
    bytes.extend(start(version));
    bytes.extend(encode_time(record.created_at()));
    bytes.extend(encode_time(record.expires_at()));
    bytes.push(u8::from(record.owner().is_some()));
    if record.owner().is_some() {
        bytes.extend(encode_listed(listed));
        bytes.extend(&(owner.len() as u64).to_be_bytes()[5..]);
        bytes.extend(owner.as_bytes());
    }
    bytes.extend(record.payload());
    bytes
}

/// Decodes a record. Attaches the bytes to the version of the record if they are compared later.
pub(crate) fn decode(bytes: &[u8], is_compared: bool) -> Decoded {
    if is_newer(bytes) {
        return Decoded::Newer;
    }
    decode_current(bytes, is_compared).map_or(Decoded::Foreign, Decoded::Record)
}

/// Splits a record after its times. Returns `None` if the bytes are not a record of this format.
pub(crate) fn split(bytes: &[u8]) -> Option<Parts<'_>> {
    let (header, rest) = bytes.split_at_checked(HEADER)?;
    if header[..2] != [MAGIC, FORMAT] {
        return None;
    }
    let (listing, payload) = match header[OWNER] {
        0 => (None, rest),
        1 => {
            let (fields, rest) = rest.split_at_checked(HEADER_WITH_OWNER - HEADER)?;
            let length = usize::try_from(number(&fields[6..])).ok()?;
            let (owner, payload) = rest.split_at_checked(length)?;
            (Some((owner, number(&fields[..6]))), payload)
        }
        _ => return None,
    };
    Some(Parts { header, listing, payload })
}

/// Returns whether a record has a format that this build cannot read. Two bytes are enough.
pub(crate) fn is_newer(bytes: &[u8]) -> bool {
    matches!(bytes, [MAGIC, format, ..] if *format > FORMAT)
}

fn decode_current(bytes: &[u8], is_compared: bool) -> Option<Record> {
    let Parts { header, listing, payload } = split(bytes)?;
    let mut version = Version::new(number(&header[2..10]));
    if is_compared {
        version = version.with_stored(bytes);
    }
    let (created_at, expires_at) = (decode_time(&header[10..16])?, decode_time(&header[EXPIRY])?);
    let owner = listing.map(|(owner, _)| std::str::from_utf8(owner)).transpose().ok()?;
    Some(Record::new(version, &NewRecord::new(payload, created_at, expires_at).owned_by(owner)))
}

/// Encodes a time, rounded up to milliseconds.
pub(crate) fn encode_time(time: SystemTime) -> [u8; 6] {
    let since_1970 = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => {
            let rest = i64::from(!since.subsec_nanos().is_multiple_of(1_000_000));
            milliseconds(since).saturating_add(rest)
        }
        Err(before) => -milliseconds(before.duration()),
    };
    six_bytes(since_1970.saturating_add(EARLIEST).clamp(0, LATEST).cast_unsigned())
}

pub(crate) fn encode_listed(listed: Listed) -> [u8; 6] {
    six_bytes(listed)
}

fn decode_time(bytes: &[u8]) -> Option<SystemTime> {
    let earliest = Duration::from_millis(EARLIEST.cast_unsigned());
    let since = Duration::from_millis(number(bytes));
    SystemTime::UNIX_EPOCH.checked_sub(earliest)?.checked_add(since)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn six_bytes(number: u64) -> [u8; 6] {
    let [_, _, bytes @ ..] = number.to_be_bytes();
    bytes
}

#[cfg(test)]
mod tests;
