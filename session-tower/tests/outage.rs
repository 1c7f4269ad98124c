//! A backend that is down: when a session is opened, when it is saved, and when nobody asked for it.

#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{AppendHeaders, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{SET_COOKIE, VARY};
use session_core::{ErrorKind, Refresh};
use session_tower::{OnOutage, Session, SessionLayer, request_session};
use support::{Watched, answer, cookie, header_names, reopen, set_cookies, settings, signed, text, vary};

const ALWAYS: usize = usize::MAX;

fn sessions() -> Watched {
    Watched::new(signed(settings()))
}

/// An application whose handler counts its visitors in the session, and its own runs beside it.
fn counting(sessions: &Watched, on_outage: OnOutage) -> (Router, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let handler = move |session: Session| async move {
        counter.fetch_add(1, Ordering::SeqCst);
        session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1)).unwrap();
        let visits = session.get::<u64>("visits").unwrap().unwrap();
        (AppendHeaders([(SET_COOKIE, "theme=dark")]), format!("{visits} {}", session.is_anonymous()))
    };
    let layer = SessionLayer::new(sessions.clone()).on_outage(on_outage);
    (Router::new().route("/", get(handler)).layer(layer), runs)
}

#[tokio::test]
async fn a_refused_request_gets_503_and_reaches_no_handler() {
    let sessions = sessions().failing_opens(ALWAYS);
    let (app, runs) = counting(&sessions, OnOutage::Refuse);
    let response = answer(&app, "session=x").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(set_cookies(&response).is_empty());
    assert_eq!((runs.load(Ordering::SeqCst), sessions.saves()), (0, 0));
    let body = text(response).await;
    assert!(body.contains("unavailable") && !body.contains("10.0.0.7"), "{body}");
}

#[tokio::test]
async fn an_anonymous_request_reaches_its_handler_and_saves_nothing() {
    let sessions = sessions().failing_opens(ALWAYS);
    let (app, runs) = counting(&sessions, OnOutage::Anonymous);
    let response = answer(&app, "session=x").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(set_cookies(&response), ["theme=dark"]);
    assert_eq!(vary(&response), ["Cookie"]);
    assert_eq!((runs.load(Ordering::SeqCst), sessions.saves()), (1, 0));
    assert_eq!(text(response).await, "1 true");
}

#[tokio::test]
async fn a_failed_save_replaces_the_response_whatever_was_chosen_for_outages() {
    for on_outage in [OnOutage::Refuse, OnOutage::Anonymous] {
        for (kind, status) in [
            (ErrorKind::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
            (ErrorKind::Backend, StatusCode::INTERNAL_SERVER_ERROR),
        ] {
            let sessions = sessions().failing_save(kind);
            let (app, runs) = counting(&sessions, on_outage);
            let response = answer(&app, "").await;
            assert_eq!(response.status(), status, "{on_outage:?} {kind:?}");
            assert!(header_names(&response).is_empty(), "{:?}", response.headers());
            assert_eq!((runs.load(Ordering::SeqCst), sessions.saves()), (1, 1), "{on_outage:?} {kind:?}");
            assert_eq!(text(response).await, "", "{on_outage:?} {kind:?}");
        }
    }
}

#[tokio::test]
async fn a_request_that_only_reads_does_not_notice_that_saving_fails() {
    let sessions = sessions().failing_save(ErrorKind::Unavailable);
    let handler = |session: Session| async move { session.len().to_string() };
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions.clone()));
    let response = answer(&app, "").await;
    assert_eq!((response.status(), sessions.saves()), (StatusCode::OK, 0));
    assert_eq!(text(response).await, "0");
}

/// An application that leaves the session alone.
fn indifferent(sessions: &Watched) -> Router {
    let handler = || async { (StatusCode::IM_A_TEAPOT, AppendHeaders([(VARY, "Accept")]), "short and stout") };
    Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions.clone()))
}

#[tokio::test]
async fn a_request_that_never_asks_for_its_session_does_not_notice_the_outage() {
    let rows = [
        (Refresh::WhenAccessed, 0),
        (Refresh::WhenModified, 0),
        // Renewal was asked for, fails, and is not worth an error.
        (Refresh::EachRequest, 1),
    ];
    for (refresh, opens) in rows {
        let sessions = Watched::new(signed(settings().refresh(refresh))).failing_opens(ALWAYS);
        let response = answer(&indifferent(&sessions), "session=x").await;
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT, "{refresh:?}");
        assert_eq!(vary(&response), ["Accept"], "{refresh:?}");
        assert!(set_cookies(&response).is_empty(), "{refresh:?}");
        assert_eq!((sessions.opens(), sessions.saves()), (opens, 0), "{refresh:?}");
        assert_eq!(text(response).await, "short and stout", "{refresh:?}");
    }
}

/// Asks for the session before the handler does, and tells in a header what came of it.
async fn look_first(request: Request, next: Next) -> Response {
    let session = request_session::<()>(request.extensions()).unwrap().session().await;
    let seen = match session {
        Ok(session) => format!("anonymous: {}", session.is_anonymous()),
        Err(error) => format!("{:?}", error.kind()),
    };
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-seen", seen.parse().unwrap());
    response
}

fn with_middleware(handler: Router, sessions: &Watched, on_outage: OnOutage) -> Router {
    handler.layer(from_fn(look_first)).layer(SessionLayer::new(sessions.clone()).on_outage(on_outage))
}

#[tokio::test]
async fn other_middleware_sees_the_error_and_decides_itself() {
    let sessions = Watched::new(signed(settings().refresh(Refresh::EachRequest))).failing_opens(ALWAYS);
    let app = with_middleware(Router::new().route("/", get(|| async { "served" })), &sessions, OnOutage::Refuse);
    let response = answer(&app, "session=x").await;
    assert_eq!((response.status(), &response.headers()["x-seen"]), (StatusCode::OK, &"Unavailable".parse().unwrap()));
    assert!(set_cookies(&response).is_empty());
    assert_eq!(sessions.opens(), 1, "the commit does not ask a failed backend again");
    assert_eq!(text(response).await, "served");
}

fn remember_user() -> Router {
    let handler = |session: Session| async move {
        session.insert("seen", true).unwrap();
        session.get::<String>("user").unwrap().unwrap_or_default()
    };
    Router::new().route("/", get(handler))
}

#[tokio::test]
async fn a_backend_that_recovers_within_a_request_serves_whoever_asks_next() {
    let cookies = signed(settings());
    let sessions = Watched::new(cookies.clone()).failing_opens(1);
    let app = with_middleware(remember_user(), &sessions, OnOutage::Refuse);
    let ada = cookie(&cookies, |session| session.insert("user", "ada").unwrap()).await;
    let response = answer(&app, &ada).await;
    assert_eq!(response.headers()["x-seen"], "Unavailable");
    assert_eq!((sessions.opens(), sessions.saves()), (2, 1));
    assert_eq!(reopen(&cookies, set_cookies(&response)[0]).await.payload(), r#"{"user":"ada","seen":true}"#);
    assert_eq!(text(response).await, "ada");
}

#[tokio::test]
async fn an_anonymous_session_stays_anonymous_for_its_whole_request() {
    let cookies = signed(settings());
    let sessions = Watched::new(cookies.clone()).failing_opens(1);
    let app = with_middleware(remember_user(), &sessions, OnOutage::Anonymous);
    let ada = cookie(&cookies, |session| session.insert("user", "ada").unwrap()).await;
    let response = answer(&app, &ada).await;
    assert_eq!(response.headers()["x-seen"], "anonymous: true");
    assert!(set_cookies(&response).is_empty());
    assert_eq!((sessions.opens(), sessions.saves()), (1, 0));
    assert_eq!(text(response).await, "");
}
