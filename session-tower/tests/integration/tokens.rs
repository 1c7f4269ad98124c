//! A session token in a header instead of the cookie.

#![cfg(feature = "axum")]

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::get;
use http::{Request, StatusCode};
use session_core::{OutagePolicy, SessionConfigBuilder};
use session_tower::{Session, SessionLayer};
use tower::ServiceExt as _;

use crate::support::{cache_control, set_cookies, settings, signed, text, vary};

const TOKEN: &str = "x-session-token";

fn app(settings: SessionConfigBuilder) -> Router {
    let visits = |session: Session| async move {
        session.update("n", |n: Option<u32>| Some(n.unwrap_or_default() + 1)).unwrap();
        session.get::<u32>("n").unwrap().unwrap_or_default().to_string()
    };
    let layer = SessionLayer::new(signed(settings)).on_outage(OutagePolicy::Anonymous);
    Router::new().route("/", get(visits)).layer(layer)
}

async fn send(app: &Router, headers: &[(&str, &str)]) -> Response {
    let request = headers
        .iter()
        .fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn token(response: &Response) -> String {
    let values: Vec<_> = response.headers().get_all(TOKEN).iter().collect();
    let [value] = values.as_slice() else { unreachable!("one token: {values:?}") };
    assert!(value.is_sensitive() && set_cookies(response).is_empty());
    value.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn token_header_replaces_cookie() {
    let app = app(settings().token_header("X-Session-Token"));
    let first = send(&app, &[]).await;
    assert_eq!(vary(&first), ["X-Session-Token"]);
    assert_eq!(cache_control(&first), ["no-store"]);
    let token = token(&first);
    assert_eq!(text(send(&app, &[(TOKEN, &token)]).await).await, "2");
    let cookie = format!("session={token}");
    assert_eq!(text(send(&app, &[("cookie", &cookie)]).await).await, "1");
}

#[tokio::test]
async fn bearer_token_replaces_cookie() {
    let app = app(settings().bearer_token("X-Session-Token"));
    let first = send(&app, &[]).await;
    assert_eq!(vary(&first), ["Authorization"]);
    let bearer = format!("Bearer {}", token(&first));
    assert_eq!(text(send(&app, &[("authorization", &bearer)]).await).await, "2");
}

#[tokio::test]
async fn token_beside_session_cookie_is_bad_request() {
    let app = app(settings().token_header("X-Session-Token"));
    let token = token(&send(&app, &[]).await);
    let cookie = format!("session={token}");
    let response = send(&app, &[(TOKEN, &token), ("cookie", &cookie)]).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(vary(&response), ["X-Session-Token"]);
    assert!(!response.headers().contains_key(TOKEN) && set_cookies(&response).is_empty());
    assert_eq!(text(response).await, "The request has several session tokens.\n");
}
