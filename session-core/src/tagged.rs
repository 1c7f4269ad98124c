//! Flask's tagged JSON: tuples, bytes, `Markup`, UUIDs and datetimes, and the escape for maps that look like them.
//!
//! Flask writes a value that JSON does not know as an object with one reserved key, such as `{" b":"aGk="}` for bytes.
//! The types of this module read and write these; an array type reads a tuple too. A map of yours that happens to look
//! like a tag is escaped when it is stored and unescaped when it is read, as Flask does it.
//!
//! To serde a tagged value other than a tuple is a map with one key that is random in each process. It survives a way through
//! `serde_json::Value`; and a map that a client sent, whatever its keys, never becomes [`Markup`] or another of these.
//!
//! ```
//! use session_core::Session;
//! use session_core::tagged::{Bytes, Tuple};
//!
//! let session = Session::new();
//! session.insert("point", Tuple::new((1, 2)))?;
//! session.insert("token", Bytes::from(b"hi".to_vec()))?;
//! assert_eq!(session.payload(), r#"{"point":{" t":[1,2]},"token":{" b":"aGk="}}"#);
//! assert_eq!(session.get::<(i32, i32)>("point")?, Some((1, 2)));
//! # Ok::<(), session_core::Error>(())
//! ```

mod marker;
mod rewrite;
mod types;

use std::fmt;

pub(crate) use rewrite::is_tag;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

pub use types::{Bytes, DateTime, Markup, Tuple, Uuid};

/// A value as the JSON text that a session stores.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<String, ValueError> {
    let text = serde_json::to_string(value).map_err(ValueError::json)?;
    if rewrite::may_need_tagging(&text) {
        return rewrite::tag(&text).map_err(|_| ValueError::Tag);
    }
    Ok(text)
}

/// The value that a session's JSON text stands for.
pub(crate) fn decode<T: DeserializeOwned>(raw: &str) -> Result<T, ValueError> {
    if rewrite::may_need_untagging(raw) {
        let text = rewrite::untag(raw).map_err(|_| ValueError::Tag)?;
        return serde_json::from_str(&text).map_err(ValueError::json);
    }
    serde_json::from_str(raw).map_err(ValueError::json)
}

/// Why a value could not be written or read. It quotes nothing, as `serde_json` would: what a session holds is no
/// business of a log's.
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
            Self::Json { category: Category::Data, column } => write!(f, "JSON of another type at column {column}"),
            Self::Json { column, .. } => write!(f, "JSON that cannot be parsed at column {column}"),
            Self::Tag => f.write_str("an object is tagged as one of Flask's types but is none"),
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
    fn maps_that_look_like_tags_survive_at_any_depth() {
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
    fn a_value_read_as_json_and_written_back_keeps_its_type() {
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
    fn a_user_map_is_never_taken_for_a_tagged_type() {
        let raw = encode(&BTreeMap::from([(" b", "aGk=")])).unwrap();
        assert!(decode::<Bytes>(&raw).is_err());
        assert_eq!(decode::<BTreeMap<String, String>>(&raw).unwrap()[" b"], "aGk=");
    }

    #[test]
    fn a_map_becomes_markup_under_the_process_own_key_only() {
        let prefix = &**marker::PREFIX;
        assert_eq!((prefix.len(), prefix.matches(':').count()), (42, 2));
        for key in ["$session::markup", "$session: m", "$session:00000000000000000000000000000000: m"] {
            let map = json!({ key: "<script>" });
            let raw = encode(&map).unwrap();
            assert_eq!(raw, map.to_string());
            assert!(decode::<Markup>(&raw).is_err());
        }
    }

    #[test]
    fn flask_reads_the_escape_by_its_first_key_less_two_characters() {
        assert_eq!(decode::<Value>(r#"{" di":{"foo":1}}"#).unwrap(), json!({"f": 1}));
        assert_eq!(decode::<Value>(r#"{" di":{"x__":1,"y__":[{" t":[2]}]}}"#).unwrap(), json!({"x": 1}));
        assert_eq!(decode::<Value>(r#"{" di":{"":1}}"#).unwrap(), json!({"": 1}));
        for bad in [r#"{" di":{}}"#, r#"{" di":[0]}"#, r#"{" di":1}"#] {
            assert!(decode::<Value>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_written_with_escapes_or_spaces_are_tags() {
        assert_eq!(decode::<Vec<u8>>(r#" { "\u0020t" : [ 1 , 2 ] } "#.trim()).unwrap(), [1, 2]);
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{}1{}", r#"{" di":{" t__":"#.repeat(50_000), "}}".repeat(50_000));
        assert!(decode::<Value>(&deep).is_err());
    }
}
