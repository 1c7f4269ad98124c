//! Rules of the lifetime of a session, and of its extension.

use std::sync::Arc;
use std::time::Duration;

use session_core::interface::{Hooked, Hooks, SessionView};
use session_core::{Refresh, Session, SessionConfig, SessionInterface};

use super::InterfaceUnderTest;
use super::browser::{Browser, SetCookie};
use crate::Failure;
use crate::rule::rules;

const HOUR: Duration = Duration::from_hours(1);

/// The slack with which an engine may store such a session, and one second.
const SLACK: Duration = Duration::from_secs(61);

rules! {
    ($) pub(crate) const LIVES, macro __interface_lives, for InterfaceUnderTest;

    /// A permanent session is valid for its whole lifetime, including the exact time of its expiry.
    ///
    /// A session has expired if `age > lifetime`, not if they are equal.
    async fn a_session_is_there_until_its_end(under_test) {
        let (_, mut visitor, cookie) = permanent(under_test, SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenModified)).await?;
        under_test.pass(HOUR);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(Some(1)).await
    }

    /// A session whose lifetime is over opens nothing, even if the client still sends the cookie.
    ///
    /// Compute the age from `OpenContext::now` and from data stored with the session. A client need
    /// not obey the `Expires` of a cookie.
    async fn a_session_is_gone_after_its_end(under_test) {
        let (_, mut visitor, cookie) = permanent(under_test, SessionConfig::builder().permanent_lifetime(HOUR)).await?;
        under_test.pass(HOUR + SLACK);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(None).await
    }

    /// A wrapper that overrides `lifetime` determines how long the session is stored, not only the
    /// expiry of the cookie.
    ///
    /// Use `Contents::lifetime` and `OpenContext::lifetime`, never the configured lifetime.
    async fn an_overridden_lifetime_is_obeyed(under_test) {
        let interface = under_test.configured(SessionConfig::builder().permanent_lifetime(2 * HOUR)).await?;
        let interface: Arc<dyn SessionInterface> = Arc::new(Hooked::new(interface, ForAnHour));
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = begin(&mut visitor).await?;
        under_test.pass(HOUR + SLACK);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(None).await
    }

    /// A session whose handler has set a lifetime expires after that lifetime, independent of the
    /// settings.
    ///
    /// Use `Contents::lifetime` and `OpenContext::lifetime`, never the configured lifetime.
    async fn lifetime_set_by_handler_is_obeyed(under_test) {
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

    /// A session without owner expires after the configured `visitor_lifetime` if no request uses
    /// it. A login removes this limit.
    ///
    /// Use `Lifetime::unwrap_or` of `Contents::lifetime` and `OpenContext::lifetime`.
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

    /// With `Refresh::WhenAccessed`, a request that reads a permanent session extends its expiry.
    ///
    /// Return an `Opened` without a renewal, which follows Flask's rule, or with
    /// `SessionConfig::renewal`. Store the new expiry in `save`, even if the session is not
    /// modified.
    async fn a_read_puts_the_end_off(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenAccessed);
        let (_, mut visitor, _) = permanent(under_test, builder).await?;
        for _ in 0..3 {
            under_test.pass(HOUR * 5 / 6);
            visitor.expect(Some(1)).await?;
        }
        Ok(())
    }

    /// With `Refresh::WhenAccessed`, a request whose handler does not obtain the session sets no
    /// cookie and does not extend the expiry.
    ///
    /// Return from `config` the configuration with which the interface was created.
    async fn an_untouched_request_puts_nothing_off(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenAccessed);
        let (_, mut visitor, _) = permanent(under_test, builder).await?;
        under_test.pass(HOUR * 5 / 6);
        let request = visitor.request();
        let set = visitor.finish("nothing", &request).await?;
        under_test.equal(None, set)
    }

    /// With `Refresh::EachRequest`, every request that sends the cookie extends the expiry of a
    /// permanent session, even if its handler does not obtain it.
    ///
    /// Use `RenewOn::AnyRequest` if you compute the renewal yourself.
    async fn each_request_puts_the_end_off_if_it_is_to(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::EachRequest);
        let (_, mut visitor, _) = permanent(under_test, builder).await?;
        for _ in 0..3 {
            under_test.pass(HOUR * 5 / 6);
            let request = visitor.request();
            visitor.finish("nothing", &request).await?;
        }
        visitor.expect(Some(1)).await
    }

    /// With `Refresh::WhenModified`, only a change extends the expiry. A read neither sets the
    /// cookie nor extends the expiry.
    ///
    /// Use `RenewOn::Never` if you compute the renewal yourself.
    async fn only_a_change_puts_the_end_off_if_it_is_to(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenModified);
        let (_, mut visitor, cookie) = permanent(under_test, builder).await?;
        under_test.pass(HOUR * 5 / 6);
        let set = visitor.visit("read", |session| session.get::<u64>("n").map(|_| ())).await?;
        under_test.equal(None, set)?;
        under_test.pass(HOUR / 6 + SLACK);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(None).await
    }

    /// A read of a session that ends with the browser sets no cookie.
    ///
    /// Set `Renewal::cookie` only for a session that has a lifetime, and do not override
    /// `should_set_cookie`. A `Set-Cookie` on every read makes every page private for caches, and
    /// restores a cookie that another tab has removed.
    async fn a_read_of_a_browser_session_sets_no_cookie(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor.set(1).await?;
        under_test.pass(HOUR);
        let set = visitor.visit("read", |session| session.get::<u64>("n").map(|_| ())).await?;
        under_test.equal(None, set)
    }
}

/// Returns a visitor with a permanent session, in which `n` is 1.
async fn permanent(
    under_test: &InterfaceUnderTest,
    builder: session_core::SessionConfigBuilder,
) -> Result<(Arc<dyn SessionInterface>, Browser, SetCookie), Failure> {
    let interface = under_test.configured(builder).await?;
    let mut visitor = under_test.browser("visitor", &interface);
    let cookie = begin(&mut visitor).await?;
    Ok((interface, visitor, cookie))
}

async fn begin(visitor: &mut Browser) -> Result<SetCookie, Failure> {
    visitor
        .given("insert n = 1, permanent", |session| {
            session.set_permanent(true)?;
            session.insert("n", 1)
        })
        .await
}

/// Gives permanent sessions a lifetime of an hour.
#[derive(Debug)]
struct ForAnHour;

impl Hooks for ForAnHour {
    fn lifetime(&self, session: &SessionView<'_>, _: Option<Duration>) -> Option<Duration> {
        session.is_permanent().then_some(HOUR)
    }
}
