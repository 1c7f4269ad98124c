//! The types of Flask's tagged JSON: tuples, bytes, `Markup`, UUIDs and datetimes.
//!
//! Use them to share these values with a Flask application that reads the same session.
//!
//! Flask writes a value that JSON does not support as an object with one reserved key. Bytes, for
//! example, are written as `{" b":"aGk="}`. The types of this module read and write such objects.
//! Any array type also reads a tuple. A map of the application that looks like such an object is
//! escaped when it is stored and unescaped when it is read, as in Flask.
//!
//! # Trust
//!
//! To serde, each of these types except [`Tuple`] is a map with one key that is random in each
//! process. Therefore a value keeps its type if it is read as `serde_json::Value` and written back.
//! A map that a client sent never becomes [`Markup`] or another of these types, whatever its keys
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

pub(crate) mod flash;
mod marker;
mod rewrite;
mod types;

use std::fmt;

pub(crate) use rewrite::is_tag;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

pub use types::{Bytes, DateTime, Markup, Tuple, Uuid};

/// Returns the JSON text that a session stores for a value.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<String, ValueError> {
    let text = serde_json::to_string(value).map_err(ValueError::json)?;
    if rewrite::may_need_tagging(&text) {
        return rewrite::tag(&text).map_err(|_| ValueError::Tag);
    }
    Ok(text)
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
    Json { category: Category, column: usize },
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
    fn tagged_value_keeps_type_through_json_value() {
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
