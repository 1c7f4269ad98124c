//! The types of Flask's tagged JSON: tuples, bytes, `Markup`, UUIDs and datetimes.
//!
//! Use them to share these values with a Flask application that reads the same session.
//!
//! Flask writes a value that JSON does not support as an object with one reserved key. Bytes, for
//! example, are written as `{" b":"aGk="}`. The types of this module read and write such objects.
//! Any array type also reads a tuple. A map of the application that looks like such an object is
//! escaped when it is stored and unescaped when it is read, as in Flask.
//!
//! # Ordinary JSON
//!
//! Ordinary JSON has no tuples, and `serde_json::Value` has no integers above 64 bits.
//! [`Session::update`](crate::Session::update) keeps the stored text of each part of a value that
//! the update leaves unchanged. Therefore such a part remains a tuple or a large integer.
//!
//! A value that [`get`](crate::Session::get) reads as a `Value` or as an array, and that
//! [`insert`](crate::Session::insert) writes back, is stored as ordinary JSON: a tuple becomes a
//! list, and a large integer becomes a float. The other types remain what they are.
//!
//! # Trust
//!
//! To serde, each of these types except [`Tuple`] is a map with one key that is random in each
//! process. Therefore it keeps its type if it is read as `serde_json::Value` and written back. A
//! map that a client sent never becomes [`Markup`] or another of these types, whatever its keys
//! are. Do not send such a `Value` to a client, because it contains the random key.
//!
//! # Examples
//!
//! ```
//! use session_core::flask::{Bytes, Tuple};
//! use session_core::interface::{Opened, state_of};
//!
//! let session = Opened::new().into_session();
//! session.insert("point", Tuple::new((1, 2)))?;
//! session.insert("token", Bytes::from(b"hi".to_vec()))?;
//! assert_eq!(
//!     state_of(&session).payload(),
//!     r#"{"point":{" t":[1,2]},"token":{" b":"aGk="}}"#
//! );
//! assert_eq!(session.get::<(i32, i32)>("point")?, Some((1, 2)));
//! # Ok::<(), session_core::Error>(())
//! ```

mod date;
mod finite;
pub(crate) mod flash;
mod keep;
mod marker;
mod rewrite;
mod types;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time", feature = "uuid"))]
pub mod with;

use std::cell::Cell;
use std::fmt;

use finite::Finite;
pub(crate) use keep::keep_unchanged;
pub(crate) use rewrite::is_tag;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::scan;

pub use types::{Bytes, DateTime, Markup, Tuple, Uuid};

/// The number of levels that `serde_json` reads.
const MAX_LEVELS: usize = 127;

/// Returns the JSON text that a session stores for a value.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<String, ValueError> {
    encode_inside(0, value)
}

/// Returns the JSON text of a value that is stored inside other values, this many levels deep.
pub(crate) fn encode_inside<T: Serialize + ?Sized>(
    outer: usize,
    value: &T,
) -> Result<String, ValueError> {
    let is_broken = Cell::new(false);
    let written = serde_json::to_string(&Finite::new(value, &is_broken));
    if is_broken.get() {
        return Err(ValueError::NotFinite);
    }
    let text = written.map_err(|_| ValueError::NotJson)?;
    let levels = MAX_LEVELS - outer;
    if !rewrite::may_need_tagging(&text) {
        return if is_deeper(&text, levels) { Err(ValueError::TooDeep) } else { Ok(text) };
    }
    let tagged = rewrite::tag(&text).map_err(|_| ValueError::Tag)?;
    // Tags are levels of the text only, and not of the value that is read.
    if is_deeper(&tagged, levels) {
        let read = rewrite::untag(&tagged).map_err(|_| ValueError::Tag)?;
        if is_deeper(&read, levels) {
            return Err(ValueError::TooDeep);
        }
    }
    Ok(tagged)
}

fn is_deeper(text: &str, levels: usize) -> bool {
    text.len() / 2 > levels && scan::levels(text) > levels
}

/// Parses the JSON text that a session stores for a value.
pub(crate) fn decode<T: DeserializeOwned>(raw: &str) -> Result<T, ValueError> {
    if rewrite::may_need_untagging(raw) {
        let text = rewrite::untag(raw).map_err(|_| ValueError::Tag)?;
        return serde_json::from_str(&text).map_err(ValueError::json);
    }
    serde_json::from_str(raw).map_err(ValueError::json)
}

/// Why a value could not be written or read.
///
/// Unlike an error of `serde_json`, it quotes no part of the value, because the values of a session
/// must not be logged.
#[derive(Debug)]
pub(crate) enum ValueError {
    Json {
        category: Category,
        column: usize,
    },
    /// The type has no JSON form, or its serialization failed.
    NotJson,
    NotFinite,
    TooDeep,
    Tag,
}

impl ValueError {
    fn json(error: serde_json::Error) -> Self {
        Self::Json { category: error.classify(), column: error.column() }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { category: Category::Data, column } => {
                write!(f, "JSON of another type at column {column}")
            }
            Self::Json { column, .. } => write!(f, "invalid JSON at column {column}"),
            Self::NotJson => {
                f.write_str("value has no JSON form, such as a map with keys of lists")
            }
            Self::NotFinite => {
                f.write_str("number is NaN or infinite, which JSON cannot represent")
            }
            Self::TooDeep => write!(f, "value is nested deeper than {MAX_LEVELS} levels"),
            Self::Tag => f.write_str("object with one of Flask's tags is malformed"),
        }
    }
}

impl std::error::Error for ValueError {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn tag_like_maps_survive_at_any_depth() {
        for key in [" di", " t", " b", " m", " u", " d"] {
            let map = BTreeMap::from([(key, json!([{ key: { key: 1 } }]))]);
            let text = encode(&map).unwrap();
            assert!(text.starts_with(&format!("{{\" di\":{{\"{key}__\":[{{\" di\":{{")), "{text}");
            assert_eq!(decode::<Value>(&text).unwrap(), json!(map));
        }
    }

    #[test]
    fn only_objects_of_one_key_are_tags() {
        for value in [json!({" t": 1, "x": 2}), json!({" x": 1}), json!({}), json!({"t": " t"})] {
            let text = encode(&value).unwrap();
            assert_eq!(text, value.to_string());
            assert_eq!(decode::<Value>(&text).unwrap(), value);
        }
    }

    #[test]
    fn json_value_loses_tuples_and_large_integers() {
        for (raw, ordinary) in [
            (r#"{" t":[1,{" t":[]}]}"#, "[1,[]]"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
            (r#"{" di":{" t__":[{" t":[1]}]}}"#, r#"{" di":{" t__":[[1]]}}"#),
        ] {
            let value: Value = decode(raw).unwrap();
            assert_eq!(encode(&value).unwrap(), ordinary);
        }
    }

    #[test]
    fn bytes_markup_uuid_and_date_remain_in_json_value() {
        for raw in [
            r#"{" b":"aGk="}"#,
            r#"[{" m":"<b>"},{" u":"00000000000000000000000000000001"}]"#,
            r#"{"d":{" d":"Tue, 14 Nov 2023 22:13:20 GMT"}}"#,
        ] {
            let value: Value = decode(raw).unwrap();
            assert_eq!(encode(&value).unwrap(), raw);
        }
    }

    #[test]
    fn tag_like_map_is_never_read_as_tagged_type() {
        let raw = encode(&BTreeMap::from([(" b", "aGk=")])).unwrap();
        assert!(decode::<Bytes>(&raw).is_err());
        assert_eq!(decode::<BTreeMap<String, String>>(&raw).unwrap()[" b"], "aGk=");
    }

    #[test]
    fn map_with_guessed_marker_is_not_markup() {
        let prefix = &**marker::PREFIX;
        assert_eq!((prefix.len(), prefix.matches(':').count()), (42, 2));
        for key in
            ["$session::markup", "$session: m", "$session:00000000000000000000000000000000: m"]
        {
            let map = json!({ key: "<script>" });
            let raw = encode(&map).unwrap();
            assert_eq!(raw, map.to_string());
            assert!(decode::<Markup>(&raw).is_err());
        }
    }

    #[test]
    fn escaped_map_is_read_by_first_key_as_in_flask() {
        assert_eq!(decode::<Value>(r#"{" di":{"foo":1}}"#).unwrap(), json!({"f": 1}));
        assert_eq!(
            decode::<Value>(r#"{" di":{"x__":1,"y__":[{" t":[2]}]}}"#).unwrap(),
            json!({"x": 1})
        );
        assert_eq!(decode::<Value>(r#"{" di":{"":1}}"#).unwrap(), json!({"": 1}));
        for bad in [r#"{" di":{}}"#, r#"{" di":[0]}"#, r#"{" di":1}"#] {
            assert!(decode::<Value>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_with_escapes_or_spaces_are_tags() {
        assert_eq!(decode::<Vec<u8>>(r#" { "\u0020t" : [ 1 , 2 ] } "#.trim()).unwrap(), [1, 2]);
    }

    #[test]
    fn deep_nesting_uses_no_stack() {
        let deep = format!("{}1{}", r#"{" di":{" t__":"#.repeat(50_000), "}}".repeat(50_000));
        assert!(decode::<Value>(&deep).is_err());
    }
}
