//! Markers: the form of tagged values in serde's data model.
//!
//! A marker is a map with one key: a secret prefix, random in each process, and Flask's tag. A
//! client cannot guess the prefix. Therefore a map that a client sent never becomes trusted HTML
//! when a session stores it.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::marker::PhantomData;
use std::sync::LazyLock;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) const TUPLE: &str = " t";
pub(super) const BYTES: &str = " b";
pub(super) const MARKUP: &str = " m";
pub(super) const UUID: &str = " u";
pub(super) const DATETIME: &str = " d";

/// The prefix of every marker: 128 random bits, new in each process.
pub(super) static PREFIX: LazyLock<String> = LazyLock::new(|| {
    let random = || RandomState::new().build_hasher().finish();
    format!("$session:{:016x}{:016x}:", random(), random())
});

/// Serializes a value of one of Flask's types.
pub(super) fn marked<S: Serializer, T: Serialize + ?Sized>(
    serializer: S,
    tag: &str,
    value: &T,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(&format!("{}{tag}", *PREFIX), value)?;
    map.end()
}

/// Deserializes a value of one of Flask's types.
pub(super) fn unmarked<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    tag: &'static str,
) -> Result<T, D::Error> {
    deserializer.deserialize_map(Marked { tag, value: PhantomData })
}

struct Marked<T> {
    tag: &'static str,
    value: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Marked<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with one of Flask's tags")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let key: Option<String> = map.next_key()?;
        if key.as_deref().and_then(|key| key.strip_prefix(&**PREFIX)) != Some(self.tag) {
            return Err(A::Error::custom("value has another type"));
        }
        map.next_value()
    }
}
