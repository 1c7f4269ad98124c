//! Login, logout and the id of a session, and saving before the response.

use std::time::SystemTime;

use super::Session;
use super::changes::Change;
use super::details::SessionDetails;
use super::holder::{Demand, LoginDemand};
use super::intent::IdChange;
use super::login::Login;
use super::running::check_not_running;
use crate::error::{Error, ErrorKind};
use crate::flask;
use crate::outcome::Outcome;

/// The key under which a session stores its label.
pub(crate) const LABEL: &str = "_label";
/// The maximum length of a stamp in bytes.
const MAX_STAMP: usize = 1024;

/// Login, logout and id. Sessions in signed and sealed cookies have no id.
impl Session {
    /// Returns the owner, which is the user that was passed to [`log_in`](Self::log_in).
    pub fn owner(&self) -> Option<String> {
        self.read(|state| state.data.stored.owner().map(str::to_owned))
    }

    /// Returns the time of the last authentication of the user, or `None` if no user is logged in.
    /// Require a recent time before a critical action, such as a change of password (OWASP ASVS 5,
    /// 7.5). After [remember-me](crate::remember), the time is in 1970.
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        self.read(|state| state.data.stored.login.as_ref().map(Login::authenticated_at))
    }

    /// Logs a user in and saves the session. Call this method after the user is authenticated.
    /// `owner` identifies the user. [`owner`](Self::owner) returns this identifier after the login.
    /// Use an identifier that never changes, because owners are compared byte by byte.
    ///
    /// The `stamp` is for applications that end all sessions of a user when the password changes;
    /// see [`crate::login`]. Other applications pass `None`.
    ///
    /// - The session receives a new id. Therefore an id that was planted or seen before the login
    ///   is invalid afterwards (session fixation; OWASP ASVS 5, 7.2.4).
    /// - Changes of requests that opened the session under the old id are dropped.
    /// - If a visitor or the same user logs in, the values stay. Use
    ///   [`login_keeps`](crate::config::SessionConfigBuilder::login_keeps) to drop values that an
    ///   attacker may have planted before the login.
    /// - If the stored session has another owner, its values are dropped.
    /// - The value under `csrf_token` is always dropped, so that earlier [CSRF](crate::csrf) tokens
    ///   are invalid.
    /// - The [`absolute_timeout`](crate::SessionConfig::absolute_timeout) counts from the login.
    ///
    /// If another request ended the session in the meantime, a new session is started from the
    /// changes of this request. If the request sent several session cookies, the login ends the
    /// sessions of other users that these cookies open.
    ///
    /// A cookie backend stores the login in the cookie. The backend cannot invalidate a copy of an
    /// earlier cookie, which still opens its own contents.
    ///
    /// # Errors
    ///
    /// - The errors of [`save`](Self::save). On a session made by hand, the call succeeds
    ///   and changes the session in memory.
    /// - [`ErrorKind::Conflict`] if all sessions of the owner were ended at the same time, or other
    ///   logins exceeded [`max_sessions`](crate::SessionConfig::max_sessions).
    /// - [`ErrorKind::Committed`] on a reopened session, whose new id could not reach the client.
    /// - [`ErrorKind::TooLarge`] if the stamp is longer than 1024 bytes. The session is unchanged.
    ///
    /// After an error of [`save`](Self::save) or [`ErrorKind::Conflict`], or if the future is
    /// dropped, the login is retried with the response. The login is also retried after a call that
    /// ended all sessions of the owner. Call [`log_out`](Self::log_out) to prevent the retry.
    ///
    /// # Examples
    ///
    /// ```
    /// use session_core::{Error, Session};
    ///
    /// async fn log_in(session: &Session, user: &str) -> Result<(), Error> {
    ///     session.log_in(user, None).await?;
    ///     session.flash("Welcome back")
    /// }
    /// ```
    pub async fn log_in(&self, owner: &str, stamp: Option<&str>) -> Result<(), Error> {
        let (owner, stamp) = (owner.into(), stamp.map(Into::into));
        self.save_login(LoginDemand { owner, stamp, authenticated_at: None, after: None }).await
    }

    /// Saves a login, or a new stamp of the current login.
    pub(crate) async fn save_login(&self, login: LoginDemand) -> Result<(), Error> {
        if login.stamp.as_ref().is_some_and(|stamp| stamp.len() > MAX_STAMP) {
            let message = format!("stamp of a login is longer than {MAX_STAMP} bytes");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        check_not_running(&self.holder)?;
        match self.holder().save(Demand::LogIn(login)).await? {
            Outcome::Dropped => {
                let message = "the sessions of the owner were ended during the login";
                Err(Error::new(ErrorKind::Conflict, message))
            }
            Outcome::Stored | Outcome::BrowserOnly | Outcome::Unchanged => Ok(()),
        }
    }

    /// Changes the id of the session when the session is saved. Call this method when the
    /// privileges of a user change.
    ///
    /// Requests that opened the session under the old id can still store their changes. A later
    /// request with the old id receives an empty session. This includes requests that the browser
    /// sends before it receives the new cookie. [`log_in`](Self::log_in) also changes the id. On a
    /// cookie backend, which has no ids, a rotation only sets the cookie again.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`insert`](Self::insert), and [`ErrorKind::Committed`] on a reopened
    /// session, whose new id could not reach the client.
    pub fn rotate_id(&self) -> Result<(), Error> {
        self.write(|state| state.change_id(IdChange::Rotate))
    }

    /// Ends the session at once. Call this method when a user logs out, and check the outcome:
    ///
    /// - [`Outcome::Stored`]: no cookie opens the session any more, whether or not the client
    ///   receives the response. This is also the outcome if the session has ended already.
    /// - [`Outcome::BrowserOnly`]: the response removes the cookie, but a copy of the cookie opens
    ///   the session until the session expires. This is the outcome on cookie backends.
    /// - [`Outcome::Unchanged`]: the request sent no cookie that opens a session.
    /// - [`Outcome::Dropped`]: nothing was ended, a session may remain, and the cookie stays.
    ///   Another request may have changed the id long ago, or a user may have logged in since.
    ///
    /// If the request sent several session cookies, all sessions that these cookies open are ended.
    /// The outcome is the weakest outcome of these sessions.
    ///
    /// The values and the owner are dropped, including changes of concurrent requests. Values that
    /// are set afterwards in the same request start a new session under a new id, without an owner.
    /// To show a message on the next page, call [`flash`](Self::flash) after `log_out`. The browser
    /// is not [remembered](crate::remember) any more.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`save`](Self::save), except on a session made by hand, which is
    /// changed in memory. After an error, the session has not ended, and the cookie stays. The user
    /// can try again. The logout is retried with the response.
    ///
    /// # Examples
    ///
    /// ```
    /// use session_core::{Error, Outcome, Session};
    ///
    /// async fn log_out(session: &Session) -> Result<(), Error> {
    ///     let message = match session.log_out().await? {
    ///         Outcome::Dropped => "You may still be logged in: please try again",
    ///         _ => "You are logged out",
    ///     };
    ///     session.flash(message)
    /// }
    /// ```
    pub async fn log_out(&self) -> Result<Outcome, Error> {
        check_not_running(&self.holder)?;
        self.holder().save(Demand::LogOut).await
    }

    /// Sets the label by which an owner recognizes the session in a list, such as "Firefox on
    /// Linux". The label is stored under the key `_label`, and [`clear`](Self::clear) removes it.
    /// Call this method after [`log_in`](Self::log_in), which may remove the label of a visitor.
    ///
    /// The client controls a label from the request, such as its `User-Agent`. Keep the label
    /// short, and escape it when you show it.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`insert`](Self::insert).
    pub fn set_label(&self, label: &str) -> Result<(), Error> {
        let value = flask::encode(label).map_err(|error| {
            Error::new(ErrorKind::Value, "session label cannot be written as JSON")
                .with_source(error)
        })?;
        self.write(|state| state.record(Change::insert(LABEL, value)))
    }

    /// Returns the public handle, the creation time and the expiry of the session, as of the last
    /// open or save of this request. All details are `None` if the session is not stored. Examples
    /// are a new session before a [`save`](Self::save), and an ended session.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use session_core::Session;
    ///
    /// /// How many seconds are left until this page must ask the user to log in again.
    /// fn seconds_left(session: &Session, now: SystemTime) -> Option<u64> {
    ///     let expires_at = session.details().expires_at()?;
    ///     Some(expires_at.duration_since(now).unwrap_or_default().as_secs())
    /// }
    /// # let session = session_core::interface::Opened::new().into_session();
    /// # assert_eq!(seconds_left(&session, SystemTime::now()), None);
    /// ```
    pub fn details(&self) -> SessionDetails {
        self.read(|state| {
            let details = state.data.details.clone();
            details.with_owner(state.data.stored.owner())
        })
    }

    /// Returns the outcome of the last save, or `None` before the first save. A commit without
    /// changes does not replace the outcome of an earlier save.
    pub fn outcome(&self) -> Option<Outcome> {
        self.read(|state| state.outcome)
    }
}

/// Saving before the response, and after it.
impl Session {
    /// Saves the changes made so far and returns the outcome. Changes made afterwards are saved
    /// with the response, as usual.
    ///
    /// Call this method before an action that requires the stored changes, such as an e-mail or a
    /// payment. Continue only if the outcome is not [`Outcome::Dropped`].
    ///
    /// On a server-side backend, the changes are stored when this method returns
    /// [`Outcome::Stored`]. The session then contains the changes that other requests have stored
    /// in the meantime. On a cookie backend, a save only determines the cookie that the response
    /// sets.
    ///
    /// If the save changes or removes the id, the response has the new cookie, even if saving with
    /// the response fails. If the handler panics, no response has the new id, and the client loses
    /// the session.
    ///
    /// If the future is dropped, the changes are saved with the response. The changes may already
    /// have reached the store. A server-side backend does not apply these changes twice.
    ///
    /// # Errors
    ///
    /// - The error of [`SessionInterface::save`](crate::SessionInterface::save), such as
    ///   [`ErrorKind::Unavailable`] if the backend is down, [`ErrorKind::Conflict`] if other
    ///   requests changed the session during each attempt, or [`ErrorKind::TooLarge`]. The changes
    ///   are kept and saved with the response.
    /// - [`ErrorKind::Unavailable`] on an anonymous session.
    /// - [`ErrorKind::Unconfigured`] on the null session and on a session made by hand.
    /// - [`ErrorKind::Committed`] after the commit.
    /// - [`ErrorKind::Reentrant`] in a function that [`update`](Self::update) runs on this session.
    ///
    /// If saving with the response also fails, the client receives an error response. To send the
    /// handler's response without the changes of values, call
    /// [`set_modified(false)`](Self::set_modified). If the reply of the store was lost, the store
    /// may still have the changes.
    pub async fn save(&self) -> Result<Outcome, Error> {
        check_not_running(&self.holder)?;
        self.holder().save(Demand::Nothing).await
    }

    /// Opens the session again after its request was committed, for a socket or a stream that
    /// outlives the response. Only [`save`](Self::save) stores changes of the reopened session.
    ///
    /// Call this method after the response was committed, and again for each message. A reopened
    /// session does not contain later changes of other requests. If the session has ended, or
    /// another request has changed the id, the reopened session is empty and
    /// [`is_new`](Self::is_new). In both cases, close the socket. Saving a change of the session
    /// stores nothing and fails with [`ErrorKind::Ended`].
    ///
    /// On a server-side backend, [`save`](Self::save) without a change extends the expiry if a
    /// renewal is due. Reading alone does not extend the expiry.
    ///
    /// No cookie can reach the client any more. Therefore a login, a rotation, and any change on a
    /// cookie backend fail with [`ErrorKind::Committed`].
    ///
    /// # Errors
    ///
    /// - The error of [`SessionInterface::open`](crate::SessionInterface::open).
    /// - [`ErrorKind::Unconfigured`] for a session made by hand.
    ///
    /// # Examples
    ///
    /// ```
    /// use session_core::{Error, Session};
    ///
    /// async fn on_message(session: &Session) -> Result<(), Error> {
    ///     let session = session.reopen().await?;
    ///     session.update("messages", |count: Option<u64>| Some(count.unwrap_or(0) + 1))?;
    ///     session.save().await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn reopen(&self) -> Result<Self, Error> {
        self.holder().reopen().await.map(Self::new)
    }
}
