//! Rules of an interface under a wrapper that decides when the cookie is set.

use std::sync::Arc;
use std::time::Duration;

use session_core::{
    CookieAction, Error, OpenContext, SaveContext, Session, SessionConfig, SessionInterface, async_trait,
};

use super::InterfaceUnderTest;
use crate::rule::rules;

rules! {
    ($) pub(crate) const HOOKS, macro __interface_hooks, for InterfaceUnderTest;

    /// If a wrapper's `should_set_cookie` says that the response to a reader sets the cookie, it does.
    ///
    /// Return `CookieAction::Set` for a session that is not modified, too, if `SaveContext::should_set_cookie` says so and half of its life is
    /// over. Do not decide it anew.
    async fn a_wrapper_can_have_the_cookie_set(under_test) {
        let inner = under_test.configured(SessionConfig::builder().browser_lifetime(Duration::from_hours(3))).await?;
        let interface: Arc<dyn SessionInterface> = Arc::new(SetsTheCookie(|_| true, inner));
        let mut visitor = under_test.browser("visitor", &interface);
        under_test.calls().note("-- a wrapper: should_set_cookie is always true --");
        visitor.set(1).await?;
        under_test.pass(interface.config().browser_lifetime() / 2 + Duration::from_secs(1));
        visitor.given("read", |session| session.get::<u64>("n").map(|_| ())).await.map(|_| ())
    }
}

rules! {
    ($) pub(crate) const HOOKS_ON_SERVER, macro __interface_hooks_on_server, for InterfaceUnderTest;

    /// A change is stored although a wrapper's `should_set_cookie` keeps the cookie from being set.
    ///
    /// Do not ask `SaveContext::should_set_cookie` whether to store a change: it speaks of the cookie only.
    async fn a_change_is_stored_though_no_cookie_is_set(under_test) {
        let inner = under_test.interface().await?;
        let interface: Arc<dyn SessionInterface> = Arc::new(SetsTheCookie(|session| session.get("n").is_ok_and(|n| n == Some(1)), inner));
        let mut visitor = under_test.browser("visitor", &interface);
        under_test.calls().note("-- a wrapper: should_set_cookie is true while n = 1 --");
        visitor.set(1).await?;
        visitor.set(2).await?;
        visitor.expect(Some(2)).await
    }
}

/// An interface around another, as an application writes it to change one hook.
#[derive(Debug)]
struct SetsTheCookie(fn(&Session) -> bool, Arc<dyn SessionInterface>);

#[async_trait]
impl SessionInterface for SetsTheCookie {
    fn config(&self) -> &SessionConfig {
        self.1.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        self.1.open(context).await
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        self.1.save(session, context).await
    }

    fn lifetime(&self, session: &Session) -> Option<Duration> {
        self.1.lifetime(session)
    }

    fn should_set_cookie(&self, session: &Session) -> bool {
        (self.0)(session)
    }

    fn should_save(&self, session: &Session) -> bool {
        self.1.should_save(session) || self.should_set_cookie(session)
    }
}
