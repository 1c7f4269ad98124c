//! Rules of the timeouts of a session on the server.

use std::time::Duration;

use session_core::{Session, SessionConfig};

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::times::{HOUR, SLACK};
use crate::macros::rules;

rules! {
    ($) pub(crate) const TIMEOUTS, macro __interface_timeouts, for InterfaceUnderTest;

    /// With an idle timeout, a session expires if no request uses it for this duration. A session
    /// in use does not expire.
    ///
    /// Store a session for at most the idle timeout, and extend its expiry at each use.
    /// `SessionConfig::record_expiry` computes the expiry, and `SessionConfig::renewal` computes
    /// the renewal.
    async fn idle_session_expires(under_test) {
        let builder = SessionConfig::builder().idle_timeout(HOUR);
        let interface = under_test.configured(builder).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        for _ in 0..3 {
            under_test.pass(HOUR * 5 / 6);
            visitor.expect(Some(1)).await?;
        }
        under_test.pass(HOUR + SLACK);
        visitor.expect(None).await
    }

    /// With an absolute timeout, a session expires when this duration has passed since its
    /// creation, even if the session is in use.
    ///
    /// Store the creation time with the session, and do not change this time in a save or a
    /// rotation.
    async fn session_expires_at_absolute_timeout(under_test) {
        let builder = SessionConfig::builder().absolute_timeout(3 * HOUR);
        let interface = under_test.configured(builder).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        under_test.pass(HOUR);
        visitor.set(2).await?;
        under_test.pass(HOUR);
        visitor.visit("rotate_id", Session::rotate_id).await?;
        under_test.pass(HOUR);
        visitor.expect(Some(2)).await?;
        under_test.pass(Duration::from_secs(1));
        visitor.expect(None).await
    }

    /// The absolute timeout starts again with a login.
    ///
    /// Store the current time as the creation time if `Save::login` returns a login.
    async fn login_restarts_absolute_timeout(under_test) {
        let builder = SessionConfig::builder().absolute_timeout(3 * HOUR);
        let interface = under_test.configured(builder).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        under_test.pass(2 * HOUR);
        visitor.log_in("", |_| Ok(()), "ada").await?;
        under_test.pass(2 * HOUR);
        visitor.expect(Some(1)).await
    }

    /// The idle timeout and the absolute timeout apply to the sessions of visitors and of logged-in
    /// users.
    ///
    /// Compute the expiry with the same function in each save, including the save of a login.
    async fn timeouts_apply_after_login(under_test) {
        let builder = SessionConfig::builder().idle_timeout(HOUR).absolute_timeout(3 * HOUR);
        let interface = under_test.configured(builder).await?;
        for used in [false, true] {
            let mut user = under_test.browser("user", &interface);
            user.log_in("insert n = 1, ", |session| session.insert("n", 1), "ada").await?;
            for _ in 0..if used { 3 } else { 0 } {
                under_test.pass(HOUR * 5 / 6);
                user.expect(Some(1)).await?;
            }
            let (rest, over) = if used { (HOUR / 2, Duration::from_secs(1)) } else { (HOUR, SLACK) };
            under_test.pass(rest + over);
            user.expect(None).await?;
        }
        Ok(())
    }

    /// A session that ends with the browser is stored for exactly `browser_lifetime`.
    ///
    /// Call `Lifetime::unwrap_or` on the result of `Contents::lifetime`, with
    /// `SessionConfig::browser_lifetime` as the argument. The cookie has no expiry.
    async fn browser_session_is_stored_for_browser_lifetime(under_test) {
        let interface = under_test.configured(SessionConfig::builder().browser_lifetime(5 * HOUR)).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        under_test.pass(5 * HOUR);
        visitor.plant(&cookie.name, &cookie.value);
        // The session is opened and never committed. Therefore it is not renewed.
        let there = visitor.request().session().await.map(|session| session.contains_key("n"));
        under_test.calls().note("visitor: read");
        under_test.equal(Ok(true), there.map_err(|error| error.kind()))?;
        under_test.pass(SLACK);
        visitor.expect(None).await
    }
}
