//! Session values of any of Flask's types. Tests build the values of one side and compare them with
//! the values of the other side.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use session_core::flask::{Any, Bytes, DateTime, Markup, Tuple, Uuid};

/// A value of any type that Flask stores.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// `None`
    None,
    /// `bool`
    Bool(bool),
    /// `int` that fits into 64 bits, signed or unsigned
    Int(i128),
    /// `float`
    Float(f64),
    /// `str`
    Text(String),
    /// `list`
    List(Vec<Sample>),
    /// `tuple`
    Tuple(Vec<Sample>),
    /// `dict`
    Dict(BTreeMap<String, Sample>),
    /// `bytes`
    Bytes(Vec<u8>),
    /// `markupsafe.Markup`
    Markup(String),
    /// `uuid.UUID`
    Uuid([u8; 16]),
    /// `datetime`, in seconds since 1970
    DateTime(u64),
}

impl Sample {
    /// Returns the value as JSON that names every type. The Python side writes the same JSON.
    pub fn describe(&self) -> Value {
        let all = |items: &[Self]| -> Vec<Value> { items.iter().map(Self::describe).collect() };
        match self {
            Self::None => json!(["none"]),
            Self::Bool(value) => json!(["bool", value]),
            Self::Int(value) => json!(["int", value.to_string()]),
            Self::Float(value) => json!(["float", format!("{:016x}", value.to_bits())]),
            Self::Text(text) => json!(["str", text]),
            Self::List(items) => json!(["list", all(items)]),
            Self::Tuple(items) => json!(["tuple", all(items)]),
            Self::Dict(items) => json!(["dict", describe_all(items)]),
            Self::Bytes(bytes) => json!(["bytes", hex(bytes)]),
            Self::Markup(html) => json!(["markup", html]),
            Self::Uuid(bytes) => json!(["uuid", hex(bytes)]),
            Self::DateTime(seconds) => json!(["datetime", seconds]),
        }
    }

    /// Returns the same value with a list for every tuple, because Rust reads both as the same
    /// type.
    #[must_use]
    pub fn with_lists(self) -> Self {
        let lists = |items: Vec<Self>| items.into_iter().map(Self::with_lists).collect();
        match self {
            Self::List(items) | Self::Tuple(items) => Self::List(lists(items)),
            Self::Dict(items) => {
                Self::Dict(items.into_iter().map(|(key, item)| (key, item.with_lists())).collect())
            }
            other => other,
        }
    }
}

/// Returns each key with the description of its value.
pub fn describe_all<'a, K: AsRef<str>>(items: impl IntoIterator<Item = (K, &'a Sample)>) -> Value {
    items.into_iter().map(|(key, item)| (key.as_ref().to_owned(), item.describe())).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_none(),
            Self::Bool(value) => value.serialize(serializer),
            Self::Int(value) => value.serialize(serializer),
            Self::Float(value) => value.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
            Self::List(items) => items.serialize(serializer),
            Self::Tuple(items) => Tuple::new(items).serialize(serializer),
            Self::Dict(items) => items.serialize(serializer),
            Self::Bytes(bytes) => Bytes::from(bytes.clone()).serialize(serializer),
            Self::Markup(html) => Markup::from(html).serialize(serializer),
            Self::Uuid(bytes) => Uuid::from(*bytes).serialize(serializer),
            Self::DateTime(seconds) => {
                DateTime::from(SystemTime::UNIX_EPOCH + Duration::from_secs(*seconds))
                    .serialize(serializer)
            }
        }
    }
}

/// A value whose type was unknown when it was read.
impl From<Any> for Sample {
    fn from(value: Any) -> Self {
        match value {
            Any::Bool(value) => Self::Bool(value),
            Any::Integer(value) => Self::Int(value),
            Any::Float(value) => Self::Float(value),
            Any::Text(text) => Self::Text(text),
            Any::List(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Any::Map(items) => {
                Self::Dict(items.into_iter().map(|(key, item)| (key, item.into())).collect())
            }
            Any::Bytes(bytes) => bytes.into(),
            Any::Markup(html) => html.into(),
            Any::Uuid(uuid) => uuid.into(),
            Any::DateTime(date) => date.into(),
            _ => Self::None,
        }
    }
}

macro_rules! sample_from {
    ($($type:ty => $value:ident: $sample:expr),* $(,)?) => {
        $(impl From<$type> for Sample {
            fn from($value: $type) -> Self {
                $sample
            }
        })*
    };
}

sample_from! {
    () => _unit: Self::None,
    bool => value: Self::Bool(value),
    i64 => value: Self::Int(value.into()),
    u64 => value: Self::Int(value.into()),
    f64 => value: Self::Float(value),
    &str => text: Self::Text(text.to_owned()),
    String => text: Self::Text(text),
    Bytes => bytes: Self::Bytes(bytes.into_vec()),
    Markup => html: Self::Markup(html.into_string()),
    Uuid => uuid: Self::Uuid(*uuid.as_bytes()),
    // As in Flask, an invalid date is `None`.
    DateTime => date: date
        .to_system_time()
        .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
        .map_or(Self::None, |since| Self::DateTime(since.as_secs())),
}

impl<T: Into<Sample>> From<Option<T>> for Sample {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, T::into)
    }
}

impl<T: Into<Sample>> From<Vec<T>> for Sample {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(T::into).collect())
    }
}

impl<T: Into<Sample>> From<BTreeMap<String, T>> for Sample {
    fn from(items: BTreeMap<String, T>) -> Self {
        Self::Dict(items.into_iter().map(|(key, item)| (key, item.into())).collect())
    }
}

impl<A: Into<Sample>, B: Into<Sample>> From<Tuple<(A, B)>> for Sample {
    fn from(pair: Tuple<(A, B)>) -> Self {
        let (one, other) = pair.into_inner();
        Self::Tuple(vec![one.into(), other.into()])
    }
}
