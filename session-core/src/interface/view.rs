//! The view of a session for hooks.

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::config::SessionConfig;
use crate::error::Error;
use crate::session::intent::Intent;
use crate::session::state::{Data, is_permanent, own_lifetime};
use crate::session::stored::StoredData;
use crate::session::values::Values;
use crate::session::{Login, SessionKey};

/// A read-only view of a session, for the hooks of a session interface.
///
/// When a hook is called for a save, the view shows the data to be stored.
#[derive(Clone, Copy)]
pub struct SessionView<'a> {
    values: &'a Values,
    login: Option<&'a Login>,
    flags: ViewFlags,
}

/// The flags of a view.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is independent of the others")]
pub(crate) struct ViewFlags {
    new: bool,
    modified: bool,
    accessed: bool,
    renewed: bool,
    cookie_due: bool,
    permanent_by_default: bool,
}

impl ViewFlags {
    pub(crate) fn of_save(data: &Data, intent: &Intent, accessed: bool) -> Self {
        let modified = intent.is_modified();
        let permanent_by_default = data.permanent_by_default;
        Self { new: data.is_new, modified, accessed, permanent_by_default, ..Self::default() }
    }

    pub(crate) fn with_cookie(self, renewed: bool, cookie_due: bool) -> Self {
        Self { renewed, cookie_due, ..self }
    }
}

impl<'a> SessionView<'a> {
    pub(crate) fn of(stored: &'a StoredData, flags: ViewFlags) -> Self {
        Self { values: stored.values(), login: stored.login.as_ref(), flags }
    }

    pub(crate) fn of_opened(data: &'a Data, config: &SessionConfig) -> Self {
        let permanent_by_default = config.permanent_by_default();
        let flags = ViewFlags { new: data.is_new, permanent_by_default, ..ViewFlags::default() };
        Self::of(&data.stored, flags)
    }

    /// Returns the value under a key, or `None` if the key does not exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) if the value is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: impl SessionKey<T>) -> Result<Option<T>, Error> {
        let key = key.as_name();
        self.values.get(key).map(|raw| crate::session::decode(key, raw)).transpose()
    }

    /// Returns whether the session has this key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// Returns the keys, in the order in which they were first set.
    pub fn keys(&self) -> Vec<String> {
        self.values.keys().collect()
    }

    /// Returns whether the session has no keys.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the owner.
    pub fn owner(&self) -> Option<&'a str> {
        self.login.map(Login::owner)
    }

    /// Returns Flask's `session.permanent`, or the setting
    /// [`permanent_by_default`](SessionConfig::permanent_by_default) if the session has no such
    /// flag.
    pub fn is_permanent(&self) -> bool {
        is_permanent(self.values, self.flags.permanent_by_default)
    }

    /// Returns the lifetime that a handler has set for the session.
    pub(crate) fn own_lifetime(&self) -> Option<Duration> {
        own_lifetime(self.values)
    }

    /// Returns whether the request sent no valid session.
    pub fn is_new(&self) -> bool {
        self.flags.new
    }

    /// Returns whether there are changes to save.
    pub fn is_modified(&self) -> bool {
        self.flags.modified
    }

    /// Returns whether the handler obtained the session.
    pub fn is_accessed(&self) -> bool {
        self.flags.accessed
    }

    /// Returns whether a due renewal sets the cookie.
    pub fn is_renewed(&self) -> bool {
        self.flags.renewed
    }

    /// Returns whether the client's cookie is out of date. This applies to a cookie that contains
    /// only the id of the session. A server-side interface returns this result from
    /// [`should_set_cookie`](crate::SessionInterface::should_set_cookie).
    ///
    /// Returns `true` in these cases:
    ///
    /// - The session receives its first id or another id.
    /// - The lifetime of the session changes, or
    ///   [`set_modified(true)`](crate::Session::set_modified) requests a new cookie.
    /// - The session is [renewed](Self::is_renewed). With
    ///   [`Refresh::WhenModified`](crate::Refresh), a change of a session that has a lifetime
    ///   renews the session.
    /// - The request sent several session cookies.
    pub fn is_cookie_due(&self) -> bool {
        self.flags.cookie_due
    }
}

impl fmt::Debug for SessionView<'_> {
    /// Shows the flags and the number of keys, but no key and no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionView")
            .field("keys", &self.values.len())
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}
