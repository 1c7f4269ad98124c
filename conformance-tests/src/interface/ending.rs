//! Rules of how a session ends.

use session_core::Session;

use super::InterfaceUnderTest;
use crate::rule::rules;

rules! {
    ($) pub(crate) const ENDING, macro __interface_ending, for InterfaceUnderTest;

    /// `destroy`, and `clear` that leaves the session empty, take the cookie out of the browser, and the next visit finds a new session.
    ///
    /// Return `CookieAction::Remove` from `save` for a session that `ends` and is empty.
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

    /// What is written after `destroy`, in the same request, begins a new session, in which nothing of the old one is.
    ///
    /// Ask `Session::ends` before you look whether the session is empty, and begin the new one as for a visitor without a cookie.
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
            return Err(under_test.failure("a cookie of another value", "the same"));
        }
        under_test.equal((Some(2), None), (visitor.get("m").await?, visitor.get::<u64>("n").await?))
    }
}
