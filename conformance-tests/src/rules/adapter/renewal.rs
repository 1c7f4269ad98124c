//! Rules of renewals.

use std::time::Duration;

use session_core::Refresh;

use crate::harness::adapter::AdapterUnderTest;
use crate::macros::rules;

rules! {
    ($) pub(crate) const RENEWAL, macro __adapter_renewal, for AdapterUnderTest;

    /// A request that reads a permanent session renews the session. After half of the lifetime, the
    /// response sets the cookie again.
    ///
    /// Commit every session that was opened, and append the cookie of the commit, whether or not
    /// the handler changed the session.
    async fn read_renews_permanent_session(adapter) {
        let application = adapter.start().await?;
        let cookie = application.permanent_cookie("blue").await?;
        application.pass(HALF);
        let reply = application.get("/read", &[&cookie]).await;
        application.equal(1, reply.session_cookies().len())
    }

    /// With `Refresh::EachRequest`, a request whose handler does not obtain the session also renews
    /// a permanent session.
    ///
    /// Call `RequestSession::finish_if_unchanged`. If it returns `None`, commit the session,
    /// whether or not a handler obtained the session.
    async fn each_request_renews_if_configured(adapter) {
        let application = adapter.start_with(|settings| settings.refresh(Refresh::EachRequest)).await?;
        let cookie = application.permanent_cookie("blue").await?;
        application.pass(HALF);
        let reply = application.get("/untouched", &[&cookie]).await;
        application.equal((200, 1), (reply.status(), reply.session_cookies().len()))
    }

    /// With `Refresh::EachRequest`, a request whose handler does not obtain the session and
    /// responds with an error or a redirect also renews a permanent session.
    ///
    /// Commit the session for every status of the response.
    async fn each_request_renews_whatever_its_status(adapter) {
        let application = adapter.start_with(|settings| settings.refresh(Refresh::EachRequest)).await?;
        for status in [303, 403, 404, 500] {
            let cookie = application.permanent_cookie("blue").await?;
            application.pass(HALF);
            let reply = application.get(&format!("/untouched/{status}"), &[&cookie]).await;
            application.equal((status, 1), (reply.status(), reply.session_cookies().len()))?;
        }
        Ok(())
    }

    /// With `Refresh::EachRequest`, a request does not renew the session if its handler does not
    /// obtain the session and its response is public. Caches cannot store a response that sets the
    /// cookie.
    ///
    /// Call `RequestSession::note_cache_control` with the values of all `Cache-Control` headers of
    /// the response before `finish_if_unchanged`.
    async fn public_response_without_session_renews_nothing(adapter) {
        let application = adapter.start_with(|settings| settings.refresh(Refresh::EachRequest)).await?;
        let cookie = application.permanent_cookie("blue").await?;
        application.pass(HALF);
        let expected = [("public", vec!["public, max-age=60"]), ("public-last", vec!["max-age=60", "public"])];
        for (headers, values) in expected {
            let reply = application.get(&format!("/untouched/200/{headers}"), &[&cookie]).await;
            application.equal((200, "untouched".to_owned()), (reply.status(), reply.text()))?;
            let seen = (reply.session_cookies().len(), reply.response.all("cache-control"));
            application.equal((0, values.into_iter().map(str::to_owned).collect()), seen)?;
        }
        Ok(())
    }
}

/// Half of the lifetime of a permanent session.
const HALF: Duration = Duration::from_hours(15 * 24);
