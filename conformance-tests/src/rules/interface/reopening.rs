//! Rules of a session that is opened again after the response.

use session_core::ErrorKind;

use crate::harness::interface::InterfaceUnderTest;
use crate::macros::rules;

rules! {
    ($) pub(crate) const REOPENING, macro __interface_reopening, for InterfaceUnderTest;

    /// A session that is opened again after the response has the stored values. `save` stores each
    /// change of this session, and the next request finds the change.
    ///
    /// Do not refuse a save only because `Save::is_detached` returns `true`. Refuse only a save
    /// that needs a new cookie.
    async fn change_of_reopened_session_is_stored(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        let session = visitor.opened_before_response().await?;
        for n in 1..4 {
            let reopened = visitor.told("reopen", session.reopen().await)?;
            under_test.equal(Ok(Some(n)), reopened.get::<u64>("n").map_err(|error| error.kind()))?;
            visitor.told("insert, after the response", reopened.insert("n", n + 1))?;
            visitor.told("save, after the response", reopened.save().await)?;
            under_test.calls().note(format!("visitor: insert n = {} and save, after the response", n + 1));
        }
        visitor.expect(Some(4)).await
    }

    /// A logout ends a session that was opened again after the response.
    ///
    /// Check `Save::ends` before `Save::is_detached`.
    async fn logout_of_reopened_session_ends_it(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        let session = visitor.opened_before_response().await?;
        let reopened = visitor.told("reopen", session.reopen().await)?;
        visitor.told("log_out, after the response", reopened.log_out().await)?;
        under_test.calls().note("visitor: log_out, after the response");
        visitor.expect(None).await
    }
}

rules! {
    ($) pub(crate) const REOPENING_ON_CLIENT, macro __interface_reopening_on_client, for InterfaceUnderTest;

    /// A session in a cookie can be read if it is opened again after the response. A save of a
    /// change fails with an error of kind `Committed`.
    ///
    /// If `Save::is_detached` returns `true`, return `Saved::unchanged` for a save that is not
    /// modified. For any other save, return an error of kind `Committed`.
    async fn reopened_cookie_can_only_be_read(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        let session = visitor.opened_before_response().await?;
        let reopened = visitor.told("reopen", session.reopen().await)?;
        under_test.equal(Ok(Some(1)), reopened.get::<u64>("n").map_err(|error| error.kind()))?;
        visitor.told("save without a change, after the response", reopened.save().await)?;
        visitor.told("insert n = 2, after the response", reopened.insert("n", 2))?;
        under_test.calls().note("visitor: insert n = 2 and save, after the response");
        let seen = reopened.save().await.map_err(|error| error.kind());
        under_test.equal(Err(ErrorKind::Committed), seen)?;
        visitor.expect(Some(1)).await
    }
}
