//! The settings of the lifetimes of a session and of its renewal.

use std::time::Duration;

use super::SessionConfigBuilder;
use crate::config::Refresh;

impl SessionConfigBuilder {
    /// Sets the lifetime of a permanent session after its last save or renewal. The default is 31
    /// days. This is Flask's `PERMANENT_SESSION_LIFETIME`.
    #[must_use]
    pub fn permanent_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.permanent_lifetime = lifetime;
        self
    }

    /// Sets whether a session is permanent unless a handler calls
    /// [`set_permanent(false)`](crate::Session::set_permanent). With the default, `false`, a
    /// session ends with the browser. Flask has no such setting.
    ///
    /// With `true`, every cookie has an expiry, so that the cookie remains when the browser closes.
    /// The setting also applies to stored sessions, and is not stored with them. A Flask
    /// application that shares the session needs `session.permanent = True`.
    #[must_use]
    pub fn permanent_by_default(mut self, permanent: bool) -> Self {
        self.settings.permanent_by_default = permanent;
        self
    }

    /// Sets the time for which a server-side backend stores a non-permanent session after its last
    /// use. The default is one day. Flask has no such setting.
    ///
    /// When the browser closes, it drops the cookie of such a session. The server cannot detect
    /// this.
    #[must_use]
    pub fn browser_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.browser_lifetime = lifetime;
        self
    }

    /// Sets the maximum lifetime of a session without an owner after its last save or renewal. The
    /// default is `None`, which means the same lifetime as for a user. Flask has no such setting.
    ///
    /// Most sessions of a public site belong to visitors and robots. With half an hour, these
    /// sessions are stored for half an hour. Sessions of users are stored for as long as the other
    /// settings allow. A login removes the limit. A handler can extend the lifetime of one session
    /// with [`set_lifetime`](crate::Session::set_lifetime). This setting does not determine whether
    /// the cookie has an expiry.
    #[must_use]
    pub fn visitor_lifetime(mut self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.settings.visitor_lifetime = lifetime.into();
        self
    }

    /// Sets the time without use after which a session expires, whether permanent or not (OWASP
    /// ASVS 5, 7.3.1). The default is `None`: no limit. Flask has no such setting.
    ///
    /// A use is a request whose handler obtains the session. A session never expires before this
    /// time. It may expire later, by at most a tenth of the timeout and at most one minute.
    ///
    /// Server-side backends and the sealed cookie support this setting. The signed cookie refuses
    /// the setting.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.idle_timeout = timeout.into();
        self
    }

    /// Sets the maximum time from the creation of a session to its expiry, even if the session is
    /// in use (OWASP ASVS 5, 7.3.2). The default is `None`: no limit. Flask has no such setting.
    ///
    /// The time starts again at a login. A new id does not extend the time. Server-side backends
    /// and the sealed cookie support this setting. The signed cookie refuses the setting, because
    /// the cookie does not contain the creation time.
    #[must_use]
    pub fn absolute_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.absolute_timeout = timeout.into();
        self
    }

    /// Sets which requests renew an unchanged permanent session. The default is
    /// [`Refresh::WhenAccessed`], unlike in Flask. This is Flask's `SESSION_REFRESH_EACH_REQUEST`.
    #[must_use]
    pub fn refresh(mut self, refresh: Refresh) -> Self {
        self.settings.refresh = refresh;
        self
    }
}
