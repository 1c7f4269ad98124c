//! The test client with actix-web.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::{COOKIE, HOST, SET_COOKIE};
use actix_web::middleware::from_fn;
use actix_web::test::init_service;
use actix_web::web::{self, Bytes, Redirect};
use actix_web::{App, HttpRequest, HttpResponse};
use session_actix::testing::{Request, TestClient};
use session_actix::{Session, SessionMiddleware};
use session_core::interface::NullSessions;
use session_core::{ErrorKind, ManualClock, SessionConfig, SessionInterface};
use session_memory::{MemorySessions, MemoryStore};

/// Responds with the contents of the request.
async fn echo(request: HttpRequest, body: String) -> String {
    let header = |name| request.headers().get(name).map_or("-", |value| value.to_str().unwrap());
    format!("{} {} {} {} {body}", request.method(), request.uri(), header(HOST), header(COOKIE))
}

#[actix_web::test]
async fn application_receives_whole_request() {
    let app = init_service(App::new().default_service(web::to(echo))).await;
    let mut client = TestClient::new(app, NullSessions::new("no sessions"));
    client.browser_mut().receive("/", "theme=dark").unwrap();
    let request = Request::new("PUT", "/cart?page=2").with_body("form");
    assert_eq!(
        client.send(request).await.unwrap().text(),
        "PUT /cart?page=2 localhost theme=dark form"
    );
}

#[actix_web::test]
async fn request_invalid_in_http_is_error() {
    let mut client =
        TestClient::new(init_service(App::new()).await, NullSessions::new("no sessions"));
    for request in [
        Request::new("GET", "/no path"),
        Request::new("NO METHOD", "/"),
        Request::new("GET", "/").with_header("no header", ""),
        Request::new("GET", "/").with_header("x", "two\nlines"),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(
            client.send(request).await.unwrap_err().kind(),
            ErrorKind::Configuration,
            "{shown}"
        );
    }
}

#[actix_web::test]
async fn response_has_all_headers_and_whole_body() {
    let page = async || {
        let mut page = HttpResponse::Ok();
        page.append_header((SET_COOKIE, "a=1")).append_header((SET_COOKIE, "b=2")).body("[1, 2]")
    };
    let app = init_service(App::new().route("/", web::get().to(page))).await;
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

#[actix_web::test]
async fn transaction_and_handler_change_same_session() {
    let config = SessionConfig::builder().clock(crate::support::clock()).build().unwrap();
    let sessions: Arc<dyn SessionInterface> =
        Arc::new(MemorySessions::new(MemoryStore::new(), config));
    let count = async |session: Session| {
        session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1)).unwrap();
        session.get::<u64>("visits").unwrap().unwrap().to_string()
    };
    let app = App::new()
        .wrap(SessionMiddleware::new(Arc::clone(&sessions)))
        .route("/", web::get().to(count));
    let mut client = TestClient::new(init_service(app).await, sessions);
    assert_eq!(client.get("/").await.unwrap().text(), "1");
    client
        .browser_mut()
        .session_transaction(async |session| session.insert("visits", 41))
        .await
        .unwrap();
    assert_eq!(client.get("/").await.unwrap().text(), "42");
    assert_eq!(client.browser().session().await.unwrap().get::<u64>("visits").unwrap(), Some(42));
}

#[actix_web::test]
async fn transaction_login_lasts_until_expiry() {
    let clock: ManualClock = crate::support::clock();
    let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
    let lifetime = config.browser_lifetime();
    let sessions: Arc<dyn SessionInterface> =
        Arc::new(MemorySessions::new(MemoryStore::new(), config));
    let who = async |session: Session| session.owner().as_deref().unwrap_or("visitor").to_owned();
    let home = async |session: Session| {
        let to = if session.owner().is_some() { "/who" } else { "/login" };
        Redirect::to(to).see_other()
    };
    let app = App::new().wrap(SessionMiddleware::new(Arc::clone(&sessions)));
    let app = app.route("/", web::get().to(home)).route("/who", web::get().to(who));
    let mut client = TestClient::new(init_service(app).await, sessions);

    assert_eq!(client.get("/").await.unwrap().location(), Some("/login"));
    client
        .browser_mut()
        .session_transaction(async |session| session.log_in("user-42", None).await)
        .await
        .unwrap();
    let response = client.get("/").await.unwrap();
    assert_eq!(client.follow(response).await.unwrap().text(), "user-42");
    clock.advance(lifetime * 2);
    assert_eq!(client.get("/who").await.unwrap().text(), "visitor");
}

#[actix_web::test]
async fn application_error_becomes_its_response() {
    let refuse = from_fn(async |_, _: actix_web::middleware::Next<BoxBody>| {
        Err::<actix_web::dev::ServiceResponse, _>(actix_web::error::ErrorImATeapot(
            "refused on purpose",
        ))
    });
    let app = init_service(App::new().wrap(refuse)).await;
    let response = TestClient::new(app, NullSessions::new("no sessions")).get("/").await.unwrap();
    assert_eq!((response.status(), response.text()), (418, "refused on purpose".to_owned()));
}

/// Fails after its first part.
struct Broken(bool);

impl MessageBody for Broken {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let first = !std::mem::replace(&mut self.0, true);
        let part = if first {
            Ok(Bytes::from_static(b"hel"))
        } else {
            Err(std::io::Error::other("broken on purpose"))
        };
        Poll::Ready(Some(part))
    }
}

#[actix_web::test]
async fn incomplete_body_is_error() {
    let page = async || HttpResponse::Ok().body(Broken(false));
    let app = init_service(App::new().route("/", web::get().to(page))).await;
    let error = TestClient::new(app, NullSessions::new("no sessions")).get("/").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend);
    assert!(error.to_string().contains("broken on purpose"), "{error}");
}
