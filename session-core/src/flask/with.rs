//! Types of other crates in the form that Flask reads, for `#[serde(with = "…")]`.
//!
//! Each module has the name of a crate, and exists if the feature of this name is enabled. The
//! submodule `option` is for an `Option`. Without these modules, a type of these crates is stored
//! as text, which Flask reads as `str`.
//!
//! Dates are stored in whole seconds, as in Flask.
//!
//! # Examples
//!
//! ```
//! # #[cfg(all(feature = "jiff", feature = "uuid"))] {
//! use session_core::flask::with;
//! use session_core::interface::{Opened, state_of};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Login {
//!     #[serde(with = "with::uuid")]
//!     user: uuid::Uuid,
//!     #[serde(with = "with::jiff")]
//!     at: jiff::Timestamp,
//!     #[serde(default, with = "with::jiff::option")]
//!     verified: Option<jiff::Timestamp>,
//! }
//!
//! let session = Opened::new().into_session();
//! let at = jiff::Timestamp::from_second(1_700_000_000).unwrap();
//! session.insert("login", Login { user: uuid::Uuid::nil(), at, verified: None })?;
//! let stored = state_of(&session).payload();
//! assert!(stored.contains(r#""at":{" d":"Tue, 14 Nov 2023 22:13:20 GMT"}"#));
//! assert_eq!(session.get::<Login>("login")?.unwrap().at, at);
//! # }
//! # Ok::<(), session_core::Error>(())
//! ```

#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
use std::time::SystemTime;

#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
use super::DateTime;
#[cfg(feature = "uuid")]
use super::Uuid;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
use crate::error::{Error, ErrorKind};

/// Defines a module with the functions that serde's `with` calls, and a submodule for an `Option`.
macro_rules! with {
    ($feature:literal $name:ident: $type:ty as $stored:ident) => {
        #[cfg(feature = $feature)]
        #[doc = concat!("`", stringify!($type), "` as [`", stringify!($stored), "`](super::", stringify!($stored), ").")]
        pub mod $name {
            use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

            use crate::flask::$stored;

            /// Serializes a value.
            ///
            /// # Errors
            ///
            /// Returns the errors of the serializer.
            pub fn serialize<S: Serializer>(
                value: &$type,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                $stored::from(*value).serialize(serializer)
            }

            /// Deserializes a value.
            ///
            /// # Errors
            ///
            /// Returns the errors of the deserializer, and an error for a value of another type.
            pub fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$type, D::Error> {
                let stored = $stored::deserialize(deserializer)?;
                stored.try_into().map_err(serde::de::Error::custom)
            }

            /// The same functions for an `Option`. As in Flask, text that is not a date is `None`.
            pub mod option {
                use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

                use crate::flask::$stored;

                /// Serializes a value or `None`.
                ///
                /// # Errors
                ///
                /// Returns the errors of the serializer.
                pub fn serialize<S: Serializer>(
                    value: &Option<$type>,
                    serializer: S,
                ) -> Result<S::Ok, S::Error> {
                    value.map($stored::from).serialize(serializer)
                }

                /// Deserializes a value or `None`.
                ///
                /// # Errors
                ///
                /// Returns the errors of the deserializer, and an error for a value of another
                /// type.
                pub fn deserialize<'de, D: Deserializer<'de>>(
                    deserializer: D,
                ) -> Result<Option<$type>, D::Error> {
                    let stored = Option::<$stored>::deserialize(deserializer)?;
                    Ok(stored.and_then(|stored| stored.try_into().ok()))
                }
            }
        }
    };
}

with!("chrono" chrono: ::chrono::DateTime<::chrono::Utc> as DateTime);
with!("jiff" jiff: ::jiff::Timestamp as DateTime);
with!("time" time: ::time::OffsetDateTime as DateTime);
with!("uuid" uuid: ::uuid::Uuid as Uuid);

#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
fn stored_time(stored: &DateTime) -> Result<SystemTime, Error> {
    let invalid = || Error::new(ErrorKind::Value, "stored text is not a date");
    stored.to_system_time().ok_or_else(invalid)
}

#[cfg(feature = "chrono")]
impl<Z: ::chrono::TimeZone> From<::chrono::DateTime<Z>> for DateTime {
    fn from(time: ::chrono::DateTime<Z>) -> Self {
        SystemTime::from(time).into()
    }
}

/// Fails with [`ErrorKind::Value`] if the text is not a date.
#[cfg(feature = "chrono")]
impl TryFrom<DateTime> for ::chrono::DateTime<::chrono::Utc> {
    type Error = Error;

    fn try_from(stored: DateTime) -> Result<Self, Error> {
        stored_time(&stored).map(Self::from)
    }
}

#[cfg(feature = "jiff")]
impl From<::jiff::Timestamp> for DateTime {
    fn from(time: ::jiff::Timestamp) -> Self {
        SystemTime::from(time).into()
    }
}

#[cfg(feature = "jiff")]
impl From<&::jiff::Zoned> for DateTime {
    fn from(time: &::jiff::Zoned) -> Self {
        time.timestamp().into()
    }
}

/// Fails with [`ErrorKind::Value`] if the text is not a date.
#[cfg(feature = "jiff")]
impl TryFrom<DateTime> for ::jiff::Timestamp {
    type Error = Error;

    fn try_from(stored: DateTime) -> Result<Self, Error> {
        let invalid =
            |error| Error::new(ErrorKind::Value, "stored date is out of range").with_source(error);
        Self::try_from(stored_time(&stored)?).map_err(invalid)
    }
}

#[cfg(feature = "time")]
impl From<::time::OffsetDateTime> for DateTime {
    fn from(time: ::time::OffsetDateTime) -> Self {
        SystemTime::from(time).into()
    }
}

/// Fails with [`ErrorKind::Value`] if the text is not a date.
#[cfg(feature = "time")]
impl TryFrom<DateTime> for ::time::OffsetDateTime {
    type Error = Error;

    fn try_from(stored: DateTime) -> Result<Self, Error> {
        stored_time(&stored).map(Self::from)
    }
}

#[cfg(feature = "uuid")]
impl From<::uuid::Uuid> for Uuid {
    fn from(uuid: ::uuid::Uuid) -> Self {
        uuid.into_bytes().into()
    }
}

#[cfg(feature = "uuid")]
impl From<Uuid> for ::uuid::Uuid {
    fn from(uuid: Uuid) -> Self {
        Self::from_bytes(*uuid.as_bytes())
    }
}
