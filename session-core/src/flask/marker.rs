//! Markers: the form of tagged values in the JSON text between a session and serde.
//!
//! A marker is an object with one key: a secret prefix, random in each process, and Flask's tag. It
//! exists only in text that is being written or read. The types of this module write and read
//! newtype structs with reserved names. Only the serializer and the deserializer of a session
//! handle these names. Therefore no value that an application can send to a client has a marker. A
//! client that guesses the prefix cannot use it either, because `encode` refuses every marker that
//! the serializer did not write.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::marker::PhantomData;
use std::sync::LazyLock;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) const TUPLE: &str = " t";
pub(super) const BYTES: &str = " b";
pub(super) const MARKUP: &str = " m";
pub(super) const UUID: &str = " u";
pub(super) const DATETIME: &str = " d";

/// The reserved names of newtype structs, with their tags.
const NAMES: [(&str, &str); 5] = [
    ("$session_core::flask::Tuple", TUPLE),
    ("$session_core::flask::Bytes", BYTES),
    ("$session_core::flask::Markup", MARKUP),
    ("$session_core::flask::Uuid", UUID),
    ("$session_core::flask::DateTime", DATETIME),
];

/// The reserved name of a value of any type.
pub(super) const ANY: &str = "$session_core::flask::Any";

/// Returns the tag of a newtype struct, if its name is reserved.
pub(super) fn tag_of(name: &str) -> Option<&'static str> {
    if !name.starts_with('$') {
        return None;
    }
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, tag)| *tag)
}

fn name_of(tag: &str) -> &'static str {
    NAMES.iter().find(|(_, known)| *known == tag).map_or("", |(name, _)| name)
}

/// The prefix of every marker: 128 random bits, new in each process.
pub(super) static PREFIX: LazyLock<String> = LazyLock::new(|| {
    let random = || RandomState::new().build_hasher().finish();
    format!("$session:{:016x}{:016x}:", random(), random())
});

/// Serializes a value of one of Flask's types. All serializers except the serializer of a session
/// write the value without the tag.
pub(super) fn marked<S: Serializer, T: Serialize + ?Sized>(
    serializer: S,
    tag: &str,
    value: &T,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(name_of(tag), value)
}

/// Deserializes a value of one of Flask's types. All deserializers except the deserializer of a
/// session fail.
pub(super) fn unmarked<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    tag: &'static str,
) -> Result<T, D::Error> {
    deserializer.deserialize_newtype_struct(name_of(tag), Marked { value: PhantomData })
}

struct Marked<T> {
    value: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Marked<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with one of Flask's tags")
    }

    /// The deserializer of a session has checked the key and consumed it.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        map.next_value()
    }
}
