//! The layer and the extractor follow the rules for adapters.

#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::any;
use futures_util::stream;
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use http_body_util::BodyExt as _;
use session_conformance::adapter::{
    Request, Response, Server, TestResponse, respond, respond_both, respond_twice,
    respond_untouched,
};
use session_core::{SessionInterface, async_trait};
use session_tower::{MarkedSession, Session, SessionLayer};
use tower::ServiceExt as _;

struct Axum(Router);

impl Axum {
    fn new(interface: Arc<dyn SessionInterface>) -> Self {
        let router = Router::new()
            .route("/untouched", any(untouched))
            .route("/untouched/{*details}", any(untouched))
            .route("/twice", any(twice))
            .route("/streamed/{color}", any(streamed))
            .fallback(any(once))
            .layer(SessionLayer::new(interface));
        Self(router)
    }
}

/// Returns an application with the first session around the second one.
fn of_two(first: Arc<dyn SessionInterface>, second: Arc<dyn SessionInterface>) -> Axum {
    let router = Router::new()
        .route("/both", any(both))
        .route("/second/{*page}", any(of_second))
        .fallback(any(once))
        .layer(SessionLayer::<Second>::marked(second))
        .layer(SessionLayer::new(first));
    Axum(router)
}

struct Second;

async fn both(first: Session, second: MarkedSession<Second>) -> impl IntoResponse {
    into_axum(&respond_both(&first, &second).await)
}

async fn of_second(session: MarkedSession<Second>, uri: Uri) -> impl IntoResponse {
    into_axum(&respond(&session, uri.path()).await)
}

async fn untouched(uri: Uri) -> impl IntoResponse {
    into_axum(&respond_untouched(uri.path()))
}

async fn once(session: Session, uri: Uri) -> impl IntoResponse {
    into_axum(&respond(&session, uri.path()).await)
}

async fn streamed(session: Session, uri: Uri) -> impl IntoResponse {
    let page = respond(&session, uri.path()).await;
    let chunks = page.chunks().map(Ok::<_, Infallible>);
    with_body(&page, Body::from_stream(stream::iter(chunks)))
}

async fn twice(first: Session, second: Session) -> impl IntoResponse {
    into_axum(&respond_twice(&first, &second).await)
}

fn into_axum(page: &TestResponse) -> axum::response::Response {
    with_body(page, Body::from(page.body().to_owned()))
}

fn with_body(page: &TestResponse, body: Body) -> axum::response::Response {
    let mut response = http::Response::new(body);
    *response.status_mut() = StatusCode::from_u16(page.status()).unwrap();
    for (name, value) in page.headers() {
        response
            .headers_mut()
            .append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

#[async_trait]
impl Server for Axum {
    async fn call(&self, request: Request) -> Response {
        let mut sent = http::Request::builder().method(request.method()).uri(request.target());
        for (name, value) in request.headers() {
            sent = sent.header(name, value.as_slice());
        }
        let (head, body) =
            self.0.clone().oneshot(sent.body(Body::empty()).unwrap()).await.unwrap().into_parts();
        let response =
            Response::new(head.status.as_u16()).body(body.collect().await.unwrap().to_bytes());
        let headers = head.headers.iter();
        headers.fold(response, |response, (name, value)| {
            response.header(name.as_str(), value.as_bytes())
        })
    }
}

mod over_memory {
    session_conformance::adapter_suite!(
        sessions = |config| async {
            session_memory::MemorySessions::new(session_memory::MemoryStore::new(), config)
        },
        server = |interface| async { super::Axum::new(interface) },
        streams,
        two_sessions = |first, second| async { super::of_two(first, second) },
    );
}

mod over_signed_cookies {
    session_conformance::adapter_suite!(
        sessions = |config| async { super::support::signed_with(config) },
        server = |interface| async { super::Axum::new(interface) },
        streams,
        two_sessions = |first, second| async { super::of_two(first, second) },
    );
}
