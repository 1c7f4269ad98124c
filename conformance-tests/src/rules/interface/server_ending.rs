//! Rules of the end of a session on the server.

use session_core::Outcome;

use crate::harness::interface::InterfaceUnderTest;
use crate::macros::rules;

rules! {
    ($) pub(crate) const SERVER_ENDING, macro __interface_server_ending, for InterfaceUnderTest;

    /// After a logout, neither the cookie nor a copy of it opens anything, even if the response
    /// never reaches the client.
    ///
    /// In every save for which `Save::ends` returns `true`, remove the stored data, not only the
    /// cookie (OWASP ASVS 5, 7.4).
    async fn copied_cookie_opens_nothing_after_logout(under_test) {
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

    /// A request that opens the session before a logout and saves after the logout does not revive
    /// the session.
    ///
    /// Write only to an existing session. Use an update or compare versions, but do not use an
    /// upsert.
    async fn late_save_revives_nothing(under_test) {
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
    /// have a newer cookie.
    ///
    /// Return `Saved::dropped` if the session no longer exists.
    async fn late_save_sets_no_cookie(under_test) {
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

    /// If another request has ended the session, a login starts a new session. The new session has
    /// the changes of the request that logs in, and no values of the ended session.
    ///
    /// Store `save.merge("{}", None, Mark::default())` under a new id if `Save::login` returns a
    /// login. Otherwise, drop the changes.
    async fn login_of_ended_session_starts_new_session(under_test) {
        let interface = under_test.interface().await?;
        let mut visitor = under_test.browser("visitor", &interface);
        let cookie = visitor.given("insert n = 1", |session| session.insert("n", 1)).await?;
        let mut late = under_test.browser("late", &interface);
        late.plant(&cookie.name, &cookie.value);
        let request = late.request();
        let session = late.told("open", request.session().await)?;
        visitor.log_out("", |_| Ok(())).await?;
        late.told("insert m = 2", session.insert("m", 2))?;
        let what = "insert m = 2, log_in(ada), having opened before the logout";
        late.told(what, session.log_in("ada", None).await)?;
        late.finish(what, &request).await?;
        let mut seen = None;
        late.visit("read the owner, n and m", |session| {
            seen = Some((session.owner(), session.get::<u64>("n")?, session.get::<u64>("m")?));
            Ok(())
        })
        .await?;
        under_test.equal(Some((Some("ada".to_owned()), None, Some(2))), seen)
    }

    /// If a request removes the last value of a session without an owner, the session ends. The
    /// response removes the cookie, and a copy of the cookie opens a new session.
    ///
    /// If `Contents::is_empty` returns `true` for the merged contents, remove the stored data and
    /// return `CookieAction::Remove`.
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
}
