//! The encoding of a record: one string with a header of fixed size, the owner and the payload.
//!
//! | bytes | contents |
//! |---|---|
//! | 0–3 | magic bytes, including the version of this format |
//! | 4–11 | version of the record |
//! | 12–23 | creation time: seconds since 1970 and nanoseconds |
//! | 24–35 | expiry, in the same format |
//! | 36–51 | time until which the key is on the owner's list: milliseconds by the clock of Redis, as digits for the scripts |
//! | 52–59 | length of the owner as digits, or dashes without an owner |
//! | 60– | owner, payload |

use std::time::{Duration, SystemTime};

use session_core::store::{NewRecord, Record, Version};

const MAGIC: [u8; 4] = *b"\xd5SR1";
const HEADER: usize = 60;
const NO_OWNER: &[u8; 8] = b"--------";

/// The time until which a key is on its owner's list, as a record stores it.
pub(crate) type Listed = [u8; 16];

/// The value for a record without an owner.
pub(crate) const NOT_LISTED: Listed = *b"0000000000000000";

/// Returns the first bytes of every record with this version.
pub(crate) fn start(version: Version) -> [u8; 12] {
    let mut start = [0; 12];
    start[..4].copy_from_slice(&MAGIC);
    start[4..].copy_from_slice(&version.get().to_be_bytes());
    start
}

pub(crate) fn encode(version: Version, record: &NewRecord<'_>, listed: &Listed) -> Vec<u8> {
    let owner = record.owner().unwrap_or_default();
    let mut bytes = Vec::with_capacity(HEADER + owner.len() + record.payload().len());
    bytes.extend(start(version));
    bytes.extend(encode_time(record.created_at()));
    bytes.extend(encode_time(record.expires_at()));
    bytes.extend(listed);
    match record.owner() {
        Some(owner) => bytes.extend(owner_field(owner)),
        None => bytes.extend(NO_OWNER),
    }
    bytes.extend(record.payload());
    bytes
}

/// Returns the length of the owner and the owner.
pub(crate) fn owner_field(owner: &str) -> Vec<u8> {
    let mut field = format!("{:08}", owner.len()).into_bytes();
    field.extend(owner.as_bytes());
    field
}

/// Decodes a record. Returns `None` if another program wrote the bytes.
pub(crate) fn decode(bytes: &[u8]) -> Option<Record> {
    let (header, rest) = bytes.split_at_checked(HEADER)?;
    if header[..4] != MAGIC {
        return None;
    }
    let version = Version::new(u64::from_be_bytes(header[4..12].try_into().ok()?));
    let created_at = decode_time(&header[12..24])?;
    let expires_at = decode_time(&header[24..36])?;
    let (owner, payload) = match &header[52..60] {
        length if length == NO_OWNER => (None, rest),
        length => {
            let digits = length.iter().all(u8::is_ascii_digit).then_some(length)?;
            let length = std::str::from_utf8(digits).ok()?.parse().ok()?;
            let (owner, payload) = rest.split_at_checked(length)?;
            (Some(std::str::from_utf8(owner).ok()?), payload)
        }
    };
    Some(Record::new(version, &NewRecord::new(payload, created_at, expires_at).owned_by(owner)))
}

/// Encodes a time as seconds since 1970, negative before, and the nanoseconds after that second.
pub(crate) fn encode_time(time: SystemTime) -> [u8; 12] {
    let (seconds, nanoseconds) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).map_or(i64::MIN, |seconds| -seconds);
            match before.subsec_nanos() {
                0 => (whole, 0),
                nanoseconds => (whole.saturating_sub(1), 1_000_000_000 - nanoseconds),
            }
        }
    };
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&seconds.to_be_bytes());
    bytes[8..].copy_from_slice(&nanoseconds.to_be_bytes());
    bytes
}

fn decode_time(bytes: &[u8]) -> Option<SystemTime> {
    let (seconds, nanoseconds) = bytes.split_at_checked(8)?;
    let seconds = i64::from_be_bytes(seconds.try_into().ok()?);
    let nanoseconds = u32::from_be_bytes(nanoseconds.try_into().ok()?);
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)?
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)?
    };
    second.checked_add(Duration::from_nanos(u64::from(nanoseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_returns_encoded_record() {
        let second = Duration::from_secs(1);
        let instants = [
            SystemTime::UNIX_EPOCH,
            SystemTime::UNIX_EPOCH - Duration::from_nanos(1),
            SystemTime::UNIX_EPOCH - second,
            SystemTime::UNIX_EPOCH + Duration::from_nanos(1),
            SystemTime::UNIX_EPOCH + Duration::new(253_402_300_799, 999_999_999),
        ];
        for (created_at, expires_at) in instants.into_iter().zip(instants.into_iter().rev()) {
            for owner in [None, Some(""), Some("ada"), Some("\0\u{1f600}")] {
                for payload in [&b""[..], b"payload", &[0, 255]] {
                    let record = NewRecord::new(payload, created_at, expires_at).owned_by(owner);
                    let bytes = encode(Version::new(u64::MAX), &record, &NOT_LISTED);
                    assert_eq!(
                        decode(&bytes).unwrap(),
                        Record::new(Version::new(u64::MAX), &record)
                    );
                }
            }
        }
    }

    #[test]
    fn decode_rejects_other_bytes() {
        let record =
            NewRecord::new(b"", SystemTime::now(), SystemTime::now()).owned_by(Some("ada"));
        let good = encode(Version::new(1), &record, &NOT_LISTED);
        for length in 0..good.len() {
            assert_eq!(decode(&good[..length]), None, "{length} bytes");
        }
        for (position, byte) in [(0, b'{'), (3, b'2'), (52, b'x'), (52, b'9'), (60, 0xff)] {
            let mut bytes = good.clone();
            bytes[position] = byte;
            assert_eq!(decode(&bytes), None, "byte {position}");
        }
    }

    #[test]
    fn fuzzed_record_is_record_or_nothing() {
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 5);
        let samples = [None, Some(""), Some("ada"), Some("é")].map(|owner| {
            let record = NewRecord::new(b"payload", time, time).owned_by(owner);
            encode(Version::new(7), &record, &NOT_LISTED)
        });
        fuzzing::Fuzz::new("Redis record", samples).words(&["00000003", "--------"]).run(|input| {
            let Some(record) = decode(input) else { return false };
            let same = NewRecord::new(record.payload(), record.created_at(), record.expires_at());
            let listed = input[36..52].try_into().unwrap();
            let again = encode(record.version(), &same.owned_by(record.owner()), &listed);
            assert_eq!(decode(&again), Some(record));
            assert!(again.len() == input.len() && again[52..] == input[52..], "two encodings");
            true
        });
    }
}
