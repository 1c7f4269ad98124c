//! Middleware between the layer and the handler shares the session of the handler.

#![cfg(feature = "axum")]

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use session_tower::{Error, Session, SessionLayer, request_session};
use tower::ServiceExt as _;

use crate::support::{Watched, cookie, reopen, send, set_cookies, settings, signed, text, vary};

#[derive(Clone)]
struct User(String);

/// Loads the user, and writes to the session before and after the handler.
async fn load_user(mut request: Request, next: Next) -> Result<Response, Error> {
    let session = request_session(request.extensions()).unwrap().session().await?;
    let user = session.get::<String>("user")?.unwrap_or_else(|| "visitor".to_owned());
    session.insert("before", &user)?;
    request.extensions_mut().insert(User(user));
    let response = next.run(request).await;
    let seen = session.get::<String>("handler")?;
    session.insert("after", seen)?;
    Ok(response)
}

#[tokio::test]
async fn middleware_and_handler_share_session_and_both_are_saved() {
    let cookies = signed(settings());
    let sessions = Watched::new(cookies.clone());
    let handler = |Extension(User(user)): Extension<User>, session: Session| async move {
        session
            .insert("handler", format!("saw {:?}", session.get::<String>("before").unwrap()))
            .unwrap();
        user
    };
    let app = Router::new()
        .route("/", get(handler))
        .layer(from_fn(load_user))
        .layer(SessionLayer::new(sessions.clone()));
    let ada = cookie(&cookies, |session| session.insert("user", "ada").unwrap()).await;
    let response = send(&app, &ada).await;
    let saved = reopen(&cookies, set_cookies(&response)[0]).await;
    assert_eq!(saved.get::<String>("before").unwrap().as_deref(), Some("ada"));
    assert_eq!(saved.get::<String>("handler").unwrap().as_deref(), Some(r#"saw Some("ada")"#));
    assert_eq!(saved.get::<String>("after").unwrap().as_deref(), Some(r#"saw Some("ada")"#));
    assert_eq!((sessions.opens(), sessions.saves()), (1, 1));
    assert_eq!(text(response).await, "ada");
}

#[tokio::test]
async fn session_used_by_middleware_only_adds_vary() {
    let look = |session: Session, request: Request, next: Next| async move {
        let empty = session.is_empty();
        let mut response = next.run(request).await;
        response.headers_mut().insert("x-empty", empty.to_string().parse().unwrap());
        response
    };
    let app = Router::new()
        .route("/", get(|| async { "public" }))
        .layer(from_fn(look))
        .layer(SessionLayer::new(signed(settings())));
    let response = send(&app, "").await;
    assert_eq!(response.headers()["x-empty"], "true");
    assert_eq!((vary(&response), set_cookies(&response).len()), (vec!["Cookie"], 0));
}

#[tokio::test]
async fn request_outside_layer_has_no_session() {
    let look = |request: Request, next: Next| async move {
        let outside = request_session(request.extensions()).is_none();
        let mut response = next.run(request).await;
        response.headers_mut().insert("x-outside", outside.to_string().parse().unwrap());
        response
    };
    let app = Router::new()
        .route("/", get(|session: Session| async move { session.keys().len().to_string() }))
        .layer(SessionLayer::new(signed(settings())))
        .layer(from_fn(look));
    let response = send(&app, "").await;
    assert_eq!(response.headers()["x-outside"], "true");
    assert_eq!(text(response).await, "0");
}

#[tokio::test]
async fn layer_on_nested_router_affects_no_other_route() {
    let handler = |session: Option<Session>| async move { session.is_some().to_string() };
    let app = Router::new()
        .nest(
            "/shop",
            Router::new().route("/", get(handler)).layer(SessionLayer::new(signed(settings()))),
        )
        .route("/", get(handler));
    assert_eq!(text(send(&app, "").await).await, "false");
    let request = Request::get("/shop").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(text(response).await, "true");
}
