//! Logins that Flask-Login and a Rust application share.
//!
//! Use [`FlaskLogin`] if both applications read the same session, and the Flask application uses
//! [Flask-Login](https://flask-login.readthedocs.io). A login or logout in one application is then
//! effective in both, with Flask-Login's session protection.
//!
//! Flask-Login stores the user under the session key `_user_id`. It also stores `_fresh`, and
//! `_id`, a hash of the client's address and user agent. Without a matching `_id`, a login is not
//! fresh in the mode "basic", and ends in the mode "strong". Another cookie, `remember_token`, logs
//! the user in again after the session has ended.
//!
//! # Owner
//!
//! Do not call [`Session::log_in`] for a login of Flask-Login, and do not read [`Session::owner`].
//! Flask cannot change the owner. After a logout in Flask, the session would still have an owner.
//! Only [`FlaskLogin::user`] returns the logged-in user.
//!
//! # Proxies
//!
//! Flask-Login reads the address from the first item of `X-Forwarded-For`, if the request has this
//! header, and otherwise from the connection. Therefore both applications must receive the same
//! header. Configure the proxy in front of both applications to replace the header, for example
//! with `proxy_set_header X-Forwarded-For $remote_addr` in nginx. If the proxy appends the address
//! instead, each client chooses the first item, and the protection only compares values that the
//! client chose. Without the header, clients must reach both applications through the proxy or both
//! directly. A server on a Unix socket also needs the header, because its connections have no
//! client address.
//!
//! # Examples
//!
//! ```
//! use std::net::IpAddr;
//!
//! use session_core::flask_login::{Client, FlaskLogin};
//! use session_core::{Error, Session};
//!
//! fn log_in(session: &Session, address: IpAddr, user_agent: &[u8]) -> Result<(), Error> {
//!     let client = Client::new(Some(address), None, Some(user_agent));
//!     FlaskLogin::new().log_in(session, "42", &client)
//! }
//!
//! fn user(session: &Session, client: &Client) -> Result<Option<String>, Error> {
//!     let user = FlaskLogin::new().user(session, client)?;
//!     Ok(user.map(|user| user.id().to_owned()))
//! }
//!
//! /// Returns a `Set-Cookie` header for the response.
//! async fn log_out(session: &Session) -> Result<String, Error> {
//!     FlaskLogin::new().log_out(session).await
//! }
//! ```

mod client;

use crate::cookie::{CookieAttributes, check_name, render_removal};
use crate::error::Error;
use crate::session::Session;

pub use client::Client;

const USER: &str = "_user_id";
const FRESH: &str = "_fresh";
const IDENTIFIER: &str = "_id";
const REMEMBER: &str = "_remember";
/// The keys that Flask-Login removes when the protection "strong" ends a login.
const KEYS: [&str; 6] = [USER, REMEMBER, "_remember_seconds", IDENTIFIER, FRESH, "next"];

/// The logins of Flask-Login, with the settings of the Flask application.
#[derive(Clone, Debug)]
pub struct FlaskLogin {
    protection: Option<Protection>,
    cookie_name: String,
    cookie_attributes: CookieAttributes,
}

/// Flask's `SESSION_PROTECTION`: the treatment of a login whose client has another address or user
/// agent than before.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Protection {
    /// The login stays, but is no longer fresh.
    Basic,
    /// The login ends. In a permanent session, it stays but is no longer fresh.
    Strong,
}

/// A logged-in user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    id: String,
    fresh: bool,
}

impl User {
    /// Returns the id, which is the result of `get_id` of the Flask application's user.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns whether the login is fresh: Flask-Login's `login_fresh`. Require a fresh login where
    /// Flask has `fresh_login_required`.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }
}

impl FlaskLogin {
    /// Returns the default settings of Flask-Login: the protection "basic", and a cookie
    /// `remember_token` with the path `/` and without a domain.
    pub fn new() -> Self {
        Self {
            protection: Some(Protection::Basic),
            cookie_name: "remember_token".to_owned(),
            cookie_attributes: CookieAttributes::insecure_default(),
        }
    }

    /// Sets Flask's `SESSION_PROTECTION`. `None` disables the protection.
    #[must_use]
    pub fn protection(mut self, protection: impl Into<Option<Protection>>) -> Self {
        self.protection = protection.into();
        self
    }

    /// Sets the cookie that [`log_out`](Self::log_out) removes. The name, the domain and the path
    /// must be Flask's `REMEMBER_COOKIE_NAME`, `REMEMBER_COOKIE_DOMAIN` and `REMEMBER_COOKIE_PATH`.
    /// Browsers would not remove a cookie of another domain or path. Set `secure(false)` if the
    /// application is also reached by plain HTTP.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if browsers would reject the
    /// cookie.
    pub fn remember_cookie(
        mut self,
        name: impl Into<String>,
        attributes: CookieAttributes,
    ) -> Result<Self, Error> {
        self.cookie_name = name.into();
        check_name(&self.cookie_name, &attributes)?;
        self.cookie_attributes = attributes;
        Ok(self)
    }

    /// Returns the user who is logged in through either application: Flask-Login's `current_user`.
    ///
    /// If the client has changed, this method changes the session as Flask-Login does, according to
    /// the [`Protection`]. If the mode "strong" ends the login, the next response of Flask also
    /// removes the cookie `remember_token`.
    ///
    /// A user who only has the cookie `remember_token` is not logged in before the next request to
    /// Flask.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Session::get`] and [`Session::insert`].
    pub fn user(&self, session: &Session, client: &Client) -> Result<Option<User>, Error> {
        let Some(id) = session.get::<String>(USER)? else { return Ok(None) };
        let fresh = flag(session, FRESH);
        let known = session.get::<String>(IDENTIFIER).ok().flatten();
        let Some(protection) = self.protection.filter(|_| known.as_deref() != Some(client.id()))
        else {
            return Ok(Some(User { id, fresh: fresh == Some(true) }));
        };
        // Flask does not have the setting `permanent_by_default`.
        let permanent = flag(session, "_permanent") == Some(true);
        if protection == Protection::Strong && !permanent {
            for key in KEYS {
                session.discard(key)?;
            }
            session.insert(REMEMBER, "clear")?;
            return Ok(None);
        }
        if fresh != Some(false) {
            session.insert(FRESH, false)?;
        }
        Ok(Some(User { id, fresh: false }))
    }

    /// Logs a user in: Flask-Login's `login_user`. The login is fresh.
    ///
    /// If the session has an id, it receives another id. The values of another user, who was logged
    /// in before, are removed. The values of a visitor stay.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Session::insert`] and [`Session::rotate_id`].
    pub fn log_in(&self, session: &Session, user: &str, client: &Client) -> Result<(), Error> {
        let keeps = match session.get::<String>(USER) {
            Ok(None) => true,
            Ok(Some(previous)) => previous == user,
            Err(_) => false,
        };
        if !keeps {
            session.clear()?;
        }
        session.rotate_id()?;
        session.insert(USER, user)?;
        self.confirm(session, client)
    }

    /// Makes the login fresh: Flask-Login's `confirm_login`. Call this method after the user has
    /// entered the password again.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Session::insert`].
    pub fn confirm(&self, session: &Session, client: &Client) -> Result<(), Error> {
        session.insert(FRESH, true)?;
        session.insert(IDENTIFIER, client.id())
    }

    /// Ends the session, and returns the value of a `Set-Cookie` header that removes the cookie
    /// `remember_token`. The response must have this header in addition to the header of the
    /// session. Otherwise, the next request to Flask would log the user in again.
    ///
    /// Unlike `logout_user`, this method also removes values that do not belong to Flask-Login.
    /// [`Session::outcome`] returns the result.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Session::log_out`].
    #[must_use = "the response must have this header"]
    pub async fn log_out(&self, session: &Session) -> Result<String, Error> {
        session.log_out().await?;
        Ok(render_removal(&self.cookie_name, &self.cookie_attributes))
    }
}

/// Returns a flag. A value of another type counts as a missing flag.
fn flag(session: &Session, key: &str) -> Option<bool> {
    session.get(key).ok().flatten()
}

impl Default for FlaskLogin {
    fn default() -> Self {
        Self::new()
    }
}
