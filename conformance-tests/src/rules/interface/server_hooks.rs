//! Rules of a wrapper around an interface that stores sessions on a server.

use std::sync::Arc;

use session_core::SessionInterface;
use session_core::interface::Hooked;

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::hooks::SetsTheCookie;
use crate::macros::rules;

rules! {
    ($) pub(crate) const SERVER_HOOKS, macro __interface_server_hooks, for InterfaceUnderTest;

    /// A change is stored even if a wrapper's `should_set_cookie` returns `false`.
    ///
    /// Do not check `Save::should_set_cookie` before you store a change. This method concerns only
    /// the cookie.
    async fn change_without_cookie_is_stored(under_test) {
        let inner = under_test.interface().await?;
        let interface: Arc<dyn SessionInterface> = Arc::new(Hooked::new(inner, SetsTheCookie(|session| session.get("n").is_ok_and(|n| n == Some(1)))));
        let mut visitor = under_test.browser("visitor", &interface);
        under_test.calls().note("-- a wrapper: should_set_cookie is true while n = 1 --");
        visitor.set(1).await?;
        visitor.set(2).await?;
        visitor.expect(Some(2)).await
    }
}
