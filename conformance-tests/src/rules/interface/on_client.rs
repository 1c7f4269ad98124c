//! Rules of a session in the cookie.

use std::time::Duration;

use session_core::{ErrorKind, Outcome, Refresh, SessionConfig};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::times::HOUR;
use crate::macros::rules;

rules! {
    ($) pub(crate) const ON_CLIENT, macro __interface_on_client, for InterfaceUnderTest;

    /// Another instance of the interface with the same configuration opens the cookie.
    ///
    /// Store no state in the interface between `save` and `open`.
    async fn other_instance_opens_cookie(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let mut elsewhere = under_test.browser("the same, at another instance", &under_test.interface().await?);
        elsewhere.plant(&cookie.name, &cookie.value);
        elsewhere.expect(Some(1)).await
    }

    /// The cookie of one namespace opens nothing in another namespace, whether or not the two
    /// cookies have the same name.
    ///
    /// Derive the key from `SessionConfig::namespace`, or authenticate the namespace together with
    /// the session. Otherwise, a user's cookie opens a session for administrators.
    async fn cookie_of_other_namespace_opens_nothing(under_test) {
        let shop = under_test.configured(SessionConfig::builder().namespace("shop")).await?;
        let mut visitor = under_test.browser("visitor of the shop", &shop);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        for name in [cookie.name.as_str(), "admin"] {
            let settings = SessionConfig::builder().cookie_name(name).namespace("admin");
            let admin = under_test.configured(settings).await?;
            let mut other = under_test.browser("the same, in the namespace admin", &admin);
            other.plant(name, &cookie.value);
            other.expect(None).await?;
        }
        visitor.expect(Some(1)).await
    }

    /// With `Refresh::WhenAccessed`, a read of a permanent session sets no cookie until a tenth of
    /// the lifetime, at most a minute, has passed. A later read sets the cookie.
    ///
    /// Open the session with the renewal that `SessionConfig::cookie_renewal` returns. A cookie
    /// that a read sets may replace the changes of a concurrent request, or undo a logout.
    async fn read_sets_cookie_only_if_renewal_is_due(under_test) {
        let hour = Duration::from_hours(1);
        let builder = SessionConfig::builder().permanent_lifetime(hour).refresh(Refresh::WhenAccessed);
        let mut visitor = under_test.browser("visitor", &under_test.configured(builder).await?);
        visitor
            .given("insert n = 1, permanent", |session| {
                session.set_permanent(true)?;
                session.insert("n", 1)
            })
            .await?;
        for (seconds, due) in [(0, false), (30, false), (32, true), (1, false)] {
            under_test.pass(Duration::from_secs(seconds));
            let set = visitor.visit("read", |session| session.get::<u64>("n").map(|_| ())).await?;
            under_test.equal(due, set.is_some())?;
        }
        Ok(())
    }

    /// A logout reports `Outcome::BrowserOnly`, because a copy of the cookie still opens the
    /// session.
    ///
    /// Return `Saved::new(CookieAction::Remove, Outcome::BrowserOnly)`. With `Stored`, the
    /// application would assume that the session has ended.
    async fn logout_reports_that_copies_remain(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor.set(1).await?;
        let request = visitor.request();
        let session = visitor.told("open", request.session().await)?;
        let outcome = visitor.told("log_out", session.log_out().await)?;
        under_test.calls().note("visitor: log_out");
        under_test.equal(Outcome::BrowserOnly, outcome)
    }

    /// The commit of a session whose cookie would be too large fails with an error of kind
    /// `TooLarge`. The client's cookie stays unchanged.
    ///
    /// Return `CookieAction::Set` with the whole value, because the core checks the size. Do not
    /// truncate or split the value.
    async fn session_larger_than_cookie_is_refused(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        visitor.set(1).await?;
        let request = visitor.request();
        let session = request.session().await.map_err(|error| under_test.failure("no error", error.to_string()))?;
        let noise: String = (0..5000).map(|_| fastrand::alphanumeric()).collect();
        session.insert("noise", noise).map_err(|error| under_test.failure("no error", error.to_string()))?;
        under_test.calls().note("visitor: insert 5,000 random characters");
        let seen = request.commit().await.error.map(|error| error.kind());
        under_test.equal(Some(ErrorKind::TooLarge), seen)?;
        visitor.expect(Some(1)).await
    }

    /// The cookie of a session that ends with the browser opens nothing after `permanent_lifetime`.
    ///
    /// Check the age of every cookie in `open`. Call `Lifetime::unwrap_or` on the result of
    /// `OpenContext::lifetime`, with `SessionConfig::permanent_lifetime` as the argument.
    async fn cookie_without_expiry_expires(under_test) {
        let interface = under_test.configured(SessionConfig::builder().permanent_lifetime(5 * HOUR)).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        under_test.pass(5 * HOUR + Duration::from_secs(2));
        visitor.expect(None).await
    }
}
