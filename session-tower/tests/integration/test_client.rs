//! The test client with axum and with a plain tower service.

#![cfg(feature = "axum")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{AppendHeaders, Response};
use axum::routing::{any, get};
use http::header::{COOKIE, HOST, SET_COOKIE};
use http::{HeaderMap, Method, Uri};
use session_core::interface::NullSessions;
use session_core::{ErrorKind, SessionInterface};
use session_tower::testing::{self, TestClient};
use session_tower::{Session, SessionLayer};
use tower::ServiceExt as _;

use crate::support::{settings, signed};

/// Responds with the contents of the request.
async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: String) -> String {
    let header =
        |name| headers.get(name).map_or("-", |value: &http::HeaderValue| value.to_str().unwrap());
    format!("{method} {uri} {} {} {body}", header(HOST), header(COOKIE))
}

#[tokio::test]
async fn application_receives_whole_request() {
    let app: Router = Router::new().route("/cart", any(echo));
    let mut client = TestClient::new(app, NullSessions::new("no sessions"));
    client.browser_mut().receive("/", "theme=dark").unwrap();
    let request = testing::Request::new("PUT", "/cart?page=2").with_body("form");
    assert_eq!(
        client.send(request).await.unwrap().text(),
        "PUT /cart?page=2 localhost theme=dark form"
    );
}

#[tokio::test]
async fn request_invalid_in_http_is_error() {
    let mut client = TestClient::new(Router::<()>::new(), NullSessions::new("no sessions"));
    for request in [
        testing::Request::new("GET", "/no path"),
        testing::Request::new("NO METHOD", "/"),
        testing::Request::new("GET", "/").with_header("no header", ""),
        testing::Request::new("GET", "/").with_header("x", "two\nlines"),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(
            client.send(request).await.unwrap_err().kind(),
            ErrorKind::Configuration,
            "{shown}"
        );
    }
}

#[tokio::test]
async fn response_has_all_headers_and_whole_body() {
    let page = async || (AppendHeaders([(SET_COOKIE, "a=1"), (SET_COOKIE, "b=2")]), "[1, 2]");
    let app: Router = Router::new().route("/", get(page));
    let mut client = TestClient::new(app, NullSessions::new("no sessions"));
    let response = client.get("/").await.unwrap();
    let cookies: Vec<_> = response.headers().filter(|(name, _)| *name == "set-cookie").collect();
    assert_eq!(cookies, [("set-cookie", "a=1"), ("set-cookie", "b=2")]);
    assert_eq!(response.json::<Vec<u64>>().unwrap(), [1, 2]);
    assert_eq!(
        (client.browser().cookie("a"), client.browser().cookie("b")),
        (Some("1"), Some("2"))
    );
}

#[tokio::test]
async fn transaction_and_handler_change_same_session() {
    let sessions: Arc<dyn SessionInterface> = Arc::new(signed(settings()));
    let count = async |session: Session| {
        session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1)).unwrap();
        session.get::<u64>("visits").unwrap().unwrap().to_string()
    };
    let app = Router::new().route("/", get(count)).layer(SessionLayer::new(Arc::clone(&sessions)));
    let mut client = TestClient::new(app, sessions);
    assert_eq!(client.get("/").await.unwrap().text(), "1");
    client
        .browser_mut()
        .session_transaction(async |session| session.insert("visits", 41))
        .await
        .unwrap();
    assert_eq!(client.get("/").await.unwrap().text(), "42");
    assert_eq!(client.browser().session().await.unwrap().get::<u64>("visits").unwrap(), Some(42));
}

#[tokio::test]
async fn error_of_plain_service_is_reported() {
    let echo = tower::service_fn(async |request: Request| {
        if request.uri().path() == "/broken" {
            Err("broken on purpose")
        } else {
            Ok(Response::new(request.into_body()))
        }
    });
    let mut client = TestClient::new(
        echo.map_request(|request: http::Request<_>| request.map(Body::new)),
        NullSessions::new("none"),
    );
    assert_eq!(client.post("/", "text/plain", "hello").await.unwrap().text(), "hello");
    let error = client.get("/broken").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend);
    assert!(error.to_string().contains("broken on purpose"), "{error}");
}

#[tokio::test]
async fn client_future_is_send() {
    let app: Router = Router::new().route("/", get(async || "hello"));
    let mut client = TestClient::new(app, NullSessions::new("no sessions"));
    let visit = tokio::spawn(async move { client.get("/").await.map(|response| response.text()) });
    assert_eq!(visit.await.unwrap().unwrap(), "hello");
}
