//! Rules of the lifetime of a session.

use std::sync::Arc;
use std::time::Duration;

use session_core::interface::{Hooked, Hooks, SessionView};
use session_core::{Refresh, Session, SessionConfig, SessionInterface};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::permanent::{begin, permanent};
use crate::harness::interface::times::{HOUR, SLACK};
use crate::macros::rules;

rules! {
    ($) pub(crate) const LIFETIMES, macro __interface_lifetimes, for InterfaceUnderTest;

    /// A permanent session is valid for its whole lifetime, including the exact time of its expiry.
    ///
    /// A session has expired if `age > lifetime`, but not if `age == lifetime`.
    async fn session_is_valid_until_its_expiry(under_test) {
        let (_, mut visitor, cookie) = permanent(under_test, SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenModified)).await?;
        under_test.pass(HOUR);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(Some(1)).await
    }

    /// The cookie of an expired session opens nothing, even if the client still sends the cookie.
    ///
    /// Compute the age from `OpenContext::now` and from data stored with the session. A client may
    /// ignore the `Expires` attribute of a cookie.
    async fn expired_session_opens_nothing(under_test) {
        let (_, mut visitor, cookie) = permanent(under_test, SessionConfig::builder().permanent_lifetime(HOUR)).await?;
        under_test.pass(HOUR + SLACK);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(None).await
    }

    /// A wrapper that overrides `lifetime` determines the time for which the session is stored, not
    /// only the expiry of the cookie.
    ///
    /// Use `Contents::lifetime` and `OpenContext::lifetime`, never the configured lifetime.
    async fn overridden_lifetime_applies(under_test) {
        let interface = under_test.configured(SessionConfig::builder().permanent_lifetime(2 * HOUR)).await?;
        let interface: Arc<dyn SessionInterface> = Arc::new(Hooked::new(interface, ForAnHour));
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = begin(&mut visitor).await?;
        under_test.pass(HOUR + SLACK);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(None).await
    }

    /// If a wrapper's hook `lifetime` returns a lifetime that exceeds the configured lifetime, the
    /// session is stored for the longer lifetime. This is also true for permanent sessions.
    ///
    /// Use only `Contents::lifetime` and `OpenContext::lifetime`. Do not limit these lifetimes by
    /// the configured lifetime, and do not check whether the session is permanent.
    async fn longer_overridden_lifetime_applies(under_test) {
        let builder = || SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenModified);
        for is_permanent in [true, false] {
            let inner = under_test.configured(builder().browser_lifetime(HOUR)).await?;
            let interface: Arc<dyn SessionInterface> = Arc::new(Hooked::new(inner, ForThreeHours));
            under_test.calls().note("-- a wrapper: lifetime is always three hours --");
            let (mut early, mut late) = (under_test.browser("early", &interface), under_test.browser("late", &interface));
            let mut cookies = Vec::new();
            for visitor in [&mut early, &mut late] {
                let fill = |session: &Session| {
                    if is_permanent {
                        session.set_permanent(true)?;
                    }
                    session.insert("n", 1)
                };
                cookies.push(visitor.given(&format!("insert n = 1, permanent: {is_permanent}"), fill).await?);
            }
            under_test.pass(2 * HOUR);
            early.plant(&cookies[0].name, &cookies[0].value);
            early.expect(Some(1)).await?;
            under_test.pass(HOUR + SLACK);
            late.plant(&cookies[1].name, &cookies[1].value);
            late.expect(None).await?;
        }
        Ok(())
    }

    /// A handler can shorten the lifetime of a stored session.
    ///
    /// Store the new expiry in every save that changes the session, even if the new expiry is
    /// earlier.
    async fn shorter_lifetime_of_stored_session_applies(under_test) {
        let interface = under_test.configured(SessionConfig::builder().refresh(Refresh::WhenModified)).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let begin = |session: &Session| session.set_lifetime(5 * HOUR).and_then(|()| session.insert("n", 1));
        visitor.given("insert n = 1, lifetime of five hours", begin).await?;
        let cookie = visitor.given("set_lifetime(one hour)", |session| session.set_lifetime(HOUR)).await?;
        under_test.pass(HOUR + SLACK);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(None).await
    }

    /// If a handler calls `set_permanent(false)` on a permanent session, the response sets the
    /// cookie without an expiry. The browser then removes the cookie when the browser closes.
    ///
    /// Return `CookieAction::Set` with `Contents::expires_at` of the merged contents.
    async fn session_made_temporary_has_cookie_without_expiry(under_test) {
        let (_, mut visitor, _) = permanent(under_test, SessionConfig::builder().permanent_lifetime(HOUR)).await?;
        let cookie = visitor.given("set_permanent(false)", |session| session.set_permanent(false)).await?;
        under_test.equal(None, cookie.expires)?;
        visitor.expect(Some(1)).await
    }

    /// If a handler sets the lifetime of a session, the session expires after this lifetime,
    /// regardless of the settings.
    ///
    /// Use `Contents::lifetime` and `OpenContext::lifetime`, never the configured lifetime.
    async fn lifetime_set_by_handler_applies(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenModified);
        let interface = under_test.configured(builder).await?;
        let (mut early, mut late) = (under_test.browser("early", &interface), under_test.browser("late", &interface));
        let mut cookies = Vec::new();
        for visitor in [&mut early, &mut late] {
            let begin = |session: &Session| session.set_lifetime(2 * HOUR).and_then(|()| session.insert("n", 1));
            cookies.push(visitor.given("insert n = 1, lifetime of two hours", begin).await?);
        }
        under_test.pass(HOUR * 3 / 2);
        early.plant(&cookies[0].name, &cookies[0].value);
        early.expect(Some(1)).await?;
        under_test.pass(HOUR);
        late.plant(&cookies[1].name, &cookies[1].value);
        late.expect(None).await
    }

    /// A session without an owner expires if no request uses the session for the configured
    /// `visitor_lifetime`. A login removes this limit.
    ///
    /// Call `Lifetime::unwrap_or` on the results of `Contents::lifetime` and
    /// `OpenContext::lifetime`.
    async fn visitor_lifetime_limits_sessions_without_owner(under_test) {
        let builder = SessionConfig::builder().visitor_lifetime(HOUR);
        let interface = under_test.configured(builder).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let mut user = under_test.browser("user", &interface);
        user.set(2).await?;
        user.log_in("", |_| Ok(()), "ada").await?;
        under_test.pass(HOUR + SLACK);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(None).await?;
        user.expect(Some(2)).await
    }
}

/// A hook that sets the lifetime of permanent sessions to an hour.
#[derive(Debug)]
struct ForAnHour;

impl Hooks for ForAnHour {
    fn lifetime(&self, session: &SessionView<'_>, _: Option<Duration>) -> Option<Duration> {
        session.is_permanent().then_some(HOUR)
    }
}

/// A hook that sets the lifetime of every session to three hours.
#[derive(Debug)]
struct ForThreeHours;

impl Hooks for ForThreeHours {
    fn lifetime(&self, _: &SessionView<'_>, _: Option<Duration>) -> Option<Duration> {
        Some(3 * HOUR)
    }
}
