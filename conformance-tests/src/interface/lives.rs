//! Rules of how long a session lives, and what puts its end off.

use std::sync::Arc;
use std::time::Duration;

use session_core::{
    CookieAction, Error, OpenContext, Refresh, SaveContext, Session, SessionConfig, SessionInterface, async_trait,
};

use super::InterfaceUnderTest;
use super::browser::{Browser, SetCookie};
use crate::Failure;
use crate::rule::rules;

const HOUR: Duration = Duration::from_hours(1);

/// What an engine may give a session of an hour above its promise, and a second.
const SLACK: Duration = Duration::from_secs(61);

rules! {
    ($) pub(crate) const LIVES, macro __interface_lives, for InterfaceUnderTest;

    /// A permanent session is there as long as its lifetime says, to the last moment.
    ///
    /// What is `age > lifetime` has expired; equality has not.
    async fn a_session_is_there_until_its_end(under_test) {
        let (_, mut visitor, cookie) = permanent(under_test, SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenModified)).await?;
        under_test.pass(HOUR);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(Some(1)).await
    }

    /// A session whose lifetime is over opens nothing, whatever the browser still sends.
    ///
    /// Judge the age by `OpenContext::now` and by what you stored with the session; a cookie's `Expires` is a wish that a client need not
    /// obey.
    async fn a_session_is_gone_after_its_end(under_test) {
        let (_, mut visitor, cookie) = permanent(under_test, SessionConfig::builder().permanent_lifetime(HOUR)).await?;
        under_test.pass(HOUR + SLACK);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(None).await
    }

    /// Another lifetime, from an interface around this one, decides how long the session is kept, and not only what the cookie says.
    ///
    /// Use `SaveContext::lifetime` and `OpenContext::lifetime`, never the configured lifetime.
    async fn an_overridden_lifetime_is_obeyed(under_test) {
        let interface = under_test.configured(SessionConfig::builder().permanent_lifetime(2 * HOUR)).await?;
        let interface: Arc<dyn SessionInterface> = Arc::new(ForAnHour(interface));
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = begin(&mut visitor).await?;
        under_test.pass(HOUR + SLACK);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(None).await
    }

    /// With `Refresh::WhenAccessed`, a request that reads a permanent session puts its end off.
    ///
    /// Let `should_save` say `true` for a session that is to be renewed, and store the new expiry in `save`.
    async fn a_read_puts_the_end_off(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenAccessed);
        let (_, mut visitor, _) = permanent(under_test, builder).await?;
        for _ in 0..3 {
            under_test.pass(HOUR * 5 / 6);
            visitor.expect(Some(1)).await?;
        }
        Ok(())
    }

    /// With `Refresh::WhenAccessed`, a request that does not ask for its session leaves no trace: no cookie, and no longer life.
    ///
    /// Do nothing in an interface but what `open` and `save` are called for.
    async fn an_untouched_request_puts_nothing_off(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR).refresh(Refresh::WhenAccessed);
        let (_, mut visitor, _) = permanent(under_test, builder).await?;
        under_test.pass(HOUR * 5 / 6);
        let request = visitor.request();
        let set = visitor.finish("nothing", &request).await?;
        under_test.equal(None, set)
    }

    /// With `Refresh::EachRequest`, a request that does not ask for its session puts the end of a permanent one off all the same.
    ///
    /// Renew a session that was opened and not accessed; `SaveContext::should_set_cookie` says whether the cookie goes with it.
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

    /// With `Refresh::WhenModified`, only a change puts the end off: a read sets no cookie and gives no longer life.
    ///
    /// Renew what `SaveContext::should_set_cookie` allows, and nothing else.
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
    /// Leave `should_set_cookie` as it is: a `Set-Cookie` on every read makes every page private to every cache, and brings back what another
    /// tab has removed.
    async fn a_read_of_a_browser_session_sets_no_cookie(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor.set(1).await?;
        under_test.pass(HOUR);
        let set = visitor.visit("read", |session| session.get::<u64>("n").map(|_| ())).await?;
        under_test.equal(None, set)
    }
}

/// A visitor with a permanent session, `n` = 1.
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

/// An interface around another, as an application writes it to change one hook.
#[derive(Debug)]
struct ForAnHour(Arc<dyn SessionInterface>);

#[async_trait]
impl SessionInterface for ForAnHour {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Session, Error> {
        self.0.open(context).await
    }

    async fn save(&self, session: &Session, context: &SaveContext<'_>) -> Result<CookieAction, Error> {
        self.0.save(session, context).await
    }

    fn should_save(&self, session: &Session) -> bool {
        self.0.should_save(session)
    }

    fn lifetime(&self, session: &Session) -> Option<Duration> {
        session.is_permanent().then_some(HOUR)
    }
}
