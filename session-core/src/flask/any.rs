//! A value of any type that Flask stores.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::marker::{self, PREFIX};
use super::types::{Bytes, DateTime, Markup, Uuid};

/// A value of any type that Flask stores, for code that does not depend on the type.
///
/// A tuple is read as a list, and an integer of more than 64 bits as a float.
///
/// # Examples
///
/// ```
/// use session_core::flask::{Any, Markup};
///
/// # let session = session_core::interface::Opened::new().into_session();
/// session.insert("banner", Markup::from("<b>Sale</b>"))?;
/// match session.get::<Any>("banner")? {
///     Some(Any::Markup(html)) => assert_eq!(html.as_str(), "<b>Sale</b>"),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Any {
    /// Python's `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int` of at most 64 bits.
    Integer(i128),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Text(String),
    /// A `list` or a `tuple`.
    List(Vec<Any>),
    /// A `dict`.
    Map(BTreeMap<String, Any>),
    /// A `bytes`.
    Bytes(Bytes),
    /// A `Markup`.
    Markup(Markup),
    /// A `UUID`.
    Uuid(Uuid),
    /// A `datetime`.
    DateTime(DateTime),
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_unit(),
            Self::Bool(value) => value.serialize(serializer),
            Self::Integer(value) => value.serialize(serializer),
            Self::Float(value) => value.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
            Self::List(items) => items.serialize(serializer),
            Self::Map(entries) => entries.serialize(serializer),
            Self::Bytes(bytes) => bytes.serialize(serializer),
            Self::Markup(html) => html.serialize(serializer),
            Self::Uuid(uuid) => uuid.serialize(serializer),
            Self::DateTime(time) => time.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(marker::ANY, AnyVisitor)
    }
}

/// A visitor that distinguishes the deserializer of a session, which calls `visit_some`, from all
/// other deserializers.
struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        Part { has_markers: true }.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        Part { has_markers: false }.deserialize(deserializer)
    }
}

/// A reader of a part of a value. Only the deserializer of a session has markers.
#[derive(Clone, Copy)]
struct Part {
    has_markers: bool,
}

impl<'de> DeserializeSeed<'de> for Part {
    type Value = Any;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Any, E> {
        Ok(Any::None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Any, E> {
        Ok(Any::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Any, E> {
        Ok(Any::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Any, E> {
        Ok(Any::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Any, E> {
        Ok(Any::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Any, E> {
        Ok(Any::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Any, E> {
        Ok(Any::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Any, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Any::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(self)?;
            match key.strip_prefix(&**PREFIX).filter(|_| self.has_markers) {
                Some(tag) => {
                    return tagged(tag, value)
                        .ok_or_else(|| A::Error::custom("value does not match its type tag"));
                }
                None => drop(entries.insert(key, value)),
            }
        }
        Ok(Any::Map(entries))
    }
}

fn tagged(tag: &str, value: Any) -> Option<Any> {
    match (tag, value) {
        (marker::BYTES, Any::Text(text)) => Bytes::parse(text).map(Any::Bytes),
        (marker::MARKUP, Any::Text(html)) => Some(Any::Markup(Markup::from(html))),
        (marker::UUID, Any::Text(text)) => Uuid::parse(&text).map(Any::Uuid),
        (marker::DATETIME, Any::Text(text)) => Some(Any::DateTime(DateTime::of_text(text))),
        (marker::DATETIME, _) => Some(Any::DateTime(DateTime::of_text(String::new()))),
        _ => None,
    }
}
