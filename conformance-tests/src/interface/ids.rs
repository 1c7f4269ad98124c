//! Rules of ids: the sessions that they open, and their lifetimes.

use std::time::Duration;

use session_core::SessionConfig;

use super::InterfaceUnderTest;
use crate::rule::rules;

const HOURS: Duration = Duration::from_hours(5);
const SLACK: Duration = Duration::from_secs(61);

rules! {
    ($) pub(crate) const IDS, macro __interface_ids, for InterfaceUnderTest;

    /// A cookie that differs from a valid one in the case of its letters, or that is shorter or
    /// longer, opens nothing.
    ///
    /// Compare ids byte by byte, not in a column that ignores case, and not by prefix.
    async fn an_id_that_is_only_like_another_opens_nothing(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let value = cookie.value.as_str();
        let shorter = &value[..value.len() - 1];
        let alike = [value.to_ascii_uppercase(), value.to_ascii_lowercase(), shorter.to_owned(), format!("{value}A")];
        for alike in alike.iter().chain([&format!("{value}="), &format!("A{value}"), &format!("{value}{value}")]) {
            // An id of digits has no case.
            if alike == value {
                continue;
            }
            let mut thief = under_test.browser("thief", &interface);
            thief.plant(&cookie.name, alike);
            thief.expect(None).await?;
        }
        Ok(())
    }

    /// Changes of a request that opened the session before a login and saves after it are dropped,
    /// because the old id may be known to an attacker.
    ///
    /// Do not follow the old id to the new session if `Save::id_change` is `IdChange::CutOff`.
    async fn what_comes_with_the_id_of_before_a_login_is_dropped(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let old = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let mut attacker = under_test.browser("attacker", &interface);
        attacker.plant(&old.name, &old.value);
        let request = attacker.request();
        let session = request.session().await.map_err(|error| under_test.failure("no error", error.to_string()))?;
        visitor.log_in("", |_| Ok(()), "user-42").await?;
        session.insert("m", 2).map_err(|error| under_test.failure("no error", error.to_string()))?;
        attacker.finish("insert m = 2, having opened before the login", &request).await?;
        under_test.equal((Some(1), None), (visitor.get("n").await?, visitor.get::<u64>("m").await?))
    }

    /// A session that ends with the browser is stored for exactly `browser_lifetime`.
    ///
    /// Use `SessionConfig::browser_lifetime` as the expiry of stored data if `Contents::lifetime`
    /// is `None`. The cookie has no expiry.
    async fn a_browser_session_is_kept_for_the_browser_lifetime(under_test) {
        let interface = under_test.configured(SessionConfig::builder().browser_lifetime(HOURS)).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        under_test.pass(HOURS);
        visitor.plant(&cookie.name, &cookie.value);
        // Opened and never committed, so that it is not renewed.
        let there = visitor.request().session().await.map(|session| session.contains_key("n"));
        under_test.calls().note("visitor: read");
        under_test.equal(Ok(true), there.map_err(|error| error.kind()))?;
        under_test.pass(SLACK);
        visitor.expect(None).await
    }
}
