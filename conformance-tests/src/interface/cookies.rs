//! Rules of the cookie itself: its name, its attributes, its end, and what it must not show.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::{
    CookieAction, Error, OpenContext, RequestView, SameSite, SaveContext, Session, SessionConfig, SessionInterface,
    async_trait,
};

use super::InterfaceUnderTest;
use crate::rule::rules;

const HOUR: Duration = Duration::from_hours(1);

rules! {
    ($) pub(crate) const COOKIES, macro __interface_cookies, for InterfaceUnderTest;

    /// The cookie has the name and the attributes of the configuration.
    ///
    /// Return from `config` what you were given, and leave `cookie_name` and `cookie_attributes` as they are.
    async fn the_cookie_is_as_configured(under_test) {
        let builder = SessionConfig::builder;
        let cases = [
            (builder(), "session", vec!["httponly", "path=/", "samesite=Lax", "secure"]),
            (builder().cookie_name("__Host-id"), "__Host-id", vec!["httponly", "path=/", "samesite=Lax", "secure"]),
            (
                builder().cookie_domain("shop.example").cookie_path("/a").cookie_samesite(SameSite::Strict),
                "session",
                vec!["domain=shop.example", "httponly", "path=/a", "samesite=Strict", "secure"],
            ),
            (
                builder().cookie_httponly(false).cookie_samesite(SameSite::None).cookie_partitioned(true),
                "session",
                vec!["partitioned", "path=/", "samesite=None", "secure"],
            ),
            (builder().cookie_secure(false).cookie_samesite(None::<SameSite>), "session", vec!["httponly", "path=/"]),
        ];
        for (builder, name, attributes) in cases {
            let mut visitor = under_test.browser("visitor", &under_test.configured(builder).await?);
            let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
            under_test.equal(name.to_owned(), cookie.name)?;
            under_test.equal(attributes.into_iter().map(str::to_owned).collect(), cookie.attributes)?;
        }
        Ok(())
    }

    /// The removal of the cookie has the name, path, domain and flags that it was set with, so that the browser drops it.
    ///
    /// `cookie_attributes` must say the same of an empty session as of a full one.
    async fn the_removal_matches_the_cookie(under_test) {
        let builder = SessionConfig::builder().cookie_domain("shop.example").cookie_path("/a").cookie_partitioned(true);
        let mut visitor = under_test.browser("visitor", &under_test.configured(builder).await?);
        let set = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let removal = visitor.given("destroy", Session::destroy).await?;
        under_test.equal((set.name, set.attributes), (removal.name, removal.attributes))?;
        under_test.equal(0, visitor.jar().len())
    }

    /// A session that is not permanent ends with the browser: its cookie has no `Expires`.
    ///
    /// Let `lifetime` be `None` for it; how long the server keeps it is `browser_lifetime`.
    async fn the_cookie_of_a_browser_session_does_not_expire(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        under_test.equal(None, cookie.expires)
    }

    /// The cookie of a permanent session lasts as long as the session, or a little longer.
    ///
    /// Return `CookieAction::Set`, or `SetUntil` with a time that is no earlier than what the lifetime promises.
    async fn the_cookie_of_a_permanent_session_lasts_as_long_as_it(under_test) {
        let builder = SessionConfig::builder().permanent_lifetime(HOUR);
        let interface = under_test.configured(builder).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let promised = interface.config().now() + HOUR;
        let cookie = visitor
            .given("insert n = 1, permanent", |session| {
                session.set_permanent(true)?;
                session.insert("n", 1)
            })
            .await?;
        let Some(expires) = cookie.expires else { return Err(under_test.failure("an Expires", "none")) };
        // A cookie shows whole seconds.
        let (least, most) = (promised - Duration::from_secs(1), promised + Duration::from_secs(61));
        if expires < least || most < expires {
            let seconds = |time: SystemTime| format!("{:?}", time.duration_since(promised).map_err(|early| early.duration()));
            return Err(under_test.failure("an Expires when the session ends, at most a minute later", seconds(expires)));
        }
        Ok(())
    }

    /// Another name for the cookie, from an interface around this one, is obeyed when the session is opened, too.
    ///
    /// Read `OpenContext::cookie`, never the cookie of the configured name.
    async fn an_overridden_cookie_name_is_obeyed(under_test) {
        let interface: Arc<dyn SessionInterface> = Arc::new(Renamed(under_test.interface().await?));
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        under_test.equal("renamed".to_owned(), cookie.name)?;
        visitor.expect(Some(1)).await
    }

    /// What the interface shows of itself in a log (`Debug`) holds no cookie and no value of a session.
    ///
    /// Write `Debug` by hand where a field holds ids, keys or sessions, and leave them out.
    async fn debug_shows_no_secret(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert word", |session| session.insert("word", "xyzzy-4711")).await?;
        let shown = format!("{interface:?} {interface:#?}");
        for secret in [cookie.value.as_str(), "xyzzy-4711"] {
            if shown.contains(secret) {
                return Err(under_test.failure(format!("no {secret:?} in what Debug shows"), shown));
            }
        }
        Ok(())
    }
}

/// An interface around another, as an application writes it to change one hook.
#[derive(Debug)]
struct Renamed(Arc<dyn SessionInterface>);

#[async_trait]
impl SessionInterface for Renamed {
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

    fn cookie_name(&self, _: &RequestView) -> Cow<'_, str> {
        Cow::Borrowed("renamed")
    }
}
