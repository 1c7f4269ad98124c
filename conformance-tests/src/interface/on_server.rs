//! Rules of an interface that stores sessions on the server.

use std::collections::HashSet;
use std::time::Duration;

use session_core::{Outcome, Session, SessionConfig};

use super::InterfaceUnderTest;
use crate::rule::rules;

const HOUR: Duration = Duration::from_hours(1);
const SLACK: Duration = Duration::from_secs(61);

rules! {
    ($) pub(crate) const ON_SERVER, macro __interface_on_server, for InterfaceUnderTest;

    /// The cookie is an id that no client can guess: different for each session, at least 22
    /// characters long (128 bits), and without any stored data.
    ///
    /// Generate the id from random numbers of the operating system.
    async fn the_cookie_is_a_random_id(under_test) {
        let interface = under_test.interface().await?;
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let mut visitor = under_test.browser("visitor", &interface);
            let cookie = visitor.given("insert word", |session| session.insert("word", "xyzzy")).await?;
            if cookie.value.len() < 22 || cookie.value.contains("xyzzy") {
                return Err(under_test.failure("a random id of 22 characters or more", cookie.value));
            }
            // If all of it is random, each half is unique.
            let (first, last) = cookie.value.split_at(cookie.value.len() / 2);
            let is_new = seen.insert(first.to_owned()) & seen.insert(last.to_owned());
            under_test.equal(true, is_new)?;
        }
        Ok(())
    }

    /// After a logout, neither the cookie nor a copy of it opens anything, even if the response
    /// never reaches the client.
    ///
    /// Remove the stored data, not only the cookie (OWASP ASVS 5, 7.4), in every save whose
    /// `Save::ends` is true.
    async fn a_copied_cookie_opens_nothing_after_a_logout(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let request = visitor.request();
        let session = visitor.told("open", request.session().await)?;
        under_test.equal(Outcome::Stored, visitor.told("log_out", session.log_out().await)?)?;
        under_test.calls().note("visitor: log_out; the response is never sent");
        drop(request);
        let mut thief = under_test.browser("thief", &interface);
        thief.plant(&cookie.name, &cookie.value);
        thief.expect(None).await
    }

    /// A request that opened the session before a logout and saves after it does not revive the
    /// session.
    ///
    /// Write only to an existing session: by an update or by comparing versions, not by an upsert.
    async fn a_late_save_brings_nothing_back(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let mut late = under_test.browser("late", &interface);
        late.plant(&cookie.name, &cookie.value);
        let request = late.request();
        let session = request.session().await.map_err(|error| under_test.failure("no error", error.to_string()))?;
        visitor.log_out("", |_| Ok(())).await?;
        session.insert("m", 2).map_err(|error| under_test.failure("no error", error.to_string()))?;
        late.finish("insert m = 2, having opened before the logout", &request).await?;
        let mut thief = under_test.browser("thief", &interface);
        thief.plant(&cookie.name, &cookie.value);
        under_test.equal((None, None), (thief.get::<u64>("n").await?, thief.get::<u64>("m").await?))
    }

    /// The response of a request that saves after a logout sets no cookie, because the client may
    /// have a newer one.
    ///
    /// Return `Saved::dropped` if the session does not exist any more.
    async fn a_late_save_sets_no_cookie(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let mut late = under_test.browser("late", &interface);
        late.plant(&cookie.name, &cookie.value);
        let request = late.request();
        let session = request.session().await.map_err(|error| under_test.failure("no error", error.to_string()))?;
        visitor.log_out("", |_| Ok(())).await?;
        session.insert("m", 2).map_err(|error| under_test.failure("no error", error.to_string()))?;
        let set = late.finish("insert m = 2, having opened before the logout", &request).await?;
        under_test.equal(None, set)
    }

    /// If two concurrent requests change different keys of a session, both changes are stored.
    ///
    /// Apply the changes to the stored session with `Save::merge`. Do not write the session as it
    /// was opened.
    async fn two_requests_at_once_both_keep_their_keys(under_test) {
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

    /// If concurrent requests `update` one key, all updates are applied.
    ///
    /// Apply the changes to the stored session with `Save::merge`, which runs an update again on
    /// the newer value.
    async fn updates_at_once_all_count(under_test) {
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

    /// A request that saves after another has set the lifetime of the session stores the session
    /// for that lifetime.
    ///
    /// Use the lifetime of the merged contents that `Save::merge` returns, not that of
    /// `Save::contents`.
    async fn write_keeps_lifetime_that_another_request_set(under_test) {
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

    /// If a request removes the last value of a session without owner, the session ends: the cookie
    /// is removed, and a copy of it opens a new session.
    ///
    /// Remove the stored data and return `CookieAction::Remove` if the merged contents are empty;
    /// see `Contents::is_empty`.
    async fn session_left_empty_ends(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        visitor.visit("discard n", |session| session.discard("n").map(drop)).await?;
        under_test.equal(0, visitor.jar().len())?;
        visitor.plant(&cookie.name, &cookie.value);
        let mut is_new = None;
        visitor
            .visit("read whether the session is new", |session| {
                is_new = Some(session.is_new());
                Ok(())
            })
            .await?;
        under_test.equal(Some(true), is_new)
    }

    /// A request that removes the last value that it knows does not end the session if another
    /// request has inserted a value in the meantime.
    ///
    /// Decide by the contents that `Save::merge` returns, not by `Save::is_empty`.
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

    /// `rotate_id` moves the session to another id: the new cookie opens it, and the old cookie
    /// opens nothing.
    ///
    /// Check `Save::id_change`. Write under the new id first, then remove the old one.
    async fn a_rotated_session_moves_to_another_id(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let old = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let new = visitor.given("rotate_id", Session::rotate_id).await?;
        if old.value == new.value {
            return Err(under_test.failure("a cookie with another value", "the same value"));
        }
        visitor.expect(Some(1)).await?;
        let mut thief = under_test.browser("thief", &interface);
        thief.plant(&old.name, &old.value);
        thief.expect(None).await
    }

    /// A login always moves the session to another id, so that an id that was planted or seen
    /// before opens nothing (session fixation; OWASP ASVS 5, 7.2.4).
    ///
    /// Check `Save::id_change`, which is `IdChange::CutOff` at a login.
    async fn a_login_moves_the_session_to_another_id(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let old = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        visitor.log_in("", |_| Ok(()), "ada").await?;
        visitor.expect(Some(1)).await?;
        let mut attacker = under_test.browser("attacker", &interface);
        attacker.plant(&old.name, &old.value);
        attacker.expect(None).await
    }

    /// With an idle timeout, a session expires if no request uses it for that long. A session in
    /// use does not expire.
    ///
    /// Store a session for at most the idle timeout, and extend its expiry at each use.
    /// `SessionConfig::renewal` and `record_expiry` compute both.
    async fn an_idle_session_is_gone(under_test) {
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

    /// With an absolute timeout, a session expires that long after it was created, even if it is in
    /// use.
    ///
    /// Store the creation time with the session, and keep it in every save and rotation.
    async fn no_session_outlives_the_absolute_timeout(under_test) {
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
}
