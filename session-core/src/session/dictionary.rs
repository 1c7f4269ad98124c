//! The session as a dictionary.

use std::any::type_name;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::changes::{Apply, Change};
use crate::tagged::{self, ValueError};
use crate::{Error, ErrorKind, Session, SessionKey};

/// The dictionary. `accessed` and `modified` follow from what is called, as in Flask.
impl Session {
    /// A copy of a value, or `None` if there is no such key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if the value is not a `T`. The rest of the session is unaffected.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::from_payload(r#"{"user_id":42}"#)?;
    /// assert_eq!(session.get::<u64>("user_id")?, Some(42));
    /// assert_eq!(session.get::<u64>("cart")?, None);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn get<T: DeserializeOwned>(&self, key: impl SessionKey<T>) -> Result<Option<T>, Error> {
        let key = key.as_name();
        // Parsing runs the caller's code, so not under the lock.
        let raw = self.read(|state| state.values.get(key).map(RawValue::copy));
        raw.map(|raw| decode(key, raw.as_str())).transpose()
    }

    /// Sets a value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if it cannot be written as JSON; [`ErrorKind::Sealed`] after the response was committed;
    /// [`ErrorKind::Unconfigured`] on the null session.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// session.insert("user_id", 42)?;
    /// session.insert("tags", ["a", "b"])?;
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn insert<T: Serialize>(&self, key: impl SessionKey<T>, value: T) -> Result<(), Error> {
        let key = key.as_name();
        let value = encode(key, &value)?;
        self.write(|state| state.record(Change::Insert { key: key.into(), value }))
    }

    /// Removes a value and returns it; `None`, and no change, if there is no such key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if the value is not a `T`: it stays; [`discard`](Self::discard) asks for no type. Otherwise as
    /// [`insert`](Self::insert), if there is something to remove.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::from_payload(r#"{"user_id":42}"#)?;
    /// assert_eq!(session.remove::<u64>("user_id")?, Some(42));
    /// assert_eq!(session.remove::<u64>("user_id")?, None);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn remove<T: DeserializeOwned>(&self, key: impl SessionKey<T>) -> Result<Option<T>, Error> {
        let key = key.as_name();
        loop {
            let (raw, revision) = self.read(|state| (state.values.get(key).map(str::to_owned), state.revision));
            let Some(raw) = raw else { return Ok(None) };
            let value = decode(key, &raw)?;
            let removed = self.write(|state| {
                if state.revision != revision {
                    return Ok(false);
                }
                state.record(Change::Remove { key: key.into() })?;
                Ok(true)
            })?;
            if removed {
                return Ok(Some(value));
            }
        }
    }

    /// Removes a value of any type; false, and no change, if there is no such key.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert), if there is something to remove.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::from_payload(r#"{"user_id":42}"#)?;
    /// assert!(session.discard("user_id")?);
    /// assert!(!session.discard("user_id")?);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn discard(&self, key: &str) -> Result<bool, Error> {
        if !self.contains_key(key) {
            return Ok(false);
        }
        self.write(|state| {
            let present = state.values.contains_key(key);
            if present {
                state.record(Change::Remove { key: key.into() })?;
            }
            Ok(present)
        })
    }

    /// The value of a key, set to `value` first if there is none.
    ///
    /// When a server-side backend replays this on a newer version that has the key, the newer value stays.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if the value that is there is not a `T`; otherwise as [`insert`](Self::insert), if it has to be
    /// set.
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// assert_eq!(session.get_or_insert("visits", 1)?, 1);
    /// assert_eq!(session.get_or_insert("visits", 2)?, 1);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn get_or_insert<T>(&self, key: impl SessionKey<T>, value: T) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
    {
        let key = key.as_name();
        if let Some(present) = self.get(key)? {
            return Ok(present);
        }
        let text = encode(key, &value)?;
        self.record_update(key, move |raw| Ok(Some(raw.unwrap_or(&text).to_owned())))?;
        Ok(value)
    }

    /// Changes a value by what it is now: `None` in, if there is none; `None` out, to remove it.
    ///
    /// On a server-side backend two requests that update at once both count: the function runs again on the newer value.
    /// So it must depend on nothing but its argument, and it returns nothing to the handler, for the handler may have
    /// seen an older value. If it changes nothing, nothing is recorded.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if the value that is there is not a `T`; otherwise as [`insert`](Self::insert).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::new();
    /// for product in [3, 5] {
    ///     session.update("cart", move |cart: Option<Vec<u64>>| {
    ///         let mut cart = cart.unwrap_or_default();
    ///         cart.push(product);
    ///         Some(cart)
    ///     })?;
    /// }
    /// assert_eq!(session.payload(), r#"{"cart":[3,5]}"#);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn update<T, F>(&self, key: impl SessionKey<T>, change: F) -> Result<(), Error>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<T>) -> Option<T> + Send + Sync + 'static,
    {
        let key = key.as_name();
        let name = key.to_owned();
        self.record_update(key, move |raw| {
            let value = raw.map(|raw| decode(&name, raw)).transpose()?;
            change(value).map(|value| encode(&name, &value)).transpose()
        })
    }

    /// Whether there is such a key.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert!(Session::from_payload(r#"{"a":1}"#)?.contains_key("a"));
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn contains_key(&self, key: &str) -> bool {
        self.read(|state| state.values.contains_key(key))
    }

    /// The keys, in the order in which they were first set, Flask's `_permanent` and `_flashes` among them.
    ///
    /// A key with half a surrogate pair, which Python can write, shows U+FFFD in its place.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert_eq!(Session::from_payload(r#"{"a":1,"b":2}"#)?.keys(), ["a", "b"]);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn keys(&self) -> Vec<String> {
        self.read(|state| state.values.keys().collect())
    }

    /// How many keys there are.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert_eq!(Session::from_payload(r#"{"a":1,"b":2}"#)?.len(), 2);
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn len(&self) -> usize {
        self.read(|state| state.values.len())
    }

    /// Whether there is no key.
    ///
    /// ```
    /// # use session_core::Session;
    /// assert!(Session::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.read(|state| state.values.is_empty())
    }

    /// Removes every key. A session that is still empty when it is saved has ended, and its cookie is removed.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    ///
    /// ```
    /// # use session_core::Session;
    /// let session = Session::from_payload(r#"{"user_id":42}"#)?;
    /// session.clear()?;
    /// assert!(session.is_empty() && session.is_modified());
    /// # Ok::<(), session_core::Error>(())
    /// ```
    pub fn clear(&self) -> Result<(), Error> {
        self.write(|state| state.record(Change::Clear))
    }

    /// Runs an update outside the lock, again if another handle of the session changed something meanwhile.
    fn record_update(
        &self,
        key: &str,
        apply: impl Fn(Option<&str>) -> Result<Option<String>, Error> + Send + Sync + 'static,
    ) -> Result<(), Error> {
        let apply: Arc<Apply> = Arc::new(apply);
        loop {
            let (old, revision) = self.write(|state| Ok((state.values.get(key).map(str::to_owned), state.revision)))?;
            let new = apply(old.as_deref())?;
            if new == old {
                return Ok(());
            }
            let done = self.write(|state| {
                if state.revision != revision {
                    return Ok(false);
                }
                let change = match new {
                    Some(value) => Change::Insert { key: key.into(), value },
                    None => Change::Remove { key: key.into() },
                };
                change.apply(&mut state.values)?;
                state.note(Change::Update { key: key.into(), apply: Arc::clone(&apply) });
                Ok(true)
            })?;
            if done {
                return Ok(());
            }
        }
    }
}

/// A copy of raw JSON text, without an allocation while it is short.
enum RawValue {
    Short { bytes: [u8; 22], length: u8 },
    Long(String),
}

impl RawValue {
    fn copy(raw: &str) -> Self {
        let mut bytes = [0; 22];
        match (bytes.get_mut(..raw.len()), u8::try_from(raw.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(raw.as_bytes());
                Self::Short { bytes, length }
            }
            _ => Self::Long(raw.to_owned()),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Short { bytes, length } => std::str::from_utf8(&bytes[..usize::from(*length)]).unwrap_or_default(),
            Self::Long(text) => text,
        }
    }
}

fn decode<T: DeserializeOwned>(key: &str, raw: &str) -> Result<T, Error> {
    tagged::decode(raw)
        .map_err(|error| value_error(format!("the session's value of {key:?} is not a {}", type_name::<T>()), error))
}

fn encode<T: Serialize>(key: &str, value: &T) -> Result<String, Error> {
    tagged::encode(value)
        .map_err(|error| value_error(format!("the value for {key:?} cannot be written as JSON"), error))
}

fn value_error(message: String, source: ValueError) -> Error {
    Error::new(ErrorKind::Value, message).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    #[test]
    fn one_bad_value_leaves_the_others_readable() {
        let session = Session::from_payload(r#"{"f":NaN,"big":1e999,"s":"\ud800","ok":[1]}"#).unwrap();
        assert_eq!(session.get::<f64>("f").unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(session.get::<f64>("big").unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(session.get::<String>("s").unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(session.get::<Vec<u8>>("ok").unwrap(), Some(vec![1]));
        assert!(session.remove::<f64>("f").is_err() && session.contains_key("f"));
        assert!(session.discard("f").unwrap() && !session.contains_key("f"));
    }

    #[test]
    fn what_changes_nothing_is_no_modification() {
        let session = Session::from_payload(r#"{"n":1}"#).unwrap();
        session.update("n", |n: Option<u8>| n).unwrap();
        session.update("none", |none: Option<u8>| none).unwrap();
        assert_eq!(session.remove::<u8>("none").unwrap(), None);
        assert!(!session.discard("none").unwrap());
        assert_eq!(session.get_or_insert("n", 5).unwrap(), 1);
        assert!(!session.is_modified() && session.changes().is_empty());
    }

    #[test]
    fn an_update_may_use_the_session_and_loses_no_change_of_another_handle() {
        let session = Session::new();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let session = session.clone();
                std::thread::spawn(move || {
                    for _ in 0..500 {
                        let inner = session.clone();
                        session
                            .update(Key::<u64>::new("n"), move |n| {
                                let _ = inner.len();
                                Some(n.unwrap_or(0) + 1)
                            })
                            .unwrap();
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(session.get::<u64>("n").unwrap(), Some(2000));
        assert_eq!(session.changes().replay(r#"{"n":1}"#).unwrap(), r#"{"n":2001}"#);
    }

    #[test]
    fn long_and_short_values_read_the_same() {
        for length in 0..64 {
            let session = Session::new();
            session.insert("k", "é".repeat(length)).unwrap();
            assert_eq!(session.get::<String>("k").unwrap(), Some("é".repeat(length)));
        }
    }
}
