//! The requests that renew a session, by setting, for permanent sessions and for others.

use session_core::{Refresh, SessionConfigBuilder};

use crate::support::{App, DAY, HOUR, read, write_permanent, write_user};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Request {
    Untouched,
    Reading,
    Marking,
    Writing,
}

use Refresh::{EachRequest, WhenAccessed, WhenModified};
use Request::{Marking, Reading, Untouched, Writing};

/// Whether a request renews the record, and whether it sets the cookie.
const PERMANENT: &[(Refresh, Request, bool, bool)] = &[
    (EachRequest, Untouched, true, true),
    (EachRequest, Reading, true, true),
    (EachRequest, Marking, true, true),
    (EachRequest, Writing, true, true),
    (WhenAccessed, Untouched, false, false),
    (WhenAccessed, Reading, true, true),
    (WhenAccessed, Marking, true, true),
    (WhenAccessed, Writing, true, true),
    (WhenModified, Untouched, false, false),
    (WhenModified, Reading, false, false),
    (WhenModified, Marking, true, true),
    (WhenModified, Writing, true, true),
];

#[tokio::test]
async fn permanent_session_is_renewed_as_configured() {
    for (refresh, request, renews, sets_cookie) in PERMANENT {
        let renewed = renewed(|config| config.refresh(*refresh), true, *request).await;
        assert_eq!(renewed, (*renews, *sets_cookie), "{refresh:?} {request:?}");
    }
}

#[tokio::test]
async fn browser_session_is_renewed_by_requests_that_obtain_it() {
    for refresh in [EachRequest, WhenAccessed, WhenModified] {
        for request in [Untouched, Reading, Marking, Writing] {
            let renewed = renewed(|config| config.refresh(refresh), false, request).await;
            // A write sets no cookie, because a cookie without an expiry is never out of date.
            let sets_cookie = request == Marking;
            assert_eq!(renewed, (request != Untouched, sets_cookie), "{refresh:?} {request:?}");
        }
    }
}

#[tokio::test]
async fn request_that_obtains_session_extends_idle_timeout() {
    for (refresh, sets_cookie) in [(EachRequest, true), (WhenAccessed, true), (WhenModified, false)]
    {
        for permanent in [false, true] {
            let configure =
                |config: SessionConfigBuilder| config.refresh(refresh).idle_timeout(HOUR * 2);
            let by_reading = renewed(configure, permanent, Reading).await;
            assert_eq!(
                by_reading,
                (true, sets_cookie && permanent),
                "{refresh:?} permanent: {permanent}"
            );
            let untouched = renewed(configure, permanent, Untouched).await;
            assert_eq!(untouched, (false, false), "{refresh:?} permanent: {permanent}");
        }
    }
}

/// Returns whether a request an hour later extends the expiry of the record, and whether it sets
/// the cookie with the same id.
async fn renewed(
    configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    permanent: bool,
    request: Request,
) -> (bool, bool) {
    let app = App::with(|config| configure(config.permanent_lifetime(DAY * 2)));
    let cookie = app.begin(if permanent { write_permanent } else { write_user }).await;
    let before = app.store.record(&cookie).unwrap();
    app.clock.advance(HOUR);
    let response = match request {
        Untouched => app.untouched(&cookie).await,
        Reading => app.request(&cookie, read).await,
        Marking => app.request(&cookie, |session| session.set_modified(true)).await,
        Writing => app.request(&cookie, |session| session.insert("n", 1)).await,
    };
    let after = app.store.record(&cookie).unwrap();
    assert!(response.cookie().is_none_or(|set| set == cookie));
    if let (true, Some(expires)) = (permanent, response.expires()) {
        assert_eq!(
            expires,
            after.expires_at().max(app.now() + DAY * 2),
            "as long as the record and the promise"
        );
    }
    (after.expires_at() == before.expires_at() + HOUR, response.header().is_some())
}
