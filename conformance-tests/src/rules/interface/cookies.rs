//! Rules of the cookie.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::interface::{Hooked, Hooks};
use session_core::request::RequestView;
use session_core::{SameSite, Session, SessionConfig, SessionInterface};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::times::HOUR;
use crate::macros::rules;

rules! {
    ($) pub(crate) const COOKIES, macro __interface_cookies, for InterfaceUnderTest;

    /// The cookie has the name and the attributes of the configuration.
    ///
    /// Return the given configuration from `config`, and do not override `cookie_name` or
    /// `cookie_attributes`.
    async fn cookie_has_configured_attributes(under_test) {
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

    /// The removal of the cookie has the name, path, domain and flags of the cookie, because
    /// browsers otherwise ignore the removal.
    ///
    /// `cookie_attributes` must return the same attributes for an empty session.
    async fn removal_has_attributes_of_cookie(under_test) {
        let builder = SessionConfig::builder().cookie_domain("shop.example").cookie_path("/a").cookie_partitioned(true);
        let mut visitor = under_test.browser("visitor", &under_test.configured(builder).await?);
        let set = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let removal = visitor.given("clear", Session::clear).await?;
        under_test.equal((set.name, set.attributes), (removal.name, removal.attributes))?;
        under_test.equal(0, visitor.jar().len())
    }

    /// The cookie of a session that is not permanent has no `Expires`, so that the session ends
    /// with the browser.
    ///
    /// Return `None` from `lifetime` for a session that is not permanent. The server stores this
    /// session for `browser_lifetime`.
    async fn cookie_of_browser_session_has_no_expiry(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        under_test.equal(None, cookie.expires)
    }

    /// The cookie of a permanent session expires with the session, or at most a minute later.
    ///
    /// Return `CookieAction::Set` with `Contents::expires_at`, or with a slightly later expiry.
    async fn cookie_expires_with_permanent_session(under_test) {
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
        // The expiry of a cookie is in whole seconds.
        let (least, most) = (promised - Duration::from_secs(1), promised + Duration::from_secs(61));
        if expires < least || most < expires {
            let seconds = |time: SystemTime| format!("{:?}", time.duration_since(promised).map_err(|early| early.duration()));
            return Err(under_test.failure("an Expires at the expiry of the session, or at most a minute later", seconds(expires)));
        }
        Ok(())
    }

    /// If a wrapper overrides `cookie_name`, the interface also opens the session from the cookie
    /// with the overridden name.
    ///
    /// Read `OpenContext::cookie`, never the cookie with the configured name.
    async fn overridden_cookie_name_applies(under_test) {
        let interface: Arc<dyn SessionInterface> = Arc::new(Hooked::new(under_test.interface().await?, Renamed));
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        under_test.equal("renamed".to_owned(), cookie.name)?;
        visitor.expect(Some(1)).await
    }

    /// The `Debug` output of the interface contains no cookie and no value of a session.
    ///
    /// If a field has ids, keys or sessions, implement `Debug` by hand and omit the field.
    async fn debug_shows_no_secret(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert word", |session| session.insert("word", "xyzzy-4711")).await?;
        let shown = format!("{interface:?} {interface:#?}");
        for secret in [cookie.value.as_str(), "xyzzy-4711"] {
            if shown.contains(secret) {
                return Err(under_test.failure(format!("no {secret:?} in the Debug output"), shown));
            }
        }
        Ok(())
    }
}

/// A hook that changes the name of the cookie.
#[derive(Debug)]
struct Renamed;

impl Hooks for Renamed {
    fn cookie_name<'a>(&'a self, _: &RequestView, _: Cow<'a, str>) -> Cow<'a, str> {
        Cow::Borrowed("renamed")
    }
}
