//! Each row of the table of `RequestSession::commit`, for every refresh policy and for error
//! responses.

#![cfg(feature = "axum")]

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{FromRequestParts as _, Request};
use axum::routing::get;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use session_core::Refresh::{EachRequest, WhenAccessed, WhenModified};
use session_core::interface::{Opened, RenewOn, Renewal};
use session_core::{Refresh, Session, SessionConfigBuilder};
use session_tower::SessionLayer;

use crate::support::{
    Watched, cache_control, cookie, payload, reopen, send, set_cookies, settings, signed, vary,
};

const NOTHING: &str = "nothing";
const VARY: &str = "Vary";
const REMOVAL: &str = "removal, Vary";
const SET: &str = "Set-Cookie, Vary";

struct Row {
    name: &'static str,
    brings: Brings,
    /// The change that the interface makes to a session that it opened.
    opened: fn(Opened) -> Opened,
    /// `None` if the handler does not use the session.
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
    const fn new(
        name: &'static str,
        brings: Brings,
        handler: Option<fn(&Session)>,
        sent: [&'static str; 3],
    ) -> Self {
        Self { name, brings, opened: as_stored, handler, sent }
    }

    const fn opened(self, opened: fn(Opened) -> Opened) -> Self {
        Self { opened, ..self }
    }
}

fn as_stored(opened: Opened) -> Opened {
    opened
}

/// The interface has replaced the stored session and wants it saved.
fn replaced(payload: &str) -> Opened {
    let due = Renewal { at: SystemTime::UNIX_EPOCH, on: RenewOn::AnyRequest, cookie: true };
    Opened::from_payload(payload).unwrap().with_renewal(due)
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
        Row::new(
            "3 empty, modified: cleared without a cookie",
            NoCookie,
            Some(clear),
            [REMOVAL; 3],
        ),
        Row::new("3 empty, modified: cleared", Plain, Some(clear), [REMOVAL; 3]),
        Row::new("3 empty, modified: permanent, cleared", Permanent, Some(clear), [REMOVAL; 3]),
        Row::new("3 empty, modified: emptied key by key", Plain, Some(remove_all), [REMOVAL; 3]),
        Row::new(
            "1 untouched, empty: renewed after the interface emptied it",
            Plain,
            None,
            [NOTHING; 3],
        )
        .opened(|_| replaced("{}")),
        Row::new("4 untouched", Plain, None, [NOTHING; 3]),
        Row::new("4 and 6 untouched, permanent", Permanent, None, [SET, NOTHING, NOTHING]),
        Row::new("5 accessed", Plain, Some(nothing), [VARY; 3]),
        Row::new(
            "5 accessed, and said to be unmodified",
            Plain,
            Some(write_and_say_unmodified),
            [VARY; 3],
        ),
        Row::new("5 and 6 accessed, permanent", Permanent, Some(nothing), [SET, SET, VARY]),
        Row::new("7 modified: written without a cookie", NoCookie, Some(write), [SET; 3]),
        Row::new("7 modified: written after a forged cookie", Forged, Some(write), [SET; 3]),
        Row::new("7 modified: written", Plain, Some(write), [SET; 3]),
        Row::new("7 modified: permanent, written", Permanent, Some(write), [SET; 3]),
        Row::new("7 modified: made permanent", Plain, Some(make_permanent), [SET; 3]),
        Row::new("7 modified: said to be", Plain, Some(say_modified), [SET; 3]),
        Row::new("7 modified: permanent, and said to be", Permanent, Some(say_modified), [SET; 3]),
        Row::new(
            "6 renewed: untouched, written by the interface",
            Plain,
            None,
            [SET, NOTHING, NOTHING],
        )
        .opened(|_| replaced(r#"{"user":"ada","seen":1}"#)),
    ]
};

/// Returns an application whose handler changes its session and responds with this status.
fn app(sessions: Watched, handler: Option<fn(&Session)>, status: StatusCode) -> Router {
    let handler = move |request: Request| async move {
        if let Some(act) = handler {
            let mut parts = request.into_parts().0;
            act(&session_tower::Session::from_request_parts(&mut parts, &()).await.unwrap());
        }
        status
    };
    Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions))
}

async fn cookie_of(brings: Brings) -> String {
    let sessions = signed(settings());
    match brings {
        Brings::NoCookie => String::new(),
        Brings::Forged => {
            "session=eyJ1c2VyIjoiYWRhIn0.ZVPxAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned()
        }
        Brings::Plain => cookie(&sessions, plain).await,
        Brings::Permanent => cookie(&sessions, permanent).await,
    }
}

/// Returns the settings an hour after the cookies were set, so that a renewal is due.
fn later() -> SessionConfigBuilder {
    let clock = crate::support::clock();
    clock.advance(Duration::from_secs(3600));
    settings().clock(clock)
}

fn sent<B>(response: &http::Response<B>) -> &'static str {
    match (&set_cookies(response)[..], &vary(response)[..], &cache_control(response)[..]) {
        ([], [], []) => NOTHING,
        ([], ["Cookie"], ["private, no-cache"]) => VARY,
        ([cookie], ["Cookie"], ["no-store"]) if cookie.starts_with("session=;") => REMOVAL,
        ([cookie], ["Cookie"], ["no-store"]) if cookie.starts_with("session=") => SET,
        _ => "what no row allows",
    }
}

#[tokio::test]
async fn cookie_table_holds_for_every_refresh_policy_and_status() {
    for row in ROWS {
        let cookie = cookie_of(row.brings).await;
        for (refresh, expected) in
            [EachRequest, WhenAccessed, WhenModified].into_iter().zip(row.sent)
        {
            for status in [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::INTERNAL_SERVER_ERROR]
            {
                let sessions = Watched::new(signed(later().refresh(refresh))).on_open(row.opened);
                let response = send(&app(sessions, row.handler, status), &cookie).await;
                assert_eq!(sent(&response), expected, "row {}, {refresh:?}, {status}", row.name);
                assert_eq!(response.status(), status, "row {}, {refresh:?}", row.name);
            }
        }
    }
}

#[tokio::test]
async fn public_response_does_not_renew_unused_session() {
    for (cache_control, expected) in [("public, max-age=60", NOTHING), ("max-age=60", SET)] {
        let sessions = Watched::new(signed(later().refresh(EachRequest)));
        let handler = move || async move { [(CACHE_CONTROL, cache_control)] };
        let app: Router =
            Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions.clone()));
        let mut response = send(&app, &cookie_of(Brings::Permanent).await).await;
        if expected == NOTHING {
            let own = response.headers_mut().remove(CACHE_CONTROL);
            assert_eq!(own.unwrap(), cache_control);
        }
        assert_eq!(sent(&response), expected, "{cache_control}");
        assert_eq!(sessions.saves(), usize::from(expected == SET), "{cache_control}");
    }
}

#[tokio::test]
async fn read_before_renewal_is_due_sets_no_cookie() {
    let cookie = cookie_of(Brings::Permanent).await;
    for (refresh, expected) in [(EachRequest, SET), (WhenAccessed, VARY), (WhenModified, VARY)] {
        let sessions = Watched::new(signed(settings().refresh(refresh)));
        let response = send(&app(sessions, Some(nothing), StatusCode::OK), &cookie).await;
        assert_eq!(sent(&response), expected, "{refresh:?}");
    }
}

#[tokio::test]
async fn unused_session_is_opened_only_to_renew_it() {
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
        send(&app(sessions.clone(), None, StatusCode::OK), &cookie_of(brings).await).await;
        assert_eq!(sessions.opens(), opens, "{refresh:?}, {brings:?}");
    }
}

#[tokio::test]
async fn renewal_sends_same_session_with_later_expiry() {
    let clock = crate::support::clock();
    let sessions = signed(settings().clock(clock.clone()).refresh(EachRequest));
    let cookie = cookie(&sessions, permanent).await;
    clock.advance(Duration::from_secs(3600));
    let response = send(&app(Watched::new(sessions.clone()), None, StatusCode::OK), &cookie).await;
    let set_cookies = set_cookies(&response);
    assert!(set_cookies[0].contains("; Expires=Fri, 15 Dec 2023 23:13:20 GMT;"), "{set_cookies:?}");
    assert_ne!(crate::support::pair(set_cookies[0]), cookie);
    assert_eq!(
        payload(&reopen(&sessions, set_cookies[0]).await),
        r#"{"user":"ada","_permanent":true}"#
    );
}

#[tokio::test]
async fn renewal_stores_changes_marked_unmodified_as_in_flask() {
    for (refresh, expected) in [(EachRequest, SET), (WhenAccessed, SET), (WhenModified, VARY)] {
        let sessions = signed(later().refresh(refresh));
        let app =
            app(Watched::new(sessions.clone()), Some(write_and_say_unmodified), StatusCode::OK);
        let response = send(&app, &cookie_of(Brings::Permanent).await).await;
        assert_eq!(sent(&response), expected, "{refresh:?}");
        for set_cookie in set_cookies(&response) {
            assert!(reopen(&sessions, set_cookie).await.contains_key("seen"), "{refresh:?}");
        }
    }
}

#[tokio::test]
async fn response_without_route_renews_session() {
    let sessions = signed(settings().refresh(EachRequest));
    let app: Router = Router::new().layer(SessionLayer::new(sessions));
    let response = send(&app, &cookie_of(Brings::Permanent).await).await;
    assert_eq!((response.status(), sent(&response)), (StatusCode::NOT_FOUND, SET));
}
