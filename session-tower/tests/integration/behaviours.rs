//! A missing layer, a handler that does not finish, and several layers around one handler.

#![cfg(feature = "axum")]

use std::future::{Future as _, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use http::StatusCode;
use session_cookie::SignedCookieSessions;
use session_tower::{
    MarkedSession, Session, SessionLayer, request_session, request_session_marked,
};
use tower::ServiceExt as _;

use crate::support::{
    Watched, cookie, payload, reopen, request, send, set_cookies, settings, signed, text, vary,
};

struct Admin;
struct Third;

fn named(name: &str) -> SignedCookieSessions {
    signed(settings().cookie_name(name))
}

/// Returns an application with one route under one layer.
fn app(sessions: &Watched, handler: MethodRouter) -> Router {
    Router::new().route("/", handler).layer(SessionLayer::new(sessions.clone()))
}

#[tokio::test]
async fn extractor_without_layer_returns_500_and_option_none() {
    let demanding = Router::new().route("/", get(|_: Session| async { "never" }));
    let response = send(&demanding, "").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(text(response).await, "The session failed.\n");

    let lenient = |session: Option<Session>| async move { session.is_some().to_string() };
    let bare = Router::new().route("/", get(lenient));
    assert_eq!(text(send(&bare, "").await).await, "false");
    let layered = app(&Watched::new(named("session")), get(lenient));
    assert_eq!(text(send(&layered, "").await).await, "true");
}

#[tokio::test]
async fn layer_with_other_marker_is_not_found() {
    let handler = |one: Option<Session>, other: Option<MarkedSession<Admin>>| async move {
        format!("{} {}", one.is_some(), other.is_some())
    };
    let plain = app(&Watched::new(named("session")), get(handler));
    assert_eq!(text(send(&plain, "").await).await, "true false");
    let marked = Router::new()
        .route("/", get(handler))
        .layer(SessionLayer::<Admin>::marked(named("session")));
    assert_eq!(text(send(&marked, "").await).await, "false true");
}

async fn write_and_panic(session: Session) -> StatusCode {
    let visits = session.get::<u64>("visits").unwrap().unwrap_or(0);
    session.insert("visits", visits + 1).unwrap();
    panic!("the handler panics on purpose");
}

#[tokio::test]
async fn panic_unwinds_through_layer_and_saves_nothing() {
    let sessions = Watched::new(named("session"));
    let app = app(&sessions, get(write_and_panic));
    let unwound = tokio::spawn(async move { send(&app, "").await }).await.unwrap_err();
    assert_eq!(unwound.into_panic().downcast_ref(), Some(&"the handler panics on purpose"));
    assert_eq!((sessions.opens(), sessions.saves()), (1, 0));
}

/// Turns a panic into a response, by running the handler in a task.
async fn catch_panic(request: Request, next: Next) -> Response {
    let response = tokio::spawn(next.run(request)).await;
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

#[tokio::test]
async fn panic_caught_inside_layer_saves_session() {
    let cookies = named("session");
    let sessions = Watched::new(cookies.clone());
    let app = app(&sessions, get(write_and_panic).layer(from_fn(catch_panic)));
    let response = send(&app, "").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(sessions.saves(), 1);
    assert_eq!(payload(&reopen(&cookies, set_cookies(&response)[0]).await), r#"{"visits":1}"#);
}

#[tokio::test]
async fn disconnected_client_saves_nothing() {
    let written = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&written);
    let sessions = Watched::new(named("session"));
    let handler = move |session: Session| async move {
        session.insert("user", "ada").unwrap();
        flag.store(true, Ordering::SeqCst);
        pending::<()>().await;
    };
    let app = app(&sessions, get(handler));
    {
        let mut response = pin!(app.oneshot(request([])));
        let polled = poll_fn(|context| Poll::Ready(response.as_mut().poll(context))).await;
        assert!(polled.is_pending() && written.load(Ordering::SeqCst));
    }
    assert_eq!((sessions.opens(), sessions.saves()), (1, 0));
}

#[tokio::test]
async fn layers_with_same_cookie_and_marker_share_session() {
    let (outer, inner) = (Watched::new(named("session")), Watched::new(named("session")));
    let handler = |session: Session| async move { session.insert("user", "ada").unwrap() };
    let app = Router::new()
        .route("/", get(handler))
        .layer(SessionLayer::new(inner.clone()))
        .layer(SessionLayer::new(outer.clone()));
    let response = send(&app, "").await;
    assert_eq!((set_cookies(&response).len(), vary(&response)), (1, vec!["Cookie"]));
    assert_eq!((outer.opens(), outer.saves()), (1, 1));
    assert_eq!((inner.opens(), inner.saves()), (0, 0));
}

#[tokio::test]
async fn layers_with_same_cookie_and_other_marker_share_session() {
    let cookies = named("session");
    let (outer, inner) = (Watched::new(cookies.clone()), Watched::new(cookies.clone()));
    let handler = |session: Session, admin: MarkedSession<Admin>| async move {
        session.insert("user", "ada").unwrap();
        admin.insert("admin", true).unwrap();
        payload(&session)
    };
    let app = Router::new()
        .route("/", get(handler))
        .layer(SessionLayer::<Admin>::marked(inner.clone()))
        .layer(SessionLayer::new(outer.clone()));
    let response = send(&app, "").await;
    let set_cookies = set_cookies(&response);
    assert_eq!(set_cookies.len(), 1, "{set_cookies:?}");
    assert_eq!(payload(&reopen(&cookies, set_cookies[0]).await), r#"{"user":"ada","admin":true}"#);
    assert_eq!((outer.opens(), outer.saves(), inner.opens(), inner.saves()), (1, 1, 0, 0));
    assert_eq!(text(response).await, r#"{"user":"ada","admin":true}"#);
}

/// Returns an application with a session for customers and, inside it, one for administrators.
fn two_sessions(shop: &Watched, admin: &Watched, handler: MethodRouter) -> Router {
    Router::new()
        .route("/", handler)
        .layer(SessionLayer::<Admin>::marked(admin.clone()))
        .layer(SessionLayer::new(shop.clone()))
}

#[tokio::test]
async fn layers_with_different_cookies_set_both() {
    let (shop, admin) = (Watched::new(named("shop")), Watched::new(named("admin")));
    let handler = |session: Session, admin: MarkedSession<Admin>| async move {
        session.insert("user", "ada").unwrap();
        admin.insert("role", "root").unwrap();
    };
    let response = send(&two_sessions(&shop, &admin, get(handler)), "").await;
    let set_cookies = set_cookies(&response);
    assert_eq!(set_cookies.len(), 2, "{set_cookies:?}");
    assert_eq!(payload(&reopen(&named("admin"), set_cookies[0]).await), r#"{"role":"root"}"#);
    assert_eq!(payload(&reopen(&named("shop"), set_cookies[1]).await), r#"{"user":"ada"}"#);
    assert_eq!(vary(&response), ["Cookie"]);
    assert_eq!((shop.saves(), admin.saves()), (1, 1));
}

#[tokio::test]
async fn sessions_of_two_layers_are_independent() {
    let both = format!(
        "{}; {}",
        cookie(&named("shop"), |session| session.insert("user", "ada").unwrap()).await,
        cookie(&named("admin"), |session| session.insert("role", "root").unwrap()).await
    );
    let (shop, admin) = (Watched::new(named("shop")), Watched::new(named("admin")));

    let log_out = |admin: MarkedSession<Admin>| async move { admin.clear().unwrap() };
    let response = send(&two_sessions(&shop, &admin, get(log_out)), &both).await;
    let removed = set_cookies(&response);
    assert!(removed.len() == 1 && removed[0].starts_with("admin=;"), "{removed:?}");
    assert_eq!((shop.opens(), shop.saves(), admin.opens(), admin.saves()), (0, 0, 1, 1));

    let visit = |session: Session| async move { session.insert("seen", true).unwrap() };
    let response = send(&two_sessions(&shop, &admin, get(visit)), &both).await;
    let set = set_cookies(&response);
    assert_eq!(set.len(), 1, "{set:?}");
    assert_eq!(payload(&reopen(&named("shop"), set[0]).await), r#"{"user":"ada","seen":true}"#);
    assert_eq!((shop.opens(), shop.saves(), admin.opens(), admin.saves()), (1, 1, 1, 1));
}

#[tokio::test]
async fn handler_finds_all_layers_around_it() {
    let handler = |request: Request| async move {
        let one = request_session(request.extensions()).unwrap();
        let other = request_session_marked::<Admin>(request.extensions()).unwrap();
        let third = request_session_marked::<Third>(request.extensions()).unwrap();
        one.session().await.unwrap().insert("user", "ada").unwrap();
        let shared = third.session().await.unwrap().get::<String>("user").unwrap();
        let unknown = request_session_marked::<u8>(request.extensions()).is_none();
        format!(
            "{} {} {} {shared:?} {unknown}",
            one.cookie_name(),
            other.cookie_name(),
            third.cookie_name()
        )
    };
    let (outer, inner) = (Watched::new(named("shop")), Watched::new(named("shop")));
    let app = Router::new()
        .route("/", get(handler))
        .layer(SessionLayer::<Third>::marked(inner.clone()))
        .layer(SessionLayer::<Admin>::marked(named("admin")))
        .layer(SessionLayer::new(outer.clone()));
    let response = send(&app, "").await;
    assert_eq!(set_cookies(&response).len(), 1);
    assert_eq!((outer.saves(), inner.saves()), (1, 0));
    assert_eq!(text(response).await, r#"shop admin shop Some("ada") true"#);
}
