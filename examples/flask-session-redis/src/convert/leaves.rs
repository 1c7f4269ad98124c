//! Converts numbers, bytes, dates and UUIDs between text and msgpack.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use jiff::civil::DateTime;
use rmpv::Value;
use session_core::flask::Uuid;

use super::Unconvertible;

/// The extension type of a time in msgpack.
const TIME: i8 = -1;
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";
const BAD_TIME: Unconvertible = Unconvertible("an invalid time");
/// The number of bits that contain the seconds in a time of eight bytes. The other bits contain the
/// nanoseconds.
const SECONDS_BITS: u32 = 34;
/// The nanoseconds of one second.
const NANOSECONDS: u64 = 1_000_000_000;

/// Reads a number. Fails if the number exceeds 64 bits.
pub(super) fn read_number(text: &str) -> Result<Value, Unconvertible> {
    if text.contains(['.', 'e', 'E']) {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        return number.map(Value::F64).ok_or(Unconvertible("a number that exceeds 64 bits"));
    }
    let whole =
        text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from));
    whole.map_err(|_| Unconvertible("an integer that exceeds 64 bits"))
}

pub(super) fn read_bytes(base64: &str) -> Result<Value, Unconvertible> {
    STANDARD
        .decode(base64)
        .map(Value::Binary)
        .map_err(|_| Unconvertible("bytes that are not base64"))
}

pub(super) fn write_bytes(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads a UUID as text, as in Flask-Session.
pub(super) fn read_uuid(digits: &str) -> Result<Value, Unconvertible> {
    const BAD_UUID: Unconvertible = Unconvertible("an invalid UUID");
    if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(BAD_UUID);
    }
    let number = u128::from_str_radix(digits, 16).map_err(|_| BAD_UUID)?;
    Ok(Value::from(Uuid::from(number.to_be_bytes()).to_string()))
}

/// Reads a date of an HTTP header as a msgpack time.
pub(super) fn read_date(http_date: &str) -> Result<Value, Unconvertible> {
    let time = DateTime::strptime(HTTP_DATE, http_date).map_err(|_| BAD_TIME)?;
    let seconds = time.duration_since(EPOCH).as_secs();
    let bytes = match (u32::try_from(seconds), u64::try_from(seconds)) {
        (Ok(seconds), _) => seconds.to_be_bytes().to_vec(),
        (_, Ok(seconds)) if seconds >> SECONDS_BITS == 0 => seconds.to_be_bytes().to_vec(),
        _ => [&0_u32.to_be_bytes()[..], &seconds.to_be_bytes()].concat(),
    };
    Ok(Value::Ext(TIME, bytes))
}

/// Writes a date as in an HTTP header. The fraction of the second is lost.
pub(super) fn write_date(time: DateTime) -> String {
    time.strftime(HTTP_DATE).to_string()
}

/// Writes a date as in RFC 3339.
pub(super) fn write_time(time: DateTime) -> String {
    format!("{time}Z")
}

/// Reads the time of a msgpack extension, in UTC.
pub(super) fn time(kind: i8, bytes: &[u8]) -> Result<DateTime, Unconvertible> {
    if kind != TIME {
        return Err(Unconvertible("a msgpack extension other than a time"));
    }
    let (seconds, nanoseconds) = match bytes.len() {
        4 => (u32::from_be_bytes(array(bytes)?).into(), 0),
        8 => {
            let both = u64::from_be_bytes(array(bytes)?);
            ((both % (1 << SECONDS_BITS)).cast_signed(), both >> SECONDS_BITS)
        }
        12 => (
            i64::from_be_bytes(array(&bytes[4..])?),
            u32::from_be_bytes(array(&bytes[..4])?).into(),
        ),
        _ => return Err(BAD_TIME),
    };
    if nanoseconds >= NANOSECONDS {
        return Err(BAD_TIME);
    }
    // The fraction counts forward from the second, even before 1970.
    let whole = EPOCH.checked_add(SignedDuration::from_secs(seconds)).map_err(|_| BAD_TIME)?;
    let time = whole.checked_add(Duration::from_nanos(nanoseconds)).map_err(|_| BAD_TIME)?;
    // HTTP and Python do not support dates before the year 1.
    if time.year() < 1 { Err(BAD_TIME) } else { Ok(time) }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Unconvertible> {
    bytes.try_into().map_err(|_| BAD_TIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_every_length_round_trip() {
        for (date, length) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 4),
            ("Sun, 07 Feb 2106 06:28:15 GMT", 4),
            ("Sun, 07 Feb 2106 06:28:16 GMT", 8),
            ("Wed, 30 May 2514 01:53:03 GMT", 8),
            ("Wed, 30 May 2514 01:53:04 GMT", 12),
            ("Wed, 31 Dec 1969 23:59:59 GMT", 12),
            ("Mon, 01 Jan 0001 00:00:00 GMT", 12),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 12),
        ] {
            let Value::Ext(kind, bytes) = read_date(date).unwrap() else {
                panic!("{date} was not read as a time")
            };
            assert_eq!((kind, bytes.len()), (-1, length), "{date}");
            assert_eq!(write_date(time(kind, &bytes).unwrap()), date);
        }
    }

    #[test]
    fn fraction_before_1970_counts_forward() {
        let bytes = [&500_000_000_u32.to_be_bytes()[..], &(-1_i64).to_be_bytes()].concat();
        let time = time(-1, &bytes).unwrap();
        assert_eq!(write_time(time), "1969-12-31T23:59:59.5Z");
        assert_eq!(write_date(time), "Wed, 31 Dec 1969 23:59:59 GMT");
    }

    #[test]
    fn invalid_times_are_refused() {
        let nanoseconds = (NANOSECONDS << SECONDS_BITS).to_be_bytes();
        let year_zero = [&[0; 4][..], &(-62_135_596_801_i64).to_be_bytes()].concat();
        let bad: [&[u8]; 6] = [&[], &[0; 5], &nanoseconds, &[127; 12], &[0; 13], &year_zero];
        for (kind, bytes) in bad.map(|bytes| (TIME, bytes)).into_iter().chain([(1, &[0; 4][..])]) {
            assert!(time(kind, bytes).is_err(), "{kind} {bytes:?}");
        }
    }
}
