//! The methods of the session that can fail, with the error of this crate.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use session_core::{Flash, Outcome, SessionKey};

use crate::{Error, MarkedSession};

/// The methods of [`session_core::Session`] that can fail, with an [`Error`] that is an actix-web
/// response. Therefore `?` works in a function that returns `actix_web::Error`.
impl<M> MarkedSession<M> {
    /// Returns a copy of the value under a key; see [`session_core::Session::get`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn get<T: DeserializeOwned>(&self, key: impl SessionKey<T>) -> Result<Option<T>, Error> {
        Ok((**self).get(key)?)
    }

    /// Sets the value under a key; see [`session_core::Session::insert`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn insert<T: Serialize>(&self, key: impl SessionKey<T>, value: T) -> Result<(), Error> {
        Ok((**self).insert(key, value)?)
    }

    /// Removes the value under a key and returns it; see [`session_core::Session::remove`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn remove<T: DeserializeOwned>(&self, key: impl SessionKey<T>) -> Result<Option<T>, Error> {
        Ok((**self).remove(key)?)
    }

    /// Removes the value of any type under a key; see [`session_core::Session::discard`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn discard(&self, key: &str) -> Result<bool, Error> {
        Ok((**self).discard(key)?)
    }

    /// Returns the value under a key, and first sets the key if it does not exist; see
    /// [`session_core::Session::get_or_insert`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn get_or_insert<T>(&self, key: impl SessionKey<T>, value: T) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
    {
        Ok((**self).get_or_insert(key, value)?)
    }

    /// Computes a new value from the current one; see [`session_core::Session::update`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn update<T, F>(&self, key: impl SessionKey<T>, change: F) -> Result<(), Error>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<T>) -> Option<T> + Send + Sync + 'static,
    {
        Ok((**self).update(key, change)?)
    }

    /// Removes every key; see [`session_core::Session::clear`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn clear(&self) -> Result<(), Error> {
        Ok((**self).clear()?)
    }

    /// Sets whether the session persists when the browser closes; see
    /// [`session_core::Session::set_permanent`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn set_permanent(&self, permanent: bool) -> Result<(), Error> {
        Ok((**self).set_permanent(permanent)?)
    }

    /// Sets the lifetime of this session; see [`session_core::Session::set_lifetime`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn set_lifetime(&self, lifetime: impl Into<Option<Duration>>) -> Result<(), Error> {
        Ok((**self).set_lifetime(lifetime)?)
    }

    /// Sets Flask's `session.modified`; see [`session_core::Session::set_modified`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn set_modified(&self, modified: bool) -> Result<(), Error> {
        Ok((**self).set_modified(modified)?)
    }

    /// Stores a message for the next page; see [`session_core::Session::flash`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn flash(&self, message: impl Serialize) -> Result<(), Error> {
        Ok((**self).flash(message)?)
    }

    /// Stores a message of a category for the next page; see [`session_core::Session::flash_in`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn flash_in(&self, category: &str, message: impl Serialize) -> Result<(), Error> {
        Ok((**self).flash_in(category, message)?)
    }

    /// Removes and returns all flash messages; see [`session_core::Session::take_flashes`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn take_flashes(&self) -> Result<Vec<Flash>, Error> {
        Ok((**self).take_flashes()?)
    }

    /// Removes all flash messages and returns the messages of these categories; see
    /// [`session_core::Session::take_flashes_in`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn take_flashes_in(&self, categories: &[&str]) -> Result<Vec<Flash>, Error> {
        Ok((**self).take_flashes_in(categories)?)
    }

    /// Logs a user in and saves the session; see [`session_core::Session::log_in`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub async fn log_in(&self, owner: &str, stamp: Option<&str>) -> Result<(), Error> {
        Ok((**self).log_in(owner, stamp).await?)
    }

    /// Changes the id of the session when the session is saved; see
    /// [`session_core::Session::rotate_id`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn rotate_id(&self) -> Result<(), Error> {
        Ok((**self).rotate_id()?)
    }

    /// Ends the session at once; see [`session_core::Session::log_out`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub async fn log_out(&self) -> Result<Outcome, Error> {
        Ok((**self).log_out().await?)
    }

    /// Sets the label of the session in a list; see [`session_core::Session::set_label`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub fn set_label(&self, label: &str) -> Result<(), Error> {
        Ok((**self).set_label(label)?)
    }

    /// Saves the changes made so far; see [`session_core::Session::save`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub async fn save(&self) -> Result<Outcome, Error> {
        Ok((**self).save().await?)
    }

    /// Opens the session again after its request was committed; see
    /// [`session_core::Session::reopen`].
    ///
    /// # Errors
    ///
    /// Returns the errors of the method of the same name.
    pub async fn reopen(&self) -> Result<Self, Error> {
        Ok(Self::new((**self).reopen().await?))
    }
}
