//! Converts between JSON text and the tree. The text is plain, as Flask-Session stores it, or in
//! Flask's tagged form, as in a session.

use std::fmt;

use rmpv::Value;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{DEPTH, Unconvertible, leaves};

/// Flask's tags, and the escape for a map whose only key looks like a tag.
const TUPLE: &str = " t";
const BYTES: &str = " b";
const MARKUP: &str = " m";
const UUID: &str = " u";
const DATE: &str = " d";
const ESCAPE: &str = " di";
const ESCAPED_SUFFIX: &str = "__";

/// The meaning of an object with one key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Notation {
    /// An object.
    Plain,
    /// An object, or one of Flask's types.
    Tagged,
}

/// Reads one value.
pub(super) fn read(text: &str, notation: Notation) -> Result<Value, Unconvertible> {
    read_nested(text, notation, DEPTH)
}

/// Returns the keys of a payload and the text of each value.
pub(super) fn top_level(payload: &str) -> Result<Vec<(String, &str)>, Unconvertible> {
    let Object(entries) = parse(payload)?;
    match &entries[..] {
        [(key, escaped)] if key == ESCAPE => unescape(escaped.get()).map(|entry| vec![entry]),
        _ => Ok(entries.into_iter().map(|(key, raw)| (key, raw.get())).collect()),
    }
}

/// Writes one value.
pub(super) fn write(value: &Value, notation: Notation) -> Result<String, Unconvertible> {
    let mut writer = Writer { text: String::new(), notation };
    writer.value(value, DEPTH)?;
    Ok(writer.text)
}

/// Writes a map.
pub(super) fn write_map(
    entries: &[(Value, Value)],
    notation: Notation,
) -> Result<String, Unconvertible> {
    let mut writer = Writer { text: String::new(), notation };
    writer.map(entries, DEPTH + 1)?;
    Ok(writer.text)
}

/// The entries of an object in order, each value as text. Therefore a number keeps all its digits.
struct Object<'a>(Vec<(String, &'a RawValue)>);

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unconvertible> {
    serde_json::from_str(text).map_err(|_| Unconvertible("not the JSON that Flask-Session writes"))
}

fn read_nested(text: &str, notation: Notation, depth: usize) -> Result<Value, Unconvertible> {
    let depth = depth.checked_sub(1).ok_or(Unconvertible("nested too deeply"))?;
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => {
            let Object(entries) = parse(text)?;
            match &entries[..] {
                [(key, raw)] if notation == Notation::Tagged && is_tag(key) => {
                    read_tagged(key, raw.get(), depth)
                }
                _ => {
                    let read = |(key, raw): (String, &RawValue)| {
                        Ok((Value::from(key), read_nested(raw.get(), notation, depth)?))
                    };
                    entries.into_iter().map(read).collect::<Result<_, _>>().map(Value::Map)
                }
            }
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = parse(text)?;
            let items = items.into_iter().map(|raw| read_nested(raw.get(), notation, depth));
            items.collect::<Result<_, _>>().map(Value::Array)
        }
        Some(b'"') => parse::<String>(text).map(Value::from),
        Some(b't' | b'f') => parse(text).map(Value::Boolean),
        Some(b'n') => parse(text).map(|()| Value::Nil),
        _ => leaves::read_number(text.trim_ascii()),
    }
}

fn read_tagged(tag: &str, text: &str, depth: usize) -> Result<Value, Unconvertible> {
    match tag {
        TUPLE => match read_nested(text, Notation::Tagged, depth)? {
            items @ Value::Array(_) => Ok(items),
            _ => Err(Unconvertible("an invalid tuple")),
        },
        BYTES => leaves::read_bytes(&parse::<String>(text)?),
        UUID => leaves::read_uuid(&parse::<String>(text)?),
        DATE => leaves::read_date(&parse::<String>(text)?),
        ESCAPE => {
            let (key, raw) = unescape(text)?;
            Ok(Value::Map(vec![(Value::from(key), read_nested(raw, Notation::Tagged, depth)?)]))
        }
        // As text, the markup would be escaped on the next page. Flask-Session also fails here.
        _ => Err(Unconvertible("markup, which Flask-Session does not support")),
    }
}

/// Returns the only entry of an escaped map.
fn unescape(text: &str) -> Result<(String, &str), Unconvertible> {
    let Object(mut entries) = parse(text)?;
    match (entries.pop(), entries.is_empty()) {
        (Some((mut key, raw)), true) if key.ends_with(ESCAPED_SUFFIX) => {
            key.truncate(key.len() - ESCAPED_SUFFIX.len());
            Ok((key, raw.get()))
        }
        _ => Err(Unconvertible("an invalid escaped map")),
    }
}

fn is_tag(key: &str) -> bool {
    [TUPLE, BYTES, MARKUP, UUID, DATE, ESCAPE].contains(&key)
}

struct Writer {
    text: String,
    notation: Notation,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Unconvertible> {
        let depth = depth.checked_sub(1).ok_or(Unconvertible("nested too deeply"))?;
        match value {
            Value::Nil => self.text.push_str("null"),
            Value::Boolean(value) => self.text.push_str(if *value { "true" } else { "false" }),
            Value::Integer(number) => self.text.push_str(&number.to_string()),
            Value::F32(number) => self.float(f64::from(*number)),
            Value::F64(number) => self.float(*number),
            Value::String(text) => {
                self.string(text.as_str().ok_or(Unconvertible("text that is not UTF-8"))?);
            }
            Value::Binary(bytes) => self.leaf(BYTES, &leaves::write_bytes(bytes)),
            Value::Ext(kind, bytes) => {
                let time = leaves::time(*kind, bytes)?;
                match self.notation {
                    Notation::Plain => self.string(&leaves::write_time(time)),
                    Notation::Tagged => self.leaf(DATE, &leaves::write_date(time)),
                }
            }
            Value::Array(items) => {
                self.text.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.separate(index);
                    self.value(item, depth)?;
                }
                self.text.push(']');
            }
            Value::Map(entries) => self.map(entries, depth + 1)?,
        }
        Ok(())
    }

    fn map(&mut self, entries: &[(Value, Value)], depth: usize) -> Result<(), Unconvertible> {
        let depth = depth.checked_sub(1).ok_or(Unconvertible("nested too deeply"))?;
        if let [(Value::String(key), value)] = entries
            && let Some(key) = key.as_str().filter(|key| is_tag(key))
            && self.notation == Notation::Tagged
        {
            self.push(&["{\"", ESCAPE, "\":{\"", key, ESCAPED_SUFFIX, "\":"]);
            self.value(value, depth)?;
            self.text.push_str("}}");
            return Ok(());
        }
        self.text.push('{');
        for (index, (key, value)) in entries.iter().enumerate() {
            self.separate(index);
            match key {
                Value::String(key) => {
                    self.string(key.as_str().ok_or(Unconvertible("a key that is not UTF-8"))?);
                }
                Value::Integer(key) => self.string(&key.to_string()),
                _ => {
                    return Err(Unconvertible("a map with keys other than text and whole numbers"));
                }
            }
            self.text.push(':');
            self.value(value, depth)?;
        }
        self.text.push('}');
        Ok(())
    }

    /// Writes a value for which JSON has no type: tagged, or as text.
    fn leaf(&mut self, tag: &str, text: &str) {
        match self.notation {
            Notation::Plain => self.string(text),
            Notation::Tagged => self.push(&["{\"", tag, "\":\"", text, "\"}"]),
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push_str(&serde_json::Value::from(text).to_string());
    }

    /// Writes null for a float that JSON cannot represent, as Flask-Session's JSON does.
    fn float(&mut self, number: f64) {
        self.text.push_str(&serde_json::Value::from(number).to_string());
    }

    fn push(&mut self, parts: &[&str]) {
        self.text.extend(parts.iter().copied());
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.text.push(',');
        }
    }
}

impl<'a> Deserialize<'a> for Object<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'a> Visitor<'a> for Entries {
            type Value = Object<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Object(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
