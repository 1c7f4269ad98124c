//! The types that Flask tags, one each.

use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::marker::{self, marked, unmarked};

/// Python ignores the unused bits of the last character, and so must whoever reads what Python reads.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// A sequence that Flask reads as a `tuple`; a plain array would be a `list` there.
///
/// Reading needs no `Tuple`: any array type reads a tuple.
///
/// ```
/// use session_core::Session;
/// use session_core::tagged::Tuple;
///
/// let session = Session::new();
/// session.insert("size", Tuple::new((640, 480)))?;
/// assert_eq!(session.get::<Tuple<(u32, u32)>>("size")?.unwrap().into_inner(), (640, 480));
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tuple<T>(T);

impl<T> Tuple<T> {
    /// Marks a Rust tuple, array or vector as a Python tuple.
    ///
    /// ```
    /// # use session_core::tagged::Tuple;
    /// assert_eq!(Tuple::new([1, 2]).into_inner(), [1, 2]);
    /// ```
    pub const fn new(sequence: T) -> Self {
        Self(sequence)
    }

    /// The sequence.
    ///
    /// ```
    /// # use session_core::tagged::Tuple;
    /// assert_eq!(Tuple::new((1, "a")).into_inner(), (1, "a"));
    /// ```
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: Serialize> Serialize for Tuple<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        marked(serializer, marker::TUPLE, &self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tuple<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// Python `bytes`.
///
/// ```
/// use session_core::Session;
/// use session_core::tagged::Bytes;
///
/// let session = Session::new();
/// session.insert("nonce", Bytes::from(vec![0, 255]))?;
/// assert_eq!(session.get::<Bytes>("nonce")?.unwrap().as_slice(), [0, 255]);
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// The bytes, borrowed.
    ///
    /// ```
    /// # use session_core::tagged::Bytes;
    /// assert_eq!(Bytes::from(vec![1]).as_slice(), [1]);
    /// ```
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The bytes.
    ///
    /// ```
    /// # use session_core::tagged::Bytes;
    /// assert_eq!(Bytes::from(vec![1]).into_vec(), vec![1]);
    /// ```
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        marked(serializer, marker::BYTES, &BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text: String = unmarked(deserializer, marker::BYTES)?;
        if !text.is_ascii() {
            return Err(D::Error::custom("bytes are not base64"));
        }
        // Python's b64decode passes over every other character.
        text.retain(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '/' | '='));
        BASE64.decode(text).map(Self).map_err(|_| D::Error::custom("bytes are not base64"))
    }
}

/// HTML that needs no more escaping: `markupsafe.Markup`.
///
/// ```
/// use session_core::Session;
/// use session_core::tagged::Markup;
///
/// let session = Session::new();
/// session.insert("banner", Markup::from("<em>Sale</em>"))?;
/// assert_eq!(session.get::<Markup>("banner")?.unwrap().as_str(), "<em>Sale</em>");
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Markup(String);

impl Markup {
    /// The HTML, borrowed.
    ///
    /// ```
    /// # use session_core::tagged::Markup;
    /// assert_eq!(Markup::from("<br>").as_str(), "<br>");
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The HTML.
    ///
    /// ```
    /// # use session_core::tagged::Markup;
    /// assert_eq!(Markup::from("<br>").into_string(), "<br>".to_owned());
    /// ```
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<T: Into<String>> From<T> for Markup {
    fn from(html: T) -> Self {
        Self(html.into())
    }
}

impl Serialize for Markup {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        marked(serializer, marker::MARKUP, &self.0)
    }
}

impl<'de> Deserialize<'de> for Markup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        unmarked(deserializer, marker::MARKUP).map(Self)
    }
}

/// A `uuid.UUID`, as its 16 bytes; every UUID crate converts from and to these.
///
/// ```
/// use session_core::Session;
/// use session_core::tagged::Uuid;
///
/// let session = Session::new();
/// session.insert("order", Uuid::from([1; 16]))?;
/// assert_eq!(session.get::<Uuid>("order")?.unwrap().as_bytes(), &[1; 16]);
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// The bytes, in the order of the textual form.
    ///
    /// ```
    /// # use session_core::tagged::Uuid;
    /// assert_eq!(Uuid::from([7; 16]).as_bytes(), &[7; 16]);
    /// ```
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the forms that Python's `UUID(text)` reads: 32 hexadecimal digits, with or without hyphens, braces, `urn:uuid:`.
    fn parse(text: &str) -> Option<Self> {
        let text = text.replace("urn:", "").replace("uuid:", "");
        let digits = text.trim_matches(['{', '}']).replace('-', "");
        if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(&digits, 16).ok().map(|number| Self(number.to_be_bytes()))
    }
}

impl From<[u8; 16]> for Uuid {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Uuid {
    /// The hyphenated form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", u128::from_be_bytes(self.0));
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        marked(serializer, marker::UUID, &format!("{:032x}", u128::from_be_bytes(self.0)))
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: String = unmarked(deserializer, marker::UUID)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a UUID"))
    }
}

/// A `datetime`, which Flask stores in whole seconds as an HTTP date.
///
/// Flask gives `None` where the text is no date; here that is [`to_system_time`](Self::to_system_time)'s answer, and the
/// text stays readable. The same goes for dates before 1970, which an HTTP date parser does not take.
///
/// ```
/// use session_core::Session;
/// use session_core::tagged::DateTime;
/// use std::time::{Duration, SystemTime};
///
/// let session = Session::new();
/// let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// session.insert("seen", DateTime::from(time))?;
/// let seen = session.get::<DateTime>("seen")?.unwrap();
/// assert_eq!(seen.as_str(), "Tue, 14 Nov 2023 22:13:20 GMT");
/// assert_eq!(seen.to_system_time(), Some(time));
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct DateTime(String);

impl DateTime {
    /// The text as it is stored: `Tue, 14 Nov 2023 22:13:20 GMT`.
    ///
    /// ```
    /// # use session_core::tagged::DateTime;
    /// # use std::time::SystemTime;
    /// assert_eq!(DateTime::from(SystemTime::UNIX_EPOCH).as_str(), "Thu, 01 Jan 1970 00:00:00 GMT");
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The time, or `None` if the text is not a date from 1970 on.
    ///
    /// ```
    /// # use session_core::tagged::DateTime;
    /// # use std::time::SystemTime;
    /// let epoch = DateTime::from(SystemTime::UNIX_EPOCH);
    /// assert_eq!(epoch.to_system_time(), Some(SystemTime::UNIX_EPOCH));
    /// ```
    pub fn to_system_time(&self) -> Option<SystemTime> {
        httpdate::parse_http_date(&self.0).ok()
    }
}

impl From<SystemTime> for DateTime {
    /// Drops the fraction of a second. Times outside 1970 to 9999 become the nearer of these ends.
    fn from(time: SystemTime) -> Self {
        Self(crate::cookie::http_date(time))
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        marked(serializer, marker::DATETIME, &self.0)
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Text {
            Date(String),
            Other(IgnoredAny),
        }
        match unmarked(deserializer, marker::DATETIME)? {
            Text::Date(text) => Ok(Self(text)),
            Text::Other(_) => Ok(Self(String::new())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tagged::{decode, encode};

    #[test]
    fn python_reads_base64_past_junk_but_not_past_missing_padding() {
        assert_eq!(decode::<Bytes>(r#"{" b":"Y Q=\n="}"#).unwrap().as_slice(), b"a");
        for bad in [r#"{" b":"YQ"}"#, r#"{" b":"_-8="}"#, r#"{" b":"\u00e9"}"#, r#"{" b":1}"#] {
            assert!(decode::<Bytes>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn uuids_come_in_the_forms_that_python_takes() {
        let plain = "12345678123456781234567812345678";
        for form in [
            plain,
            "12345678-1234-5678-1234-567812345678",
            "{12345678123456781234567812345678}",
            "urn:uuid:12345678-1234-5678-1234-567812345678",
        ] {
            let uuid: Uuid = decode(&format!("{{\" u\":\"{form}\"}}")).unwrap();
            assert_eq!(encode(&uuid).unwrap(), format!("{{\" u\":\"{plain}\"}}"));
            assert_eq!(uuid.to_string(), "12345678-1234-5678-1234-567812345678");
        }
        for bad in ["1234", "g2345678123456781234567812345678", "+2345678123456781234567812345678"] {
            assert!(decode::<Uuid>(&format!("{{\" u\":\"{bad}\"}}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_date_that_is_none_is_none() {
        for text in [r#"{" d":"garbage"}"#, r#"{" d":null}"#, r#"{" d":"2023-11-14T22:13:20Z"}"#] {
            assert_eq!(decode::<DateTime>(text).unwrap().to_system_time(), None, "{text}");
        }
        let asctime: DateTime = decode(r#"{" d":"Tue Nov 14 22:13:20 2023"}"#).unwrap();
        assert_eq!(DateTime::from(asctime.to_system_time().unwrap()).as_str(), "Tue, 14 Nov 2023 22:13:20 GMT");
    }
}
