//! Calling the hooks of the outermost interface for a request.

use std::borrow::Cow;

use crate::config::SessionConfig;
use crate::cookie::CookieAttributes;
use crate::interface::hooks::HookCalls;
use crate::interface::{SessionInterface, SessionView};
use crate::request_view::RequestView;
use crate::session::Lifetime;

/// The hooks of the outermost interface, for one request.
pub(super) struct RequestHooks<'a> {
    pub(super) interface: &'a dyn SessionInterface,
    pub(super) request: &'a RequestView,
}

impl HookCalls for RequestHooks<'_> {
    fn config(&self) -> &SessionConfig {
        self.interface.config()
    }

    fn lifetime(&self, session: &SessionView<'_>) -> Lifetime {
        if let Some(own) = session.own_lifetime() {
            return own.into();
        }
        let limit = self.config().visitor_lifetime().filter(|_| session.owner().is_none());
        Lifetime::limited(self.interface.lifetime(session), limit)
    }

    fn cookie_attributes(&self, session: &SessionView<'_>) -> Cow<'_, CookieAttributes> {
        self.interface.cookie_attributes(self.request, session)
    }

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        self.interface.should_set_cookie(session)
    }
}
