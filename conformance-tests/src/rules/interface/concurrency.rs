//! Rules of concurrent requests.

use session_core::Session;

use crate::harness::interface::InterfaceUnderTest;
use crate::harness::interface::times::{HOUR, SLACK};
use crate::macros::rules;

rules! {
    ($) pub(crate) const CONCURRENCY, macro __interface_concurrency, for InterfaceUnderTest;

    /// If two concurrent requests change different keys of a session, both changes are stored.
    ///
    /// Apply the changes to the stored session with `Save::merge`. Do not overwrite the stored
    /// session with the session that the request opened.
    async fn concurrent_requests_store_their_keys(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        let (one, other) = (visitor.request(), visitor.request());
        for (request, key) in [(&one, "a"), (&other, "b")] {
            let session = request.session().await.map_err(|error| under_test.failure("no error", error.to_string()))?;
            session.insert(key, 1).map_err(|error| under_test.failure("no error", error.to_string()))?;
        }
        visitor.finish("insert a = 1", &one).await?;
        visitor.finish("insert b = 1, having opened before that", &other).await?;
        let seen = (visitor.get("n").await?, visitor.get("a").await?, visitor.get("b").await?);
        under_test.equal((Some(1), Some(1), Some(1)), seen)
    }

    /// If concurrent requests call `update` for one key, all updates are applied.
    ///
    /// Apply the changes to the stored session with `Save::merge`, which runs an update again on
    /// the newer value.
    async fn concurrent_updates_are_all_applied(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(0).await?;
        let requests: Vec<_> = (0..8).map(|_| visitor.request()).collect();
        for request in &requests {
            let session = request.session().await.map_err(|error| under_test.failure("no error", error.to_string()))?;
            let count = session.update("n", |n: Option<u64>| n.map(|n| n + 1));
            count.map_err(|error| under_test.failure("no error", error.to_string()))?;
        }
        for request in &requests {
            visitor.finish("update n to n + 1, all having opened at n = 0", request).await?;
        }
        visitor.expect(Some(8)).await
    }

    /// If another request has set the lifetime of the session in the meantime, a save stores the
    /// session for this lifetime.
    ///
    /// Use the lifetime of the merged contents that `Save::merge` returns, not the lifetime of
    /// `Save::contents`.
    async fn write_keeps_lifetime_of_other_request(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        let late = visitor.request();
        let session = late.session().await.map_err(|error| under_test.failure("no error", error.to_string()))?;
        let cookie = visitor.given("set a lifetime of an hour", |session| session.set_lifetime(HOUR)).await?;
        session.insert("m", 2).map_err(|error| under_test.failure("no error", error.to_string()))?;
        visitor.finish("insert m = 2, having opened before that", &late).await?;
        visitor.plant(&cookie.name, &cookie.value);
        under_test.equal(Some(2), visitor.get("m").await?)?;
        under_test.pass(HOUR + SLACK);
        visitor.plant(&cookie.name, &cookie.value);
        visitor.expect(None).await
    }

    /// If a request removes the last value while another request inserts a value, the session does
    /// not end.
    ///
    /// Check the contents that `Save::merge` returns, not `Save::is_empty`.
    async fn concurrent_insert_keeps_emptied_session(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        let late = visitor.request();
        let session = late.session().await.map_err(|error| under_test.failure("no error", error.to_string()))?;
        visitor.visit("insert m = 2", |session| session.insert("m", 2)).await?;
        session.discard("n").map_err(|error| under_test.failure("no error", error.to_string()))?;
        visitor.finish("discard n, having opened before that", &late).await?;
        let seen = (visitor.get::<u64>("n").await?, visitor.get::<u64>("m").await?);
        under_test.equal((None, Some(2)), seen)
    }

    /// If two requests rotate the id of one session, the session keeps the id that the first
    /// request set. The session has the changes of both requests. The second response sets no
    /// cookie.
    ///
    /// If `Save::id_change` returns `Rotate` and the session already has another id, store the
    /// changes under the current id. Return `CookieAction::Keep`.
    async fn second_rotation_keeps_id_of_first(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        let (one, other) = (visitor.request(), visitor.request());
        for (request, key) in [(&one, "x"), (&other, "y")] {
            let session = visitor.told("open", request.session().await)?;
            visitor.told("insert", session.insert(key, 1))?;
            visitor.told("rotate_id", session.rotate_id())?;
        }
        visitor.finish("insert x = 1, rotate_id", &one).await?;
        let set = visitor.finish("insert y = 1, rotate_id, having opened before that", &other).await?;
        under_test.equal(None, set)?;
        let seen = (visitor.get("n").await?, visitor.get("x").await?, visitor.get("y").await?);
        under_test.equal((Some(1), Some(1), Some(1)), seen)
    }

    /// If a request opened the session before `rotate_id`, a logout in this request also ends the
    /// session under the new id.
    ///
    /// In a save for which `Save::ends` returns `true`, follow the old id to the current id. Remove
    /// the session under the current id.
    async fn logout_during_rotation_ends_session(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        visitor.set(1).await?;
        let late = visitor.request();
        let session = visitor.told("open", late.session().await)?;
        let new = visitor.given("rotate_id", Session::rotate_id).await?;
        visitor.told("log_out", session.log_out().await)?;
        under_test.calls().note("visitor: log_out, having opened before the rotation");
        let mut thief = under_test.browser("thief", &interface);
        thief.plant(&new.name, &new.value);
        thief.expect(None).await
    }
}
