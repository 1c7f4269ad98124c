//! A backend that is down: when a session is opened, saved or not used.

#![cfg(feature = "axum")]

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
use session_memory::{MemorySessions, MemoryStore};
use session_tower::{Error, OutagePolicy, Session, SessionLayer, request_session};

use crate::support::{
    Watched, cache_control, cookie, header_names, pair, payload, reopen, send, set_cookies,
    settings, signed, text, vary,
};

const ALWAYS: usize = usize::MAX;

fn sessions() -> Watched {
    Watched::new(signed(settings()))
}

/// Returns an application whose handler counts visits in the session, and the number of its runs.
fn counting(sessions: &Watched, on_outage: OutagePolicy) -> (Router, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let handler = move |session: Session| async move {
        counter.fetch_add(1, Ordering::SeqCst);
        session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1)).unwrap();
        let visits = session.get::<u64>("visits").unwrap().unwrap();
        (
            AppendHeaders([(SET_COOKIE, "theme=dark")]),
            format!("{visits} {}", session.is_anonymous()),
        )
    };
    let layer = SessionLayer::new(sessions.clone()).on_outage(on_outage);
    (Router::new().route("/", get(handler)).layer(layer), runs)
}

#[tokio::test]
async fn refused_request_gets_503_before_handler() {
    let sessions = sessions().failing_opens(ALWAYS);
    let (app, runs) = counting(&sessions, OutagePolicy::Refuse);
    let response = send(&app, "session=x").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(set_cookies(&response).is_empty());
    assert_eq!((runs.load(Ordering::SeqCst), sessions.saves()), (0, 0));
    let body = text(response).await;
    assert!(body.contains("unavailable") && !body.contains("10.0.0.7"), "{body}");
}

#[tokio::test]
async fn anonymous_session_reaches_handler_and_saves_nothing() {
    let sessions = sessions().failing_opens(ALWAYS);
    let (app, runs) = counting(&sessions, OutagePolicy::Anonymous);
    let response = send(&app, "session=x").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(set_cookies(&response), ["theme=dark"]);
    assert_eq!(vary(&response), ["Cookie"]);
    assert_eq!((runs.load(Ordering::SeqCst), sessions.saves()), (1, 0));
    assert_eq!(text(response).await, "1 true");
}

#[tokio::test]
async fn failed_save_replaces_response_for_every_outage_policy() {
    for on_outage in [OutagePolicy::Refuse, OutagePolicy::Anonymous] {
        for (kind, status) in [
            (ErrorKind::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
            (ErrorKind::Backend, StatusCode::INTERNAL_SERVER_ERROR),
        ] {
            let sessions = sessions().failing_save(kind);
            let (app, runs) = counting(&sessions, on_outage);
            let response = send(&app, "").await;
            assert_eq!(response.status(), status, "{on_outage:?} {kind:?}");
            let names = match kind {
                ErrorKind::Unavailable => vec!["retry-after", "vary", "cache-control"],
                _ => vec!["vary", "cache-control"],
            };
            assert_eq!((header_names(&response), vary(&response)), (names, vec!["Cookie"]));
            assert_eq!(
                (runs.load(Ordering::SeqCst), sessions.saves()),
                (1, 1),
                "{on_outage:?} {kind:?}"
            );
            assert_eq!(text(response).await, "", "{on_outage:?} {kind:?}");
        }
    }
}

#[tokio::test]
async fn read_only_request_succeeds_if_saves_fail() {
    let sessions = sessions().failing_save(ErrorKind::Unavailable);
    let handler = |session: Session| async move { session.keys().len().to_string() };
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions.clone()));
    let response = send(&app, "").await;
    assert_eq!((response.status(), sessions.saves()), (StatusCode::OK, 0));
    assert_eq!(text(response).await, "0");
}

/// Returns an application that does not use the session.
fn indifferent(sessions: &Watched) -> Router {
    let handler = || async {
        (StatusCode::IM_A_TEAPOT, AppendHeaders([(VARY, "Accept")]), "short and stout")
    };
    Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions.clone()))
}

#[tokio::test]
async fn unused_session_is_unaffected_by_outage() {
    let rows = [
        (Refresh::WhenAccessed, 0),
        (Refresh::WhenModified, 0),
        // The renewal fails, which does not affect the response.
        (Refresh::EachRequest, 1),
    ];
    for (refresh, opens) in rows {
        let sessions = Watched::new(signed(settings().refresh(refresh))).failing_opens(ALWAYS);
        let response = send(&indifferent(&sessions), "session=x").await;
        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT, "{refresh:?}");
        assert_eq!(vary(&response), ["Accept"], "{refresh:?}");
        assert!(set_cookies(&response).is_empty(), "{refresh:?}");
        assert_eq!((sessions.opens(), sessions.saves()), (opens, 0), "{refresh:?}");
        assert_eq!(text(response).await, "short and stout", "{refresh:?}");
    }
}

/// Opens the session before the handler does, and reports the result in a header.
async fn look_first(request: Request, next: Next) -> Response {
    let session = request_session(request.extensions()).unwrap().session().await;
    let seen = match session {
        Ok(session) => format!("anonymous: {}", session.is_anonymous()),
        Err(error) => format!("{:?}", error.kind()),
    };
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-seen", seen.parse().unwrap());
    response
}

fn with_middleware(handler: Router, sessions: &Watched, on_outage: OutagePolicy) -> Router {
    handler
        .layer(from_fn(look_first))
        .layer(SessionLayer::new(sessions.clone()).on_outage(on_outage))
}

#[tokio::test]
async fn middleware_receives_open_error_and_may_continue() {
    let sessions =
        Watched::new(signed(settings().refresh(Refresh::EachRequest))).failing_opens(ALWAYS);
    let app = with_middleware(
        Router::new().route("/", get(|| async { "served" })),
        &sessions,
        OutagePolicy::Refuse,
    );
    let response = send(&app, "session=x").await;
    assert_eq!(
        (response.status(), &response.headers()["x-seen"]),
        (StatusCode::OK, &"Unavailable".parse().unwrap())
    );
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
async fn session_opens_after_backend_recovers_within_request() {
    let cookies = signed(settings());
    let sessions = Watched::new(cookies.clone()).failing_opens(1);
    let app = with_middleware(remember_user(), &sessions, OutagePolicy::Refuse);
    let ada = cookie(&cookies, |session| session.insert("user", "ada").unwrap()).await;
    let response = send(&app, &ada).await;
    assert_eq!(response.headers()["x-seen"], "Unavailable");
    assert_eq!((sessions.opens(), sessions.saves()), (2, 1));
    assert_eq!(
        payload(&reopen(&cookies, set_cookies(&response)[0]).await),
        r#"{"user":"ada","seen":true}"#
    );
    assert_eq!(text(response).await, "ada");
}

#[tokio::test]
async fn anonymous_session_stays_anonymous_for_whole_request() {
    let cookies = signed(settings());
    let sessions = Watched::new(cookies.clone()).failing_opens(1);
    let app = with_middleware(remember_user(), &sessions, OutagePolicy::Anonymous);
    let ada = cookie(&cookies, |session| session.insert("user", "ada").unwrap()).await;
    let response = send(&app, &ada).await;
    assert_eq!(response.headers()["x-seen"], "anonymous: true");
    assert!(set_cookies(&response).is_empty());
    assert_eq!((sessions.opens(), sessions.saves()), (1, 0));
    assert_eq!(text(response).await, "");
}

#[tokio::test]
async fn failed_commit_sends_cookie_of_earlier_save() {
    let memory = Arc::new(MemorySessions::new(MemoryStore::new(), settings().build().unwrap()));
    let handler = |session: Session| async move {
        session.rotate_id()?;
        session.save().await?;
        session.insert("lost", true)?;
        Ok::<_, Error>((AppendHeaders([(VARY, "Accept"), (SET_COOKIE, "theme=dark")]), "rotated"))
    };
    let failing = Watched::new(Arc::clone(&memory)).failing_save_after(1, ErrorKind::Unavailable);
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(failing.clone()));
    let old = cookie(&memory, |session| session.insert("user", "ada").unwrap()).await;
    let response = send(&app, &old).await;
    assert_eq!((response.status(), failing.saves()), (StatusCode::SERVICE_UNAVAILABLE, 2));
    assert_eq!((vary(&response), cache_control(&response)), (vec!["Cookie"], vec!["no-store"]));
    let sent = set_cookies(&response);
    assert!(sent.len() == 1 && pair(sent[0]) != old, "{sent:?}");
    assert_eq!(payload(&reopen(&memory, sent[0]).await), r#"{"user":"ada"}"#);
    assert_eq!(payload(&reopen(&memory, &old).await), "{}");
    assert_eq!(text(response).await, "");
}
