//! The middleware and the extractor follow the rules for adapters, tested through a socket.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::convert::Infallible;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{ServiceConfig, route, scope};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::stream;
use session_actix::{MarkedSession, Session, SessionMiddleware};
use session_conformance::adapter::{
    Request, Response, Server, TestResponse, respond, respond_both, respond_twice,
    respond_untouched,
};
use session_core::{SessionInterface, async_trait};

struct Actix(support::server::Server);

impl Actix {
    fn new(interface: Arc<dyn SessionInterface>) -> Self {
        Self(support::server::Server::start(SessionMiddleware::new(interface), routes))
    }
}

fn routes(config: &mut ServiceConfig) {
    config
        .route("/untouched{details:.*}", route().to(untouched))
        .route("/twice", route().to(twice))
        .route("/streamed/{color}", route().to(streamed))
        .default_service(route().to(once));
}

/// Starts an application with the first session around the second one.
fn of_two(first: Arc<dyn SessionInterface>, second: Arc<dyn SessionInterface>) -> Actix {
    let routes = move |config: &mut ServiceConfig| {
        let second = SessionMiddleware::<Second>::marked(Arc::clone(&second));
        let inner = scope("")
            .wrap(second)
            .route("/both", route().to(both))
            .route("/second/{page:.*}", route().to(of_second))
            .default_service(route().to(once));
        config.service(inner);
    };
    Actix(support::server::Server::start(SessionMiddleware::new(first), routes))
}

struct Second;

async fn both(first: Session, second: MarkedSession<Second>) -> HttpResponse {
    into_actix(&respond_both(&first, &second).await)
}

async fn of_second(session: MarkedSession<Second>, request: HttpRequest) -> HttpResponse {
    into_actix(&respond(&session, request.path()).await)
}

async fn untouched(request: HttpRequest) -> HttpResponse {
    into_actix(&respond_untouched(request.path()))
}

async fn once(session: Session, request: HttpRequest) -> HttpResponse {
    into_actix(&respond(&session, request.path()).await)
}

async fn streamed(session: Session, request: HttpRequest) -> HttpResponse {
    let page = respond(&session, request.path()).await;
    let chunks = page.chunks().map(|chunk| Ok::<_, Infallible>(chunk.into()));
    builder(&page).streaming(stream::iter(chunks))
}

async fn twice(first: Session, second: Session) -> HttpResponse {
    into_actix(&respond_twice(&first, &second).await)
}

fn into_actix(page: &TestResponse) -> HttpResponse {
    builder(page).body(page.body().to_owned())
}

fn builder(page: &TestResponse) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(StatusCode::from_u16(page.status()).unwrap());
    for header in page.headers() {
        response.append_header(*header);
    }
    response
}

#[async_trait]
impl Server for Actix {
    async fn call(&self, request: Request) -> Response {
        let mut sent =
            format!("{} {} HTTP/1.1\r\n", request.method(), request.target()).into_bytes();
        for (name, value) in request.headers() {
            sent.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        sent.extend(b"connection: close\r\n\r\n");
        read(&self.0.exchange(&sent).await)
    }
}

/// Parses a response. Its body ends with the bytes, because the server closed the connection.
fn read(received: &[u8]) -> Response {
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&received[..end]).unwrap();
    let (status, headers) = head.split_once("\r\n").unwrap();
    let response = Response::new(status.split(' ').nth(1).unwrap().parse().unwrap())
        .body(&received[end + 4..]);
    let headers = headers.split("\r\n").map(|line| line.split_once(": ").unwrap());
    headers.fold(response, |response, (name, value)| response.header(name, value))
}

mod over_memory {
    session_conformance::adapter_suite!(
        sessions = |config| async {
            session_memory::MemorySessions::new(session_memory::MemoryStore::new(), config)
        },
        server = |interface| async { super::Actix::new(interface) },
        streams,
        two_sessions = |first, second| async { super::of_two(first, second) },
    );
}

mod over_signed_cookies {
    session_conformance::adapter_suite!(
        sessions = |config| async { super::support::signed(config) },
        server = |interface| async { super::Actix::new(interface) },
        streams,
        two_sessions = |first, second| async { super::of_two(first, second) },
    );
}
