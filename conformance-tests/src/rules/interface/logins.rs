//! Rules of logins.

use std::time::Duration;

use session_core::login::check_stamp;
use session_core::{Session, SessionInterface as _};

use crate::harness::interface::InterfaceUnderTest;
use crate::macros::rules;

rules! {
    ($) pub(crate) const LOGINS, macro __interface_logins, for InterfaceUnderTest;

    /// The next request finds the login with its owner, its time and its stamp, even after a change
    /// of values.
    ///
    /// Store `Contents::login`, and pass it to `Opened::with_login` in `open`. A backend that
    /// stores only a payload uses `Contents::payload_with_login`.
    async fn next_request_has_login(under_test) {
        let interface = under_test.interface().await?;
        let time = interface.config().now();
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.log_in("insert n = 1, ", |session| session.insert("n", 1), "user-42").await?;
        under_test.pass(Duration::from_secs(10));
        visitor.set(2).await?;
        let mut seen = None;
        visitor
            .visit("read the login", |session| {
                seen = Some((session.owner(), session.authenticated_at(), check_stamp(session, "stamp")));
                Ok(())
            })
            .await?;
        let (owner, at, has_stamp) = seen.unwrap_or_default();
        under_test.equal((Some("user-42".to_owned()), true), (owner, has_stamp))?;
        // The time is stored to the millisecond.
        let apart = at.and_then(|at| time.duration_since(at).ok());
        under_test.equal(true, apart.is_some_and(|apart| apart <= Duration::from_millis(1)))?;
        visitor.expect(Some(2)).await
    }

    /// If another user logs in, the values of the first user are dropped. If the same user logs in
    /// again, the values stay.
    ///
    /// Store the contents that `Save::merge` or `Save::contents` returns.
    async fn login_of_other_user_drops_values(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        for (user, n) in [("ada", Some(1)), ("ada", Some(1)), ("eve", None)] {
            visitor.log_in("", |_| Ok(()), user).await?;
            visitor.expect(n).await?;
        }
        Ok(())
    }

    /// A permanent session of a visitor stays permanent after a login.
    ///
    /// Store all contents that `Save::merge` returns, and set the expiry of the cookie.
    async fn login_keeps_session_permanent(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.visit("set_permanent", |session| session.insert("n", 1).and_then(|()| session.set_permanent(true))).await?;
        visitor.log_in("", |_| Ok(()), "ada").await?;
        let mut is_permanent = false;
        visitor
            .visit("read is_permanent", |session| {
                is_permanent = session.is_permanent();
                Ok(())
            })
            .await?;
        under_test.equal(true, is_permanent)?;
        visitor.expect(Some(1)).await
    }

    /// A user stays logged in after a `clear` of the session.
    ///
    /// Store an empty session that has a login, unless `Save::ends` returns `true`.
    async fn clear_keeps_login(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.log_in("insert n = 1, ", |session| session.insert("n", 1), "ada").await?;
        visitor.visit("clear", Session::clear).await?;
        let mut owner = None;
        visitor
            .visit("read the owner", |session| {
                owner = session.owner();
                Ok(())
            })
            .await?;
        under_test.equal(Some("ada".to_owned()), owner)?;
        visitor.expect(None).await
    }
}
