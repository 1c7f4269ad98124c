//! The session as a dictionary.

use std::any::type_name;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::changes::{Apply, Change};
use super::keys::check_key;
use super::running::Identity;
use super::{Session, SessionKey};
use crate::error::{Error, ErrorKind};
use crate::flask::{self, ValueError};

/// Values.
impl Session {
    /// Returns a copy of the value under a key, or `None` if there is no such key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if the value is not a `T`. Other keys are unaffected.
    pub fn get<T: DeserializeOwned>(&self, key: impl SessionKey<T>) -> Result<Option<T>, Error> {
        let key = key.as_name();
        // Parsing runs the caller's code, so it does not run under the lock.
        let raw = self.read(|state| state.data.values().get(key).map(RawValue::copy));
        raw.map(|raw| decode(key, raw.as_str())).transpose()
    }

    /// Sets the value under a key.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Value`] if the value cannot be written as JSON that [`get`](Self::get) reads.
    ///   The reason is a NaN or infinite number, nesting deeper than 127 levels, or a map whose
    ///   keys are neither text nor numbers.
    /// - [`ErrorKind::Value`] if the key is the reserved `_login`.
    /// - [`ErrorKind::Committed`] after the response was committed.
    /// - [`ErrorKind::Unconfigured`] on the null session.
    /// - [`ErrorKind::Reentrant`] in a function that [`update`](Self::update) runs on this session.
    pub fn insert<T: Serialize>(&self, key: impl SessionKey<T>, value: T) -> Result<(), Error> {
        let key = key.as_name();
        let value = encode(key, &value)?;
        self.write(|state| state.record(Change::insert(key, value)))
    }

    /// Removes the value under a key and returns it. Returns `None` and changes nothing if there is
    /// no such key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if the value is not a `T`. In this case, the value remains. Use
    /// [`discard`](Self::discard) to remove a value of any type. Otherwise returns the errors of
    /// [`insert`](Self::insert), if there is a value to remove.
    pub fn remove<T: DeserializeOwned>(&self, key: impl SessionKey<T>) -> Result<Option<T>, Error> {
        let key = key.as_name();
        loop {
            let (raw, revision) = self
                .read(|state| (state.data.values().get(key).map(str::to_owned), state.revision));
            let Some(raw) = raw else { return Ok(None) };
            let value = Identity::of(&self.holder).run(|| decode(key, &raw))?;
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

    /// Removes the value of any type under a key. Returns `false` and changes nothing if there is
    /// no such key.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`insert`](Self::insert), if there is a value to remove.
    pub fn discard(&self, key: &str) -> Result<bool, Error> {
        if !self.contains_key(key) {
            return Ok(false);
        }
        self.write(|state| {
            let present = state.data.values().contains_key(key);
            if present {
                state.record(Change::Remove { key: key.into() })?;
            }
            Ok(present)
        })
    }

    /// Returns the value under a key. If the key does not exist, first sets the key to `value`.
    ///
    /// If another request of the same session stores a value under the key first, a server-side
    /// backend keeps that value.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if the current value is not a `T`. Otherwise returns the errors of
    /// [`insert`](Self::insert), if the value must be set.
    pub fn get_or_insert<T>(&self, key: impl SessionKey<T>, value: T) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
    {
        let key = key.as_name();
        if let Some(present) = self.get(key)? {
            return Ok(present);
        }
        let text = encode(key, &value)?;
        let recorded =
            self.record_update(key, move |raw| Ok(Some(raw.unwrap_or(&text).to_owned())))?;
        // Another thread may have set the key first.
        if recorded { Ok(value) } else { self.get_or_insert(key, value) }
    }

    /// Computes a new value from the current value. The function receives `None` if there is no
    /// such key, and returns `None` to remove the key.
    ///
    /// On a server-side backend, concurrent updates are all applied. If another request stored a
    /// newer value, the function runs again on that value. Therefore the function must depend only
    /// on its argument. `update` returns nothing, because a later run may compute another value.
    /// Nothing is recorded if the function returns its argument.
    ///
    /// Each part of the value that the function leaves unchanged keeps its stored text. Therefore a
    /// tuple that Flask wrote remains a tuple, and a large integer remains an integer; see
    /// [`flask`](crate::flask).
    ///
    /// The function may read this session and may change other sessions. It cannot change or save
    /// this session. Such a call fails with [`ErrorKind::Reentrant`], even when the function runs
    /// during a save. Other threads may change this session at the same time. In this case, the
    /// function runs again. Therefore the function must not wait for such a thread. A function that
    /// captures a clone of this session keeps the session in memory until the session is saved.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if the current value is not a `T`. Otherwise returns the errors of
    /// [`insert`](Self::insert).
    ///
    /// The save fails with [`ErrorKind::Value`] if another request stored a value that is not a
    /// `T`.
    ///
    /// # Examples
    ///
    /// ```
    /// use session_core::{Key, Session};
    ///
    /// const CART: Key<Vec<u64>> = Key::new("cart");
    ///
    /// fn add_to_cart(session: &Session, product: u64) -> Result<(), session_core::Error> {
    ///     session.update(CART, move |cart| {
    ///         let mut cart = cart.unwrap_or_default();
    ///         cart.push(product);
    ///         Some(cart)
    ///     })
    /// }
    /// # let session = session_core::interface::Opened::new().into_session();
    /// # add_to_cart(&session, 3)?;
    /// # assert_eq!(session.get(CART)?, Some(vec![3]));
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
            let Some(value) = change(value) else { return Ok(None) };
            let new = encode(&name, &value)?;
            Ok(Some(match raw {
                Some(old) => flask::keep_unchanged(old, new),
                None => new,
            }))
        })
        .map(drop)
    }

    /// Returns whether the session has this key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.read(|state| state.data.values().contains_key(key))
    }

    /// Returns the keys, in the order in which they were first set.
    ///
    /// Text from Python may contain half a surrogate pair, which is not a character. In a key, half
    /// a pair is returned as its escape, such as `\\ud800`. The other functions accept this text
    /// for the key, unless another key has exactly this text.
    pub fn keys(&self) -> Vec<String> {
        self.read(|state| state.data.values().keys().collect())
    }

    /// Returns whether the session has no keys.
    pub fn is_empty(&self) -> bool {
        self.read(|state| state.data.values().is_empty())
    }

    /// Removes every key, including keys that other requests set at the same time.
    ///
    /// If a session without an owner is still empty at the save, the session ends and its cookie is
    /// removed, as in Flask. A session with an owner remains, and the user stays logged in. Use
    /// [`log_out`](Self::log_out) for a logout.
    ///
    /// If a value or a flash message is set after `clear`, the session keeps its id.
    ///
    /// A session without an owner also ends if [`remove`](Self::remove) or another change leaves it
    /// empty. On a server-side backend, the session remains if concurrent requests have stored
    /// keys.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`insert`](Self::insert).
    pub fn clear(&self) -> Result<(), Error> {
        self.write(|state| state.record(Change::Clear))
    }

    /// Runs an update outside the lock, and repeats it if the session was changed in the meantime.
    /// Returns `false` if the update changed nothing.
    fn record_update(
        &self,
        key: &str,
        apply: impl Fn(Option<&str>) -> Result<Option<String>, Error> + Send + Sync + 'static,
    ) -> Result<bool, Error> {
        check_key(key)?;
        let identity = Identity::of(&self.holder);
        let apply: Arc<Apply> = Arc::new(move |raw| identity.run(|| apply(raw)));
        loop {
            let (old, revision) = self.write(|state| {
                Ok((state.data.values().get(key).map(str::to_owned), state.revision))
            })?;
            let new = apply(old.as_deref())?;
            if new == old {
                return Ok(false);
            }
            let done = self.write(|state| {
                if state.revision != revision {
                    return Ok(false);
                }
                let change = match new {
                    Some(value) => Change::insert(key, value),
                    None => Change::Remove { key: key.into() },
                };
                change.apply(state.data.values_mut())?;
                state.push(Change::Update { key: key.into(), apply: Arc::clone(&apply) });
                Ok(true)
            })?;
            if done {
                return Ok(true);
            }
        }
    }
}

/// A copy of raw JSON text. Short text needs no allocation.
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
            Self::Short { bytes, length } => {
                std::str::from_utf8(&bytes[..usize::from(*length)]).unwrap_or_default()
            }
            Self::Long(text) => text,
        }
    }
}

pub(crate) fn decode<T: DeserializeOwned>(key: &str, raw: &str) -> Result<T, Error> {
    flask::decode(raw).map_err(|error| {
        value_error(format!("session value {key:?} is not a {}", type_name::<T>()), error)
    })
}

fn encode<T: Serialize>(key: &str, value: &T) -> Result<String, Error> {
    flask::encode(value).map_err(|error| {
        value_error(format!("session value {key:?} cannot be written as JSON"), error)
    })
}

fn value_error(message: String, source: ValueError) -> Error {
    Error::new(ErrorKind::Value, message).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interface::{Opened, state_of};
    use crate::session::{Key, Session};

    fn session(payload: &str) -> Session {
        Opened::from_payload(payload).unwrap().into_session()
    }

    #[test]
    fn bad_value_leaves_other_values_readable() {
        let session = session(r#"{"f":NaN,"big":1e999,"s":"\ud800","ok":[1]}"#);
        assert_eq!(session.get::<f64>("f").unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(session.get::<f64>("big").unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(session.get::<String>("s").unwrap_err().kind(), ErrorKind::Value);
        assert_eq!(session.get::<Vec<u8>>("ok").unwrap(), Some(vec![1]));
        assert!(session.remove::<f64>("f").is_err() && session.contains_key("f"));
        assert!(session.discard("f").unwrap() && !session.contains_key("f"));
    }

    #[test]
    fn call_that_changes_nothing_does_not_modify() {
        let session = session(r#"{"n":1}"#);
        session.update("n", |n: Option<u8>| n).unwrap();
        session.update("none", |none: Option<u8>| none).unwrap();
        assert_eq!(session.remove::<u8>("none").unwrap(), None);
        assert!(!session.discard("none").unwrap());
        assert_eq!(session.get_or_insert("n", 5).unwrap(), 1);
        assert!(!session.is_modified() && state_of(&session).changes().is_empty());
    }

    #[test]
    fn update_may_read_session_and_keeps_changes_of_clones() {
        let session = session("{}");
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let session = session.clone();
                std::thread::spawn(move || {
                    for _ in 0..500 {
                        let inner = session.clone();
                        session
                            .update(Key::<u64>::new("n"), move |n| {
                                let _ = inner.keys();
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
        assert_eq!(state_of(&session).changes().replay(r#"{"n":1}"#).unwrap(), r#"{"n":2001}"#);
    }

    #[test]
    fn long_and_short_values_are_read_alike() {
        for length in 0..64 {
            let session = session("{}");
            session.insert("k", "é".repeat(length)).unwrap();
            assert_eq!(session.get::<String>("k").unwrap(), Some("é".repeat(length)));
        }
    }
}
