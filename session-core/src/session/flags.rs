//! Flask's flags, and the lifetime of one session.

use std::time::Duration;

use super::Session;
use super::state::Origin;
use crate::error::Error;

/// Flags, as in Flask.
impl Session {
    /// Returns whether the session persists when the browser closes, like Flask's
    /// `session.permanent`. The flag is stored under the key `_permanent`. If it is not stored, the
    /// setting [`permanent_by_default`](crate::SessionConfig::permanent_by_default) applies.
    pub fn is_permanent(&self) -> bool {
        self.read(|state| state.data.is_permanent())
    }

    /// Sets whether the session persists when the browser closes. A permanent session has the
    /// configured [`permanent_lifetime`](crate::SessionConfig::permanent_lifetime).
    ///
    /// The cookie of a permanent session has an expiry. Without an expiry, the browser drops the
    /// cookie when the browser closes. By default, a session is not permanent.
    /// [`permanent_by_default`](crate::SessionConfigBuilder::permanent_by_default) changes this
    /// default.
    ///
    /// The flag is stored with the session, so call this method once, for example after the login.
    /// `clear` and a logout remove the flag.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`insert`](Self::insert).
    pub fn set_permanent(&self, permanent: bool) -> Result<(), Error> {
        self.write(|state| state.set_permanent(permanent))
    }

    /// Sets the lifetime of this session after its last save or renewal, or removes this setting
    /// with `None`. The lifetime is rounded up to whole seconds.
    ///
    /// The setting takes precedence over the flag `permanent`, the configured lifetimes and the
    /// hook [`lifetime`](crate::SessionInterface::lifetime). The cookie has an expiry, so the
    /// session persists when the browser closes. The session is renewed like a permanent session.
    /// An [`idle_timeout`](crate::SessionConfig::idle_timeout) and an
    /// [`absolute_timeout`](crate::SessionConfig::absolute_timeout) still limit the session.
    ///
    /// The setting is stored with the session, under the key `_lifetime`. A new id and a login of
    /// the same owner keep the setting. A login of a visitor also keeps the setting, unless
    /// [`login_keeps`](crate::config::SessionConfigBuilder::login_keeps) omits the key. `clear`, a
    /// logout and a login of another user remove the setting. If concurrent requests set different
    /// lifetimes, the lifetime that is saved last applies.
    ///
    /// Flask and Starlette keep the key in a shared cookie, but ignore its value. They accept and
    /// set the cookie with the lifetime of their configuration.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) if the lifetime is shorter than one second.
    /// Otherwise returns the errors of [`insert`](Self::insert).
    ///
    /// # Examples
    ///
    /// A login with "stay logged in":
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use session_core::{Error, Session};
    ///
    /// async fn log_in(session: &Session, user: &str, stay: bool) -> Result<(), Error> {
    ///     session.set_lifetime(stay.then_some(Duration::from_hours(90 * 24)))?;
    ///     session.log_in(user, None).await
    /// }
    /// ```
    pub fn set_lifetime(&self, lifetime: impl Into<Option<Duration>>) -> Result<(), Error> {
        let lifetime = lifetime.into();
        self.write(|state| state.set_lifetime(lifetime))
    }

    /// Returns whether the request sent no valid session.
    ///
    /// The result does not change during the request, even after a [`save`](Self::save).
    pub fn is_new(&self) -> bool {
        self.read(|state| state.data.is_new)
    }

    /// Returns whether the session must be saved because of a change, a login, a new id, the end of
    /// the session, or [`set_modified`](Self::set_modified).
    ///
    /// Returns `false` after a successful [`save`](Self::save) until the next change, and `true`
    /// again after a failed save.
    pub fn is_modified(&self) -> bool {
        self.read(|state| state.intent.is_modified())
    }

    /// Sets Flask's `session.modified`.
    ///
    /// `true` without a change renews the session and sets its cookie. Unlike in Flask, this call
    /// is not needed after a change of a list, because [`update`](Self::update) records the change.
    ///
    /// `false` withdraws the changes of values made so far. These changes are saved only together
    /// with a later change or, in a cookie, a renewal. `false` does not withdraw a login, a new id
    /// or the end of the session. A [`save`](Self::save) that renews a session on a server-side
    /// backend drops the withdrawn changes, and a later `true` does not store them.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`insert`](Self::insert).
    pub fn set_modified(&self, modified: bool) -> Result<(), Error> {
        self.write(|state| {
            state.intent.write = modified;
            Ok(())
        })
    }

    /// Returns whether the response was committed. The session can still be read, but every change
    /// fails with [`ErrorKind::Committed`](crate::ErrorKind::Committed).
    pub fn is_committed(&self) -> bool {
        self.cell().is_committed()
    }

    /// Returns whether the session is a substitute, because the backend was unavailable when the
    /// session was opened. The substitute starts empty and is never saved, so do not tell a user
    /// that data was stored.
    ///
    /// Applications receive a substitute only if they choose
    /// [`OutagePolicy::Anonymous`](crate::OutagePolicy::Anonymous).
    pub fn is_anonymous(&self) -> bool {
        self.read(|state| state.origin == Origin::Anonymous)
    }
}
