//! The types of Flask's tagged JSON: tuples, bytes, `Markup`, UUIDs and datetimes.
//!
//! Use these types to share such values with a Flask application that reads the same session.
//!
//! Flask writes a value that JSON does not support as an object with one reserved key. Bytes, for
//! example, are written as `{" b":"aGk="}`. The types of this module read and write such objects.
//! Any array type also reads a tuple. As in Flask, a map of the application that looks like such an
//! object is escaped in the payload. The map is unescaped when it is read.
//!
//! # Ordinary JSON
//!
//! Ordinary JSON has none of these types, and `serde_json::Value` has no integers above 64 bits.
//! Types outside this module read a tuple as a list, and the other types as text. The text is the
//! base64, the HTML, the digits of the UUID, or the date. An [`update`](crate::Session::update) of
//! a value changes only the parts whose ordinary JSON changes. The stored text and the type of the
//! other parts stay the same. To read a value of any type, use [`Any`].
//!
//! If [`get`](crate::Session::get) reads a value as a `Value` and
//! [`insert`](crate::Session::insert) writes it back, the value is stored as ordinary JSON. A tuple
//! becomes a list, bytes become text, and a large integer becomes a float.
//!
//! # Trust
//!
//! JSON that a client sent never becomes [`Markup`] or another of these types, regardless of its
//! keys. Other serializers, such as the serializer of a response, write these types as ordinary
//! JSON.
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

mod any;
mod date;
mod finite;
pub(crate) mod flash;
#[cfg(test)]
mod fuzz;
mod keep;
mod marker;
mod ordinary;
mod rewrite;
mod types;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time", feature = "uuid"))]
pub mod with;

use std::fmt;

use finite::{Finite, Notes};
pub(crate) use keep::keep_unchanged;
use marker::PREFIX;
use ordinary::Ordinary;
pub(crate) use rewrite::is_tag;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::scan;

pub use any::Any;
pub use types::{Bytes, DateTime, Markup, Tuple, Uuid};

/// The maximum number of levels that `serde_json` reads.
const MAX_LEVELS: usize = 127;

/// Returns the JSON text that a session stores for a value.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<String, ValueError> {
    encode_inside(0, value)
}

/// Returns the JSON text of a value that is stored inside other values, below this number of
/// levels.
pub(crate) fn encode_inside<T: Serialize + ?Sized>(
    outer: usize,
    value: &T,
) -> Result<String, ValueError> {
    let notes = Notes::default();
    let written = serde_json::to_string(&Finite::new(value, &notes));
    if notes.broken.get() {
        return Err(ValueError::NotFinite);
    }
    let text = written.map_err(|_| ValueError::NotJson)?;
    let levels = MAX_LEVELS - outer;
    if !rewrite::may_need_tagging(&text) {
        return if is_deeper(&text, levels) { Err(ValueError::TooDeep) } else { Ok(text) };
    }
    // A marker that the serializer did not write may be from a client.
    if text.matches(&**PREFIX).count() != notes.markers.get() {
        return Err(ValueError::Tag);
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
        if raw.contains(&**PREFIX) {
            return Err(ValueError::Tag);
        }
        let text = rewrite::untag(raw).map_err(|_| ValueError::Tag)?;
        let mut reader = serde_json::Deserializer::from_str(&text);
        let value = T::deserialize(Ordinary(&mut reader)).map_err(ValueError::json)?;
        return reader.end().map(|()| value).map_err(ValueError::json);
    }
    serde_json::from_str(raw).map_err(ValueError::json)
}

/// The reason why a value could not be written or read.
///
/// Unlike an error of `serde_json`, this error quotes no part of the value, because the values of a
/// session must not be logged.
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
    fn tagged_values_are_text_to_other_types() {
        for (raw, ordinary) in [
            (r#"{" b":"aGk="}"#, r#""aGk=""#),
            (r#"[{" m":"<b>"},{" u":"01"}]"#, r#"["<b>","01"]"#),
            (
                r#"{"d":{" d":"Tue, 14 Nov 2023 22:13:20 GMT"}}"#,
                r#"{"d":"Tue, 14 Nov 2023 22:13:20 GMT"}"#,
            ),
        ] {
            let value: Value = decode(raw).unwrap();
            assert_eq!(value.to_string(), ordinary);
            assert_eq!(encode(&value).unwrap(), ordinary);
        }
        assert_eq!(decode::<String>(r#"{" m":"<b>"}"#).unwrap(), "<b>");
        assert_eq!(decode::<Option<String>>(r#"{" u":"01"}"#).unwrap().as_deref(), Some("01"));
    }

    #[test]
    fn types_beside_tagged_values_are_read_as_usual() {
        #[derive(serde::Deserialize, Debug, PartialEq)]
        enum Kind {
            Unit,
            New(Bytes),
            Pair(u8, Bytes),
            Named { bytes: Bytes },
        }
        #[derive(serde::Deserialize)]
        struct Fields {
            map: std::collections::HashMap<u64, Option<Bytes>>,
            large: u128,
            kinds: Vec<Kind>,
            unit: (),
            #[serde(default)]
            missing: Option<Markup>,
        }
        let raw = r#"{"map":{"7":{" b":"aGk="},"8":null},"large":340282366920938463463374607431768211455,
            "kinds":["Unit",{"New":{" b":"aGk="}},{"Pair":[1,{" b":"aGk="}]},
            {"Named":{"bytes":{" b":"aGk="}}}],"unit":null,"ignored":{" m":"x"}}"#;
        let read: Fields = decode(raw).unwrap();
        let hi = || Bytes::from(b"hi".to_vec());
        assert_eq!((read.map[&7].clone(), read.map[&8].clone()), (Some(hi()), None));
        assert_eq!((read.large, read.missing), (u128::MAX, None));
        let () = read.unit;
        let kinds = [Kind::Unit, Kind::New(hi()), Kind::Pair(1, hi()), Kind::Named { bytes: hi() }];
        assert_eq!(read.kinds, kinds);
    }

    #[test]
    fn known_marker_does_not_help() {
        let key = format!("{}{}", *marker::PREFIX, marker::MARKUP);
        let sent = json!({ key.clone(): "<script>" });
        assert!(serde_json::from_value::<Markup>(sent.clone()).is_err());
        assert!(encode(&sent).is_err());
        assert!(decode::<Value>(&format!("[{sent},{{\" m\":1}}]")).is_err());
        assert!(!serde_json::to_string(&Markup::from("<b>")).unwrap().contains('$'));
        let value: Value = decode(r#"{"a":{" m":"<b>"}}"#).unwrap();
        assert!(!value.to_string().contains("$session"));
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
