//! Calling the hooks of the outermost interface for a request.

use std::borrow::Cow;
use std::time::Duration;

use crate::config::SessionConfig;
use crate::cookie::CookieAttributes;
use crate::interface::hooks::HookCalls;
use crate::interface::{SessionInterface, SessionView};
use crate::request_view::RequestView;

/// The hooks of the outermost interface, for one request.
pub(super) struct RequestHooks<'a> {
    pub(super) interface: &'a dyn SessionInterface,
    pub(super) request: &'a RequestView,
}

impl HookCalls for RequestHooks<'_> {
    fn config(&self) -> &SessionConfig {
        self.interface.config()
    }

    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        session.own_lifetime().or_else(|| self.interface.lifetime(session))
    }

    fn cookie_attributes(&self, session: &SessionView<'_>) -> Cow<'_, CookieAttributes> {
        self.interface.cookie_attributes(self.request, session)
    }

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        self.interface.should_set_cookie(session)
    }
}
