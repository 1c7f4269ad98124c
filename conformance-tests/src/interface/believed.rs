//! Rules of an interface that stores the session in the cookie: the cookies that it accepts.

use std::time::Duration;

use session_core::{Session, SessionConfig};

use super::InterfaceUnderTest;
use crate::rule::rules;

const HOURS: Duration = Duration::from_hours(5);

rules! {
    ($) pub(crate) const BELIEVED, macro __interface_believed, for InterfaceUnderTest;

    /// A cookie composed of the start of one valid cookie and the end of another opens nothing.
    ///
    /// Sign the whole value at once. Parts with separate signatures can be exchanged, as can the
    /// parts of a session in several cookies.
    async fn parts_of_two_cookies_make_no_third(under_test) {
        let interface = under_test.interface().await?;
        let mut values = Vec::new();
        for (user, role) in [("ada", "admin"), ("eve", "guest")] {
            let mut visitor = under_test.browser(user, &interface);
            let fill = |session: &Session| {
                session.insert("user", user)?;
                session.insert("role", role)
            };
            values.push(visitor.given(&format!("insert user = {user} and role = {role}"), fill).await?.value);
        }
        let (first, second) = (&values[0], &values[1]);
        for place in 1..first.len().min(second.len()) {
            for joined in [[&first[..place], &second[place..]].concat(), [&second[..place], &first[place..]].concat()] {
                if joined == *first || joined == *second {
                    continue;
                }
                let mut forger = under_test.browser("forger", &interface);
                forger.plant("session", &joined);
                under_test.equal(None, forger.get::<String>("role").await?)?;
            }
        }
        Ok(())
    }

    /// The cookie of a session that ends with the browser opens nothing after `permanent_lifetime`.
    ///
    /// Check the age of every cookie in `open`. If `OpenContext::lifetime` returns `None`, use
    /// `SessionConfig::permanent_lifetime`.
    async fn a_cookie_without_an_end_is_not_believed_for_ever(under_test) {
        let interface = under_test.configured(SessionConfig::builder().permanent_lifetime(HOURS)).await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        under_test.pass(HOURS + Duration::from_secs(2));
        visitor.expect(None).await
    }
}
