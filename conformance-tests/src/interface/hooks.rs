//! Rules of an interface in a wrapper that decides when the cookie is set.

use std::sync::Arc;
use std::time::Duration;

use session_core::interface::{Hooked, Hooks, SessionView};
use session_core::{SessionConfig, SessionInterface};

use super::InterfaceUnderTest;
use crate::rule::rules;

rules! {
    ($) pub(crate) const HOOKS, macro __interface_hooks, for InterfaceUnderTest;

    /// If a wrapper's `should_set_cookie` returns `true` for a request that only reads, the
    /// response sets the cookie.
    ///
    /// Return `CookieAction::Set` for every stored session, even if it is not modified. The core
    /// omits the cookie if the hook returns `false`.
    async fn a_wrapper_can_have_the_cookie_set(under_test) {
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

rules! {
    ($) pub(crate) const HOOKS_ON_SERVER, macro __interface_hooks_on_server, for InterfaceUnderTest;

    /// A change is stored even if a wrapper's `should_set_cookie` returns `false`.
    ///
    /// Do not check `Save::should_set_cookie` before you store a change. It concerns only the
    /// cookie.
    async fn a_change_is_stored_though_no_cookie_is_set(under_test) {
        let inner = under_test.interface().await?;
        let interface: Arc<dyn SessionInterface> = Arc::new(Hooked::new(inner, SetsTheCookie(|session| session.get("n").is_ok_and(|n| n == Some(1)))));
        let mut visitor = under_test.browser("visitor", &interface);
        under_test.calls().note("-- a wrapper: should_set_cookie is true while n = 1 --");
        visitor.set(1).await?;
        visitor.set(2).await?;
        visitor.expect(Some(2)).await
    }
}

/// Sets the cookie exactly when a function of the session returns `true`.
#[derive(Debug)]
struct SetsTheCookie(fn(&SessionView<'_>) -> bool);

impl Hooks for SetsTheCookie {
    fn should_set_cookie(&self, session: &SessionView<'_>, _: bool) -> bool {
        (self.0)(session)
    }
}
