//! The client for tests: what it sends, what it keeps, and where redirects lead it.

#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use axum::routing::{any, get};
use http::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use session_core::{ErrorKind, NullSessions, SessionInterface};
use session_tower::testing::TestClient;
use session_tower::{Session, SessionLayer};
use support::{settings, signed};
use tower::ServiceExt as _;

/// Answers with what came in.
async fn echo(method: Method, headers: HeaderMap, body: String) -> String {
    let header = |name| headers.get(name).map_or("-", |value: &http::HeaderValue| value.to_str().unwrap());
    format!("{method} {} {} {body}", header(HOST), header(COOKIE))
}

fn redirecting(status: StatusCode, location: &'static str) -> Router {
    let redirect = move || async move { (status, [(LOCATION, location)]) };
    Router::new().route("/", any(redirect)).route("/there", any(echo))
}

fn client(app: Router) -> TestClient<Router> {
    TestClient::new(app, NullSessions::new("no sessions"))
}

#[tokio::test]
async fn a_redirect_is_followed_as_browsers_do() {
    for (status, method, expected) in [
        (301, Method::POST, "GET localhost - "),
        (302, Method::POST, "GET localhost - "),
        (302, Method::PUT, "PUT localhost - form"),
        (303, Method::PUT, "GET localhost - "),
        (307, Method::POST, "POST localhost - form"),
        (308, Method::PUT, "PUT localhost - form"),
    ] {
        let mut client = client(redirecting(StatusCode::from_u16(status).unwrap(), "/there?page=2"));
        let request = http::Request::builder().method(method.clone()).uri("/").body(b"form".to_vec()).unwrap();
        let answer = client.send(request).await.unwrap();
        assert_eq!(client.follow(answer).await.unwrap().text(), expected, "{status} {method}");
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_the_browser_there_without_its_cookies() {
    let mut client = client(redirecting(StatusCode::SEE_OTHER, "http://other.example/there"));
    client.browser_mut().receive("/", "theme=dark").unwrap();
    let answer = client.get("/").await.unwrap();
    assert_eq!(client.follow(answer).await.unwrap().text(), "GET other.example - ");
    client.browser_mut().go_to("https://localhost").unwrap();
    assert_eq!(client.get("/there").await.unwrap().text(), "GET localhost theme=dark ");
}

#[tokio::test]
async fn redirects_without_end_or_target_are_errors() {
    for location in ["/", "there"] {
        let mut client = client(redirecting(StatusCode::SEE_OTHER, location));
        let answer = client.get("/").await.unwrap();
        assert_eq!(client.follow(answer).await.unwrap_err().kind(), ErrorKind::Backend, "{location}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_redirect_is_handed_back() {
    let mut client = client(Router::new().route("/", get(async || "page")));
    let answer = client.get("/").await.unwrap();
    assert_eq!(client.follow(answer).await.unwrap().text(), "page");
}

#[tokio::test]
async fn every_cookie_of_a_response_is_kept_but_those_that_browsers_drop() {
    let cookies =
        async || AppendHeaders([(SET_COOKIE, "a=1"), (SET_COOKIE, "b=2; Domain=x.example"), (SET_COOKIE, "c=3")]);
    let mut client = client(Router::new().route("/", get(cookies)).route("/echo", get(echo)));
    client.get("/").await.unwrap();
    assert_eq!(client.get("/echo").await.unwrap().text(), "GET localhost a=1; c=3 ");
}

#[tokio::test]
async fn a_session_changed_by_hand_and_one_changed_by_a_handler_are_one() {
    let sessions: Arc<dyn SessionInterface> = Arc::new(signed(settings()));
    let count = async |session: Session| {
        session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1)).unwrap();
        session.get::<u64>("visits").unwrap().unwrap().to_string()
    };
    let app = Router::new().route("/", get(count)).layer(SessionLayer::new(Arc::clone(&sessions)));
    let mut client = TestClient::new(app, sessions);
    assert_eq!(client.get("/").await.unwrap().text(), "1");
    client.browser_mut().session_transaction(|session| session.insert("visits", 41)).await.unwrap();
    assert_eq!(client.get("/").await.unwrap().text(), "42");
    assert_eq!(client.browser().session().await.unwrap().get::<u64>("visits").unwrap(), Some(42));
}

#[tokio::test]
async fn a_service_that_is_no_router_has_its_errors_reported() {
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
    assert!(error.to_string().contains("broken on purpose"), "{error}");
    assert_eq!(client.get("no path").await.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn what_the_client_shows_of_itself_holds_no_cookie() {
    let answer = async || ([(SET_COOKIE, "session=secret-value")], Redirect::to("/")).into_response();
    let mut client = client(Router::new().route("/", get(answer)));
    let answer = client.get("/").await.unwrap();
    let shown = format!("{client:?} {answer:?}");
    assert!(shown.contains("\"session\"") && !shown.contains("secret-value"), "{shown}");
}
