//! Rules of how a session ends.

use session_core::Session;

use super::InterfaceUnderTest;
use crate::rule::rules;

rules! {
    ($) pub(crate) const ENDING, macro __interface_ending, for InterfaceUnderTest;

    /// `destroy`, and a `clear` that leaves the session empty, remove the cookie, and the next
    /// request finds a new session.
    ///
    /// Return `CookieAction::Remove` from `save` if `Save::ends` and the session is empty.
    async fn an_ended_session_takes_its_cookie_along(under_test) {
        let interface = under_test.interface().await?;
        for (what, end) in [("destroy", Session::destroy as fn(&Session) -> _), ("clear", Session::clear)] {
            let mut visitor = under_test.browser("visitor", &interface);
            visitor.set(1).await?;
            visitor.given(what, end).await?;
            under_test.equal(0, visitor.jar().len())?;
            visitor.expect(None).await?;
        }
        Ok(())
    }

    /// Values that are set after `destroy`, in the same request, start a new session without the
    /// values of the old one.
    ///
    /// Check `Save::ends` before you check whether the session is empty. Start the new session as
    /// for a visitor without a cookie.
    async fn what_is_written_after_the_end_begins_a_new_session(under_test) {
        let mut visitor = under_test.browser("visitor", &under_test.interface().await?);
        let old = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let new = visitor
            .given("destroy, then insert m = 2", |session| {
                session.destroy()?;
                session.insert("m", 2)
            })
            .await?;
        if old.value == new.value {
            return Err(under_test.failure("a cookie with another value", "the same value"));
        }
        under_test.equal((Some(2), None), (visitor.get("m").await?, visitor.get::<u64>("n").await?))
    }
}
