//! Rules of the id of a session on the server.

use std::collections::HashSet;

use session_core::Session;

use crate::harness::interface::InterfaceUnderTest;
use crate::macros::rules;

rules! {
    ($) pub(crate) const IDS, macro __interface_ids, for InterfaceUnderTest;

    /// The cookie is an id that no client can guess. The id differs for each session, has at least
    /// 22 characters (128 bits), and contains no stored data.
    ///
    /// Generate the id from random numbers of the operating system.
    async fn cookie_is_random_id(under_test) {
        let interface = under_test.interface().await?;
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let mut visitor = under_test.browser("visitor", &interface);
            let cookie = visitor.given("insert word", |session| session.insert("word", "xyzzy")).await?;
            if cookie.value.len() < 22 || cookie.value.contains("xyzzy") {
                return Err(under_test.failure("a random id of 22 characters or more", cookie.value));
            }
            // If the whole id is random, each half is unique.
            let (first, last) = cookie.value.split_at(cookie.value.len() / 2);
            let is_new = seen.insert(first.to_owned()) & seen.insert(last.to_owned());
            under_test.equal(true, is_new)?;
        }
        Ok(())
    }

    /// A cookie opens nothing if it differs from a valid cookie in the case of its letters, or if
    /// it is shorter or longer.
    ///
    /// Compare ids byte by byte, not in a column that ignores case, and not by prefix.
    async fn similar_id_opens_nothing(under_test) {
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

    /// `rotate_id` moves the session to another id. The new cookie opens the session, and the old
    /// cookie opens nothing.
    ///
    /// Check `Save::id_change`. Store the session under the new id first. Then remove the old id.
    async fn rotated_session_has_other_id(under_test) {
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

    /// If a request opens the session before `rotate_id` and saves afterwards, the change is stored
    /// under the new id. The response sets no cookie.
    ///
    /// Store the current id of the session under the old id. Return `CookieAction::Keep`, because
    /// the request that rotated the id sets the cookie.
    async fn change_during_rotation_is_stored(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let fill = |session: &Session| session.insert("n", 1).and_then(|()| session.insert("k", 1));
        let old = visitor.given("insert n = 1, k = 1", fill).await?;
        let mut late = under_test.browser("late", &interface);
        late.plant(&old.name, &old.value);
        let request = late.request();
        let session = late.told("open", request.session().await)?;
        visitor.given("rotate_id", Session::rotate_id).await?;
        late.told("insert m = 2", session.insert("m", 2))?;
        let set = late.finish("insert m = 2, having opened before the rotation", &request).await?;
        under_test.equal(None, set)?;
        under_test.equal((Some(1), Some(2)), (visitor.get("n").await?, visitor.get("m").await?))
    }

    /// A request with the id from before `rotate_id` sets no cookie, because the cookie of a new
    /// session would replace the new id. The changes of this request are dropped.
    ///
    /// Store the old id for ten seconds. When a request opens the old id, return `Opened::new` with
    /// a backend state that causes `save` to return `Saved::dropped`.
    async fn request_with_rotated_id_sets_no_cookie(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let fill = |session: &Session| session.insert("n", 1).and_then(|()| session.insert("k", 1));
        let old = visitor.given("insert n = 1, k = 1", fill).await?;
        visitor.given("rotate_id", Session::rotate_id).await?;
        let mut late = under_test.browser("late", &interface);
        late.plant(&old.name, &old.value);
        let set = late.visit("insert m = 2", |session| session.insert("m", 2)).await?;
        under_test.equal(None, set)?;
        under_test.equal((Some(1), None), (visitor.get("n").await?, visitor.get::<u64>("m").await?))
    }

    /// A login always moves the session to another id. An id that an attacker planted or read
    /// before the login opens nothing (session fixation; OWASP ASVS 5, 7.2.4).
    ///
    /// Check `Save::id_change`, which is `IdChange::CutOff` at a login.
    async fn login_gives_session_other_id(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let old = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        visitor.log_in("", |_| Ok(()), "ada").await?;
        visitor.expect(Some(1)).await?;
        let mut attacker = under_test.browser("attacker", &interface);
        attacker.plant(&old.name, &old.value);
        attacker.expect(None).await
    }

    /// If a request opens the session before a login and saves after the login, the changes of the
    /// request are dropped. An attacker may have the old id.
    ///
    /// Do not follow the old id to the new session if `Save::id_change` is `IdChange::CutOff`.
    async fn change_with_id_from_before_login_is_dropped(under_test) {
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
}
