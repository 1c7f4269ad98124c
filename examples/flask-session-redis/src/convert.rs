//! Converts between the contents of Redis (msgpack or JSON) and of a session (JSON in Flask's
//! tagged form), through one tree.

mod json;
mod leaves;

use std::fmt;

use rmpv::Value;
use session_core::{Error, ErrorKind};

use json::Notation;

/// The maximum nesting of a session, which is also the limit of serde.
const DEPTH: usize = 100;

/// The format in which sessions are written: Flask-Session's `SESSION_SERIALIZATION_FORMAT`. Both
/// formats are read, as in Flask-Session.
///
/// ```
/// use flask_session_redis::Format;
///
/// assert_eq!(Format::default(), Format::Msgpack);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// Flask-Session's default. It preserves bytes, dates with a time zone, and maps with integer
    /// keys.
    #[default]
    Msgpack,
    /// Plain JSON. Bytes become base64, and dates become text.
    Json,
}

/// A session as stored. Values that are text in JSON have their msgpack types.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tree(Vec<(Value, Value)>);

/// The reason why data cannot be converted. It contains no value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Unconvertible(&'static str);

impl Tree {
    /// Reads data from Redis, in either format.
    pub(crate) fn from_stored(stored: &[u8]) -> Result<Self, Unconvertible> {
        let value = if stored.first() == Some(&b'{') {
            let text = std::str::from_utf8(stored).map_err(|_| Unconvertible("not UTF-8"))?;
            json::read(text, Notation::Plain)?
        } else {
            read_msgpack(stored)?
        };
        Self::from_value(value)
    }

    /// Reads the payload of a session. The error names the key whose value cannot be stored.
    pub(crate) fn from_payload(payload: &str) -> Result<Self, Error> {
        let refuse = |key: &str, problem: Unconvertible| {
            let message = format!("Flask-Session cannot store the session value under {key:?}");
            Error::new(ErrorKind::Value, message).with_source(problem)
        };
        let malformed = |problem| {
            Error::new(ErrorKind::Malformed, "the session payload is malformed")
                .with_source(problem)
        };
        let entries = json::top_level(payload).map_err(malformed)?;
        let read = |(key, raw): (String, &str)| match json::read(raw, Notation::Tagged) {
            Ok(value) => Ok((Value::from(key), value)),
            Err(problem) => Err(refuse(&key, problem)),
        };
        entries.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the payload of the session.
    pub(crate) fn to_payload(&self) -> Result<String, Unconvertible> {
        json::write_map(&self.0, Notation::Tagged)
    }

    /// Returns the data for Redis.
    pub(crate) fn to_stored(&self, format: Format) -> Result<Vec<u8>, Error> {
        let refuse = |problem| {
            Error::new(ErrorKind::Value, "the session cannot be stored").with_source(problem)
        };
        match format {
            Format::Msgpack => {
                let mut bytes = Vec::new();
                let value = Value::Map(self.0.clone());
                rmpv::encode::write_value(&mut bytes, &value)
                    .map_err(|_| refuse(Unconvertible("too large")))?;
                Ok(bytes)
            }
            Format::Json => {
                json::write_map(&self.0, Notation::Plain).map(String::into_bytes).map_err(refuse)
            }
        }
    }

    /// Returns this session with the stored form of every unchanged value. This preserves details
    /// that a conversion loses, such as the fraction of a second in a date.
    #[must_use]
    pub(crate) fn keeping(mut self, stored: &Self) -> Self {
        for (key, value) in &mut self.0 {
            let before =
                stored.0.iter().find(|(stored_key, _)| stored_key == key).map(|(_, before)| before);
            if let Some(before) = before
                && json::write(before, Notation::Tagged) == json::write(value, Notation::Tagged)
            {
                value.clone_from(before);
            }
        }
        self
    }

    /// Returns whether the session has no key except Flask's flag, which Flask-Session ignores.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|(key, _)| key.as_str() == Some("_permanent"))
    }

    fn from_value(value: Value) -> Result<Self, Unconvertible> {
        match value {
            Value::Map(entries) if entries.iter().all(|(key, _)| key.as_str().is_some()) => {
                Ok(Self(entries))
            }
            _ => Err(Unconvertible("not a map from text to values")),
        }
    }
}

fn read_msgpack(mut stored: &[u8]) -> Result<Value, Unconvertible> {
    let value = rmpv::decode::read_value_with_max_depth(&mut stored, DEPTH);
    let value = value.map_err(|_| Unconvertible("neither msgpack nor JSON"))?;
    if stored.is_empty() {
        Ok(value)
    } else {
        Err(Unconvertible("the msgpack is followed by other bytes"))
    }
}

impl fmt::Display for Unconvertible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Unconvertible {}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload_of(msgpack: &[u8]) -> Result<String, Unconvertible> {
        Tree::from_stored(msgpack)?.to_payload()
    }

    fn stored_as(payload: &str, format: Format) -> Vec<u8> {
        Tree::from_payload(payload).unwrap().to_stored(format).unwrap()
    }

    #[test]
    fn only_msgpack_and_json_are_read() {
        assert_eq!(payload_of(b"\x81\xa1a\x01").unwrap(), r#"{"a":1}"#);
        assert_eq!(payload_of(br#"{"a":1}"#).unwrap(), r#"{"a":1}"#);
        let pickle = b"\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.";
        for bad in [
            &b""[..],
            b"\x81\xa1a",
            b"\x81\xa1a\x01\x01",
            b"\x91\x01",
            b"\x81\x01\x01",
            b"[1]",
            b"{",
            pickle,
        ] {
            assert!(payload_of(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn map_like_tag_stays_map() {
        let look_alike = b"\x81\xa1v\x81\xa2 b\xa4aGk=";
        assert_eq!(payload_of(look_alike).unwrap(), r#"{"v":{" di":{" b__":"aGk="}}}"#);
        assert_eq!(stored_as(r#"{"v":{" di":{" b__":"aGk="}}}"#, Format::Msgpack), look_alike);
        let top_level = b"\x81\xa2 t\x91\x01";
        assert_eq!(payload_of(top_level).unwrap(), r#"{" di":{" t__":[1]}}"#);
        assert_eq!(stored_as(r#"{" di":{" t__":[1]}}"#, Format::Msgpack), top_level);
        assert_eq!(payload_of(br#"{"v":{" di":{}}}"#).unwrap(), r#"{"v":{" di":{" di__":{}}}}"#);
        assert_eq!(
            stored_as(r#"{"v":{" di":{" di__":{}}}}"#, Format::Json),
            br#"{"v":{" di":{}}}"#
        );
    }

    #[test]
    fn tagged_values_are_stored_as_by_flask_session() {
        let payload = concat!(
            r#"{"b":{" b":"/wA="},"d":{" d":"Tue, 14 Nov 2023 22:13:20 GMT"},"t":{" t":[1,{" t":[]}]},"#,
            r#""u":{" u":"12345678123456781234567812345678"}}"#
        );
        let expected = concat!(
            r#"{"b":"/wA=","d":"2023-11-14T22:13:20Z","t":[1,[]],"#,
            r#""u":"12345678-1234-5678-1234-567812345678"}"#
        );
        assert_eq!(String::from_utf8(stored_as(payload, Format::Json)).unwrap(), expected);
        let msgpack = stored_as(payload, Format::Msgpack);
        assert_eq!(&msgpack[..15], b"\x84\xa1b\xc4\x02\xff\x00\xa1d\xd6\xff\x65\x53\xf1\x00");
    }

    #[test]
    fn numbers_are_exact_or_refused() {
        let exact = r#"{"v":[18446744073709551615,-9223372036854775808,0.1,-0.0,1e+300,5e-324]}"#;
        let tree = Tree::from_stored(&stored_as(exact, Format::Msgpack)).unwrap();
        assert_eq!(tree.to_payload().unwrap(), exact);
        for large in ["18446744073709551616", "-9223372036854775809", "1e400"] {
            let error = Tree::from_payload(&format!("{{\"large\":[{large}]}}")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Value);
            assert!(error.to_string().ends_with("under \"large\""), "{error}");
        }
    }

    #[test]
    fn values_beyond_msgpack_or_python_are_refused() {
        for bad in [
            r#"{" m":"<b>"}"#,
            r#"{" d":"yesterday"}"#,
            r#"{" b":"?"}"#,
            r#"{" u":"1"}"#,
            r#""\ud800""#,
        ] {
            assert!(Tree::from_payload(&format!("{{\"v\":{bad}}}")).is_err(), "{bad}");
        }
        let deep = format!("{{\"v\":{}1{}}}", "[".repeat(DEPTH + 1), "]".repeat(DEPTH + 1));
        assert!(Tree::from_payload(&deep).is_err());
        assert!(Tree::from_stored(deep.as_bytes()).is_err());
    }

    #[test]
    fn unchanged_value_keeps_stored_form() {
        // A date with microseconds, a map with an integer key, and not-a-number.
        let stored =
            b"\x84\xa1d\xd7\xff\x1d\x6f\x28\x00\x65\x53\xf1\x00\xa1m\x81\x01\x02\xa1n\xcb\x7f\xf8\0\0\0\0\0\0\xa1v\x01";
        let tree = Tree::from_stored(stored).unwrap();
        let payload = tree.to_payload().unwrap();
        assert_eq!(
            payload,
            r#"{"d":{" d":"Tue, 14 Nov 2023 22:13:20 GMT"},"m":{"1":2},"n":null,"v":1}"#
        );
        let changed =
            Tree::from_payload(&payload.replace(r#""v":1"#, r#""v":2"#)).unwrap().keeping(&tree);
        let mut expected = stored.to_vec();
        *expected.last_mut().unwrap() = 2;
        assert_eq!(changed.to_stored(Format::Msgpack).unwrap(), expected);
    }

    #[test]
    fn readable_session_is_written_back_unchanged() {
        let mut random = fastrand::Rng::with_seed(0);
        for _ in 0..2000 {
            let entries = (0..random.usize(..6))
                .map(|key| (Value::from(format!(" {key}")), value(&mut random, 4)));
            let mut entries: Vec<_> = entries.collect();
            if entries.len() == 1 {
                entries[0].0 = tag_or_text(&mut random);
            }
            let tree = Tree(entries);
            let stored = tree.to_stored(Format::Msgpack).unwrap();
            let read = Tree::from_stored(&stored).unwrap();
            let payload = read.to_payload().unwrap();
            let written = Tree::from_payload(&payload).unwrap();
            assert_eq!(written.to_payload().unwrap(), payload);
            assert_eq!(
                written.keeping(&read).to_stored(Format::Msgpack).unwrap(),
                stored,
                "{payload}"
            );
            let json = tree.to_stored(Format::Json).unwrap();
            let read = Tree::from_stored(&json).unwrap();
            let written = Tree::from_payload(&read.to_payload().unwrap()).unwrap();
            assert_eq!(written.to_stored(Format::Json).unwrap(), json, "{payload}");
        }
    }

    fn value(random: &mut fastrand::Rng, depth: usize) -> Value {
        match random.u8(..if depth == 0 { 9 } else { 11 }) {
            0 => Value::Nil,
            1 => Value::Boolean(random.bool()),
            2 => Value::from(random.i64(..)),
            3 => Value::from(random.u64(..) >> random.u32(..64)),
            4 => Value::F64(f64::from_bits(random.u64(..))),
            5 => Value::F32(f32::from_bits(random.u32(..))),
            6 => tag_or_text(random),
            7 => Value::Binary((0..random.usize(..4)).map(|_| random.u8(..)).collect()),
            8 => Value::Ext(-1, random.u32(..).to_be_bytes().to_vec()),
            9 => Value::Array((0..random.usize(..4)).map(|_| value(random, depth - 1)).collect()),
            _ => {
                let key = |random: &mut fastrand::Rng| {
                    if random.bool() { tag_or_text(random) } else { Value::from(random.i8(..)) }
                };
                Value::Map(
                    (0..random.usize(..3))
                        .map(|_| (key(random), value(random, depth - 1)))
                        .collect(),
                )
            }
        }
    }

    fn tag_or_text(random: &mut fastrand::Rng) -> Value {
        let texts = [
            " t",
            " b",
            " m",
            " u",
            " d",
            " di",
            " t__",
            "",
            "\"\\\n",
            "é😀",
            "_permanent",
            "null",
        ];
        Value::from(texts[random.usize(..texts.len())])
    }

    #[test]
    fn session_with_only_permanent_flag_is_empty() {
        let is_empty = |payload| Tree::from_payload(payload).unwrap().is_empty();
        assert!(is_empty("{}") && is_empty(r#"{"_permanent":true}"#));
        assert!(!is_empty(r#"{"_permanent":true,"user":1}"#));
    }

    #[test]
    fn fuzzed_stored_session_is_tree_or_error() {
        let payload = r#"{"_permanent":true,"n":[1,-2.5,null],"b":{" b":"aGk="},"t":{" t":["x"]}}"#;
        let formats = [Format::Msgpack, Format::Json];
        let samples = formats.map(|format| stored_as(payload, format));
        // The header of a list can state more entries than the list has. The reader reserves memory
        // for the stated number.
        fuzzing::Fuzz::new("Flask-Session", samples).memory(1024 * 1024).run(|input| {
            let Ok(tree) = Tree::from_stored(input) else { return false };
            let Ok(payload) = tree.to_payload() else { return false };
            let again = Tree::from_payload(&payload).unwrap().to_payload();
            assert_eq!(again.as_ref(), Ok(&payload));
            true
        });
    }
}
