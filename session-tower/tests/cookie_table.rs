//! When the cookie is set: the table of the design row by row, for each rule of renewal and for error responses too.

#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts as _, Request};
use axum::routing::get;
use http::StatusCode;
use session_core::Refresh::{EachRequest, WhenAccessed, WhenModified};
use session_core::{Refresh, Session};
use session_tower::SessionLayer;
use support::{Watched, answer, cache_control, cookie, reopen, set_cookies, settings, signed, vary};

const NOTHING: &str = "nothing";
const VARY: &str = "Vary";
const REMOVAL: &str = "removal, Vary";
const SET: &str = "Set-Cookie, Vary";

struct Row {
    name: &'static str,
    brings: Brings,
    /// What the interface changed when it opened the session.
    opened: fn(&Session),
    /// `None` if the handler leaves the session alone.
    handler: Option<fn(&Session)>,
    /// With `EachRequest`, `WhenAccessed` and `WhenModified`.
    sent: [&'static str; 3],
}

#[derive(Clone, Copy, Debug)]
enum Brings {
    NoCookie,
    Forged,
    Plain,
    Permanent,
}

impl Row {
    const fn new(name: &'static str, brings: Brings, handler: Option<fn(&Session)>, sent: [&'static str; 3]) -> Self {
        Self { name, brings, opened: nothing, handler, sent }
    }

    const fn opened(self, opened: fn(&Session)) -> Self {
        Self { opened, ..self }
    }
}

fn nothing(_: &Session) {}

fn write(session: &Session) {
    session.insert("seen", 1).unwrap();
}

fn clear(session: &Session) {
    session.clear().unwrap();
}

fn remove_all(session: &Session) {
    for key in session.keys() {
        session.discard(&key).unwrap();
    }
}

fn say_modified(session: &Session) {
    session.set_modified(true).unwrap();
}

fn write_and_say_unmodified(session: &Session) {
    write(session);
    session.set_modified(false).unwrap();
}

fn make_permanent(session: &Session) {
    session.set_permanent(true).unwrap();
}

fn plain(session: &Session) {
    session.insert("user", "ada").unwrap();
}

fn permanent(session: &Session) {
    plain(session);
    session.set_permanent(true).unwrap();
}

const ROWS: [Row; 22] = {
    use Brings::{Forged, NoCookie, Permanent, Plain};
    [
        Row::new("1 untouched, empty: no cookie", NoCookie, None, [NOTHING; 3]),
        Row::new("1 untouched, empty: a forged cookie", Forged, None, [NOTHING; 3]),
        Row::new("2 accessed, empty: no cookie", NoCookie, Some(nothing), [VARY; 3]),
        Row::new("2 accessed, empty: a forged cookie", Forged, Some(nothing), [VARY; 3]),
        Row::new("3 empty, modified: cleared without a cookie", NoCookie, Some(clear), [REMOVAL; 3]),
        Row::new("3 empty, modified: cleared", Plain, Some(clear), [REMOVAL; 3]),
        Row::new("3 empty, modified: permanent, cleared", Permanent, Some(clear), [REMOVAL; 3]),
        Row::new("3 empty, modified: emptied key by key", Plain, Some(remove_all), [REMOVAL; 3]),
        Row::new("3 empty, modified: untouched, cleared when opened", Plain, None, [REMOVAL, NOTHING, NOTHING])
            .opened(clear),
        Row::new("4 untouched", Plain, None, [NOTHING; 3]),
        Row::new("4 and 6 untouched, permanent", Permanent, None, [SET, NOTHING, NOTHING]),
        Row::new("5 accessed", Plain, Some(nothing), [VARY; 3]),
        Row::new("5 accessed, and said to be unmodified", Plain, Some(write_and_say_unmodified), [VARY; 3]),
        Row::new("5 and 6 accessed, permanent", Permanent, Some(nothing), [SET, SET, VARY]),
        Row::new("7 modified: written without a cookie", NoCookie, Some(write), [SET; 3]),
        Row::new("7 modified: written after a forged cookie", Forged, Some(write), [SET; 3]),
        Row::new("7 modified: written", Plain, Some(write), [SET; 3]),
        Row::new("7 modified: permanent, written", Permanent, Some(write), [SET; 3]),
        Row::new("7 modified: made permanent", Plain, Some(make_permanent), [SET; 3]),
        Row::new("7 modified: said to be", Plain, Some(say_modified), [SET; 3]),
        Row::new("7 modified: permanent, and said to be", Permanent, Some(say_modified), [SET; 3]),
        Row::new("7 modified: untouched, written when opened", Plain, None, [SET, NOTHING, NOTHING]).opened(write),
    ]
};

/// An application whose handler does this to its session, and answers with this status.
fn app(sessions: Watched, handler: Option<fn(&Session)>, status: StatusCode) -> Router {
    let handler = move |request: Request| async move {
        if let Some(act) = handler {
            let mut parts = request.into_parts().0;
            act(&session_tower::Session::<()>::from_request_parts(&mut parts, &()).await.unwrap());
        }
        status
    };
    Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions))
}

async fn cookie_of(brings: Brings) -> String {
    let sessions = signed(settings());
    match brings {
        Brings::NoCookie => String::new(),
        Brings::Forged => "session=eyJ1c2VyIjoiYWRhIn0.ZVPxAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        Brings::Plain => cookie(&sessions, plain).await,
        Brings::Permanent => cookie(&sessions, permanent).await,
    }
}

fn sent<B>(response: &http::Response<B>) -> &'static str {
    match (&set_cookies(response)[..], &vary(response)[..], &cache_control(response)[..]) {
        ([], [], []) => NOTHING,
        ([], ["Cookie"], []) => VARY,
        ([cookie], ["Cookie"], ["no-store"]) if cookie.starts_with("session=;") => REMOVAL,
        ([cookie], ["Cookie"], ["no-store"]) if cookie.starts_with("session=") => SET,
        _ => "what no row allows",
    }
}

#[tokio::test]
async fn every_row_of_the_table_holds_for_every_rule_of_renewal_and_every_status() {
    for row in ROWS {
        let cookie = cookie_of(row.brings).await;
        for (refresh, expected) in [EachRequest, WhenAccessed, WhenModified].into_iter().zip(row.sent) {
            for status in [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::INTERNAL_SERVER_ERROR] {
                let sessions = Watched::new(signed(settings().refresh(refresh))).on_open(row.opened);
                let response = answer(&app(sessions, row.handler, status), &cookie).await;
                assert_eq!(sent(&response), expected, "row {}, {refresh:?}, {status}", row.name);
                assert_eq!(response.status(), status, "row {}, {refresh:?}", row.name);
            }
        }
    }
}

#[tokio::test]
async fn an_untouched_request_opens_its_session_only_to_renew_it() {
    let rows: [(Refresh, Brings, usize); 6] = [
        (EachRequest, Brings::NoCookie, 0),
        (EachRequest, Brings::Plain, 1),
        (EachRequest, Brings::Permanent, 1),
        (WhenAccessed, Brings::Plain, 0),
        (WhenAccessed, Brings::Permanent, 0),
        (WhenModified, Brings::Permanent, 0),
    ];
    for (refresh, brings, opens) in rows {
        let sessions = Watched::new(signed(settings().refresh(refresh)));
        answer(&app(sessions.clone(), None, StatusCode::OK), &cookie_of(brings).await).await;
        assert_eq!(sessions.opens(), opens, "{refresh:?}, {brings:?}");
    }
}

#[tokio::test]
async fn a_renewal_sends_the_same_session_with_a_later_expiry() {
    let clock = support::clock();
    let sessions = signed(settings().clock(clock.clone()).refresh(EachRequest));
    let cookie = cookie(&sessions, permanent).await;
    clock.advance(Duration::from_hours(1));
    let response = answer(&app(Watched::new(sessions.clone()), None, StatusCode::OK), &cookie).await;
    let set_cookies = set_cookies(&response);
    assert!(set_cookies[0].contains("; Expires=Fri, 15 Dec 2023 23:13:20 GMT;"), "{set_cookies:?}");
    assert_ne!(support::pair(set_cookies[0]), cookie);
    assert_eq!(reopen(&sessions, set_cookies[0]).await.payload(), r#"{"user":"ada","_permanent":true}"#);
}

#[tokio::test]
async fn a_renewal_carries_even_a_change_that_was_said_to_be_none_as_in_flask() {
    for (refresh, expected) in [(EachRequest, SET), (WhenAccessed, SET), (WhenModified, VARY)] {
        let sessions = signed(settings().refresh(refresh));
        let app = app(Watched::new(sessions.clone()), Some(write_and_say_unmodified), StatusCode::OK);
        let response = answer(&app, &cookie_of(Brings::Permanent).await).await;
        assert_eq!(sent(&response), expected, "{refresh:?}");
        for set_cookie in set_cookies(&response) {
            assert!(reopen(&sessions, set_cookie).await.contains_key("seen"), "{refresh:?}");
        }
    }
}

#[tokio::test]
async fn a_path_without_a_route_is_a_response_like_any_other() {
    let sessions = signed(settings().refresh(EachRequest));
    let app: Router = Router::new().layer(SessionLayer::new(sessions));
    let response = answer(&app, &cookie_of(Brings::Permanent).await).await;
    assert_eq!((response.status(), sent(&response)), (StatusCode::NOT_FOUND, SET));
}
