//! One type for each of Flask's tags.

use std::fmt;
use std::time::SystemTime;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::date;
use super::marker::{self, marked, unmarked};

/// Base64 as in Python, which ignores the unused bits of the last character.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// A sequence that Flask reads as a `tuple`. Flask reads a plain array as a `list`.
///
/// `Tuple` is needed only for writing. A stored tuple can be read as any array type.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tuple<T>(T);

impl<T> Tuple<T> {
    /// Returns a Rust tuple, array or vector marked as a Python tuple.
    pub const fn new(sequence: T) -> Self {
        Self(sequence)
    }

    /// Returns the sequence.
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

/// A value of Python's type `bytes`.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// Returns the bytes as a slice.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes as a vector.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn parse(mut text: String) -> Option<Self> {
        if !text.is_ascii() {
            return None;
        }
        // Python's b64decode ignores every other character.
        text.retain(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '/' | '='));
        BASE64.decode(text).map(Self).ok()
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
        let text: String = unmarked(deserializer, marker::BYTES)?;
        Self::parse(text).ok_or_else(|| D::Error::custom("bytes are not base64"))
    }
}

/// HTML that is safe to insert into a page without escaping: Python's `markupsafe.Markup`.
///
/// # Examples
///
/// ```
/// use session_core::flask::Markup;
///
/// # let session = session_core::interface::Opened::new().into_session();
/// session.flash("Tom & Jerry")?;
/// session.flash(Markup::from("<em>Saved</em>"))?;
///
/// let flashes = session.take_flashes()?;
/// assert!(!flashes[0].is_markup());
/// assert!(flashes[1].is_markup());
/// assert_eq!(flashes[1].text(), "<em>Saved</em>");
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Markup(String);

impl Markup {
    /// Returns the HTML.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the HTML as a `String`.
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

/// A value of Python's type `uuid.UUID`, as 16 bytes.
///
/// With the feature `uuid`, this type converts from and to `uuid::Uuid`. For other crates, use the
/// bytes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// Returns the bytes, in the order of the text form.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Parses the forms that Python's `UUID(text)` accepts: 32 hexadecimal digits, with or without
    /// hyphens, braces and `urn:uuid:`.
    pub(super) fn parse(text: &str) -> Option<Self> {
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
    /// Writes the form with hyphens.
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
        Self::parse(&text).ok_or_else(|| D::Error::custom("text is not a UUID"))
    }
}

/// A value of Python's type `datetime`, which Flask stores as an HTTP date in whole seconds.
///
/// Flask reads text that is not a date as `None`. This type stores the text, and
/// [`to_system_time`](Self::to_system_time) returns `None`.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use session_core::flask::DateTime;
///
/// let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_900);
/// let stored = DateTime::from(time);
/// assert_eq!(stored.as_str(), "Tue, 14 Nov 2023 22:13:20 GMT");
/// assert_eq!(stored.to_system_time(), Some(time - Duration::from_millis(900)));
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct DateTime(String);

impl DateTime {
    /// Returns the stored text, such as `Tue, 14 Nov 2023 22:13:20 GMT`. Returns an empty string if
    /// the stored value is not text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn of_text(text: String) -> Self {
        Self(text)
    }

    /// Returns the time, or `None` if the text is not a date.
    pub fn to_system_time(&self) -> Option<SystemTime> {
        date::parse(&self.0)
    }
}

impl From<SystemTime> for DateTime {
    /// Drops the fraction of a second. A time outside of the years 1 to 9999 becomes the nearest
    /// time within that range.
    fn from(time: SystemTime) -> Self {
        Self(date::format(time))
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
    use crate::flask::{decode, encode};

    #[test]
    fn base64_with_junk_is_read_but_not_without_padding() {
        assert_eq!(decode::<Bytes>(r#"{" b":"Y Q=\n="}"#).unwrap().as_slice(), b"a");
        for bad in [r#"{" b":"YQ"}"#, r#"{" b":"_-8="}"#, r#"{" b":"\u00e9"}"#, r#"{" b":1}"#] {
            assert!(decode::<Bytes>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn uuid_is_read_in_forms_of_python() {
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
        for bad in ["1234", "g2345678123456781234567812345678", "+2345678123456781234567812345678"]
        {
            assert!(decode::<Uuid>(&format!("{{\" u\":\"{bad}\"}}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn invalid_date_reads_as_none() {
        for text in [r#"{" d":"garbage"}"#, r#"{" d":null}"#, r#"{" d":"2023-11-14T22:13:20Z"}"#] {
            assert_eq!(decode::<DateTime>(text).unwrap().to_system_time(), None, "{text}");
        }
        let asctime: DateTime = decode(r#"{" d":"Tue Nov 14 22:13:20 2023"}"#).unwrap();
        assert_eq!(
            DateTime::from(asctime.to_system_time().unwrap()).as_str(),
            "Tue, 14 Nov 2023 22:13:20 GMT"
        );
    }
}
