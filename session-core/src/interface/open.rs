//! The argument of `SessionInterface::open`.

use std::fmt;
use std::time::SystemTime;

use super::contents::Contents;
use super::hooks::HookCalls;
use super::opened::Opened;
use super::view::SessionView;
use crate::config::SessionConfig;
use crate::cookie::saturating_add;
use crate::request_view::RequestView;
use crate::session::Lifetime;

/// The request for which an interface opens a session, with the name of the cookie and the time.
#[derive(Clone, Copy)]
pub struct OpenContext<'a> {
    pub(crate) hooks: &'a dyn HookCalls,
    pub(crate) request: &'a RequestView,
    pub(crate) cookie_name: &'a str,
    pub(crate) cookie: Option<&'a str>,
    pub(crate) now: SystemTime,
}

impl<'a> OpenContext<'a> {
    /// Returns the request.
    pub fn request(&self) -> &'a RequestView {
        self.request
    }

    /// Returns the name of the session cookie in this request.
    pub fn cookie_name(&self) -> &'a str {
        self.cookie_name
    }

    /// Returns the value of the session cookie, or `None` if the request has none.
    pub fn cookie(&self) -> Option<&'a str> {
        self.cookie
    }

    /// Returns the current time. Use this time throughout the call.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// Returns the settings of the outermost interface.
    pub fn config(&self) -> &'a SessionConfig {
        self.hooks.config()
    }

    /// Returns the lifetime of a session that was read: the value of
    /// [`set_lifetime`](crate::Session::set_lifetime), or the result of the outermost interface's
    /// hook.
    pub fn lifetime(&self, opened: &Opened) -> Lifetime {
        self.hooks.lifetime(&SessionView::of_opened(&opened.data, self.config()))
    }

    /// Returns the contents of a session that was read, for an interface that stores them
    /// elsewhere. This method calls the hook `lifetime`.
    pub fn contents(&self, opened: &Opened) -> Contents {
        let (stored, lifetime) = (opened.data.stored.clone(), self.lifetime(opened));
        let expires_at = lifetime.permanent().map(|lifetime| saturating_add(self.now, lifetime));
        Contents { stored, lifetime, expires_at }
    }
}

impl fmt::Debug for OpenContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenContext")
            .field("request", &self.request)
            .field("cookie_name", &self.cookie_name)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
