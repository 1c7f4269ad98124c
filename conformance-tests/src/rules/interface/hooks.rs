//! Rules of a wrapper that determines whether the cookie is set.

use std::sync::Arc;
use std::time::Duration;

use session_core::interface::Hooked;
use session_core::{SessionConfig, SessionInterface};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::hooks::SetsTheCookie;
use crate::macros::rules;

rules! {
    ($) pub(crate) const HOOKS, macro __interface_hooks, for InterfaceUnderTest;

    /// If a wrapper's `should_set_cookie` returns `true` for a request that only reads the session,
    /// the response sets the cookie.
    ///
    /// Return `CookieAction::Set` for every stored session, even if the session is not modified.
    /// The core omits the cookie if the hook returns `false`.
    async fn wrapper_can_request_cookie(under_test) {
        let builder = SessionConfig::builder().browser_lifetime(Duration::from_hours(3));
        let inner = under_test.configured(builder).await?;
        let interface: Arc<dyn SessionInterface> = Arc::new(Hooked::new(inner, SetsTheCookie(|_| true)));
        let mut visitor = under_test.browser("visitor", &interface);
        under_test.calls().note("-- a wrapper: should_set_cookie is always true --");
        visitor.set(1).await?;
        for time in [Duration::ZERO, interface.config().browser_lifetime() / 2] {
            under_test.pass(time);
            visitor.given("read", |session| session.get::<u64>("n").map(|_| ())).await?;
        }
        Ok(())
    }
}
