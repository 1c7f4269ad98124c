//! What is promised for a missing middleware, a handler that does not finish, and two middlewares around one handler.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, and some handlers panic")]

mod support;

use std::future::{Future as _, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use actix_web::body::MessageBody;
use actix_web::dev::{Service as _, ServiceRequest, ServiceResponse};
use actix_web::error::ErrorInternalServerError;
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::get;
use actix_web::{App, HttpRequest, HttpResponse};
use session_actix::{Session, SessionMiddleware, request_session};
use support::{Watched, answer, answer_of, cookie, named, reopen};

struct Admin;
struct Third;

#[actix_web::test]
async fn without_a_middleware_a_session_is_500_and_an_optional_one_is_none() {
    let demanding = init_service(App::new().route("/", get().to(|_: Session| async { "never" }))).await;
    let response = answer(&demanding, "").await;
    assert_eq!((response.status, response.text.as_str()), (500, "The session failed.\n"));

    let lenient = |session: Option<Session>| async move { session.is_some().to_string() };
    let bare = init_service(App::new().route("/", get().to(lenient))).await;
    assert_eq!(answer(&bare, "").await.text, "false");
    let middleware = SessionMiddleware::new(named("session"));
    let layered = init_service(App::new().wrap(middleware).route("/", get().to(lenient))).await;
    assert_eq!(answer(&layered, "").await.text, "true");
}

#[actix_web::test]
async fn a_middleware_of_another_marker_is_no_middleware() {
    let handler = |one: Option<Session>, other: Option<Session<Admin>>| async move {
        format!("{} {}", one.is_some(), other.is_some())
    };
    let plain = SessionMiddleware::new(named("session"));
    let plain = init_service(App::new().wrap(plain).route("/", get().to(handler))).await;
    assert_eq!(answer(&plain, "").await.text, "true false");
    let marked = SessionMiddleware::<Admin>::marked(named("session"));
    let marked = init_service(App::new().wrap(marked).route("/", get().to(handler))).await;
    assert_eq!(answer(&marked, "").await.text, "false true");
}

async fn write_and_panic(session: Session) -> HttpResponse {
    let visits = session.get::<u64>("visits").unwrap().unwrap_or(0);
    session.insert("visits", visits + 1).unwrap();
    panic!("the handler panics on purpose");
}

#[actix_web::test]
async fn a_panic_unwinds_through_the_middleware_and_saves_nothing() {
    let sessions = Watched::new(named("session"));
    let app = App::new().wrap(SessionMiddleware::new(sessions.clone())).route("/", get().to(write_and_panic));
    let app = init_service(app).await;
    let unwound = actix_web::rt::spawn(async move { answer(&app, "").await }).await.unwrap_err();
    assert_eq!(unwound.into_panic().downcast_ref(), Some(&"the handler panics on purpose"));
    assert_eq!(sessions.counts(), (1, 0));
}

/// Turns a panic into an error: a task contains it.
async fn catch_panic(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let response = actix_web::rt::spawn(next.call(request)).await;
    response.unwrap_or_else(|_| Err(ErrorInternalServerError("caught")))
}

#[actix_web::test]
async fn a_panic_that_became_a_response_inside_the_middleware_carries_the_session() {
    let cookies = named("session");
    let sessions = Watched::new(cookies.clone());
    let app = App::new()
        .wrap(from_fn(catch_panic))
        .wrap(SessionMiddleware::new(sessions.clone()))
        .route("/", get().to(write_and_panic));
    let response = answer(&init_service(app).await, "").await;
    assert_eq!((response.status, response.text.as_str()), (500, "caught"));
    assert_eq!(sessions.counts(), (1, 1));
    assert_eq!(reopen(&cookies, response.set_cookies()[0]).await.payload(), r#"{"visits":1}"#);
}

#[actix_web::test]
async fn a_request_that_is_dropped_saves_nothing() {
    let written = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&written);
    let sessions = Watched::new(named("session"));
    let handler = move |session: Session| {
        let flag = Arc::clone(&flag);
        async move {
            session.insert("user", "ada").unwrap();
            flag.store(true, Ordering::SeqCst);
            pending::<HttpResponse>().await
        }
    };
    let app = App::new().wrap(SessionMiddleware::new(sessions.clone())).route("/", get().to(handler));
    let app = init_service(app).await;
    {
        let mut response = pin!(app.call(TestRequest::default().to_request()));
        let polled = poll_fn(|context| Poll::Ready(response.as_mut().poll(context))).await;
        assert!(polled.is_pending() && written.load(Ordering::SeqCst));
    }
    assert_eq!(sessions.counts(), (1, 0));
}

#[actix_web::test]
async fn two_middlewares_of_one_name_and_one_marker_share_one_session() {
    let (outer, inner) = (Watched::new(named("session")), Watched::new(named("session")));
    let handler = |session: Session| async move {
        session.insert("user", "ada").unwrap();
        "written"
    };
    let app = App::new()
        .wrap(SessionMiddleware::new(inner.clone()))
        .wrap(SessionMiddleware::new(outer.clone()))
        .route("/", get().to(handler));
    let response = answer(&init_service(app).await, "").await;
    assert_eq!((response.set_cookies().len(), response.all("vary")), (1, vec!["Cookie"]));
    assert_eq!((outer.counts(), inner.counts()), ((1, 1), (0, 0)));
}

#[actix_web::test]
async fn two_middlewares_of_one_name_and_two_markers_share_one_session() {
    let cookies = named("session");
    let (outer, inner) = (Watched::new(cookies.clone()), Watched::new(cookies.clone()));
    let handler = |session: Session, admin: Session<Admin>| async move {
        session.insert("user", "ada").unwrap();
        admin.insert("admin", true).unwrap();
        session.payload()
    };
    let app = App::new()
        .wrap(SessionMiddleware::<Admin>::marked(inner.clone()))
        .wrap(SessionMiddleware::new(outer.clone()))
        .route("/", get().to(handler));
    let response = answer(&init_service(app).await, "").await;
    let set_cookies = response.set_cookies();
    assert_eq!(set_cookies.len(), 1, "{set_cookies:?}");
    assert_eq!(reopen(&cookies, set_cookies[0]).await.payload(), r#"{"user":"ada","admin":true}"#);
    assert_eq!((outer.counts(), inner.counts()), ((1, 1), (0, 0)));
    assert_eq!(response.text, r#"{"user":"ada","admin":true}"#);
}

#[actix_web::test]
async fn two_middlewares_of_two_names_are_two_sessions_each_changed_and_ended_alone() {
    let (shop, admin) = (Watched::new(named("shop")), Watched::new(named("admin")));
    let write = |session: Session, admin: Session<Admin>| async move {
        session.insert("user", "ada").unwrap();
        admin.insert("role", "root").unwrap();
        "written"
    };
    let log_out = |admin: Session<Admin>| async move {
        admin.clear().unwrap();
        "cleared"
    };
    let app = App::new()
        .wrap(SessionMiddleware::<Admin>::marked(admin.clone()))
        .wrap(SessionMiddleware::new(shop.clone()))
        .route("/", get().to(write))
        .route("/log-out", get().to(log_out));
    let app = init_service(app).await;

    let response = answer(&app, "").await;
    let set_cookies = response.set_cookies();
    assert_eq!(set_cookies.len(), 2, "{set_cookies:?}");
    assert_eq!(reopen(&named("admin"), set_cookies[0]).await.payload(), r#"{"role":"root"}"#);
    assert_eq!(reopen(&named("shop"), set_cookies[1]).await.payload(), r#"{"user":"ada"}"#);
    assert_eq!(response.all("vary"), ["Cookie"]);
    assert_eq!((shop.counts(), admin.counts()), ((1, 1), (1, 1)));

    let both = format!(
        "{}; {}",
        cookie(&named("shop"), |session| session.insert("user", "ada").unwrap()).await,
        cookie(&named("admin"), |session| session.insert("role", "root").unwrap()).await
    );
    let response = answer_of(&app, "/log-out", &both).await;
    let removed = response.set_cookies();
    assert!(removed.len() == 1 && removed[0].starts_with("admin=;"), "{removed:?}");
    assert_eq!((shop.counts(), admin.counts()), ((1, 1), (2, 2)));
}

#[actix_web::test]
async fn the_innermost_handler_finds_every_middleware_around_it() {
    let handler = |request: HttpRequest| async move {
        let one = request_session::<()>(&request).unwrap();
        let other = request_session::<Admin>(&request).unwrap();
        let third = request_session::<Third>(&request).unwrap();
        one.session().await.unwrap().insert("user", "ada").unwrap();
        let shared = third.session().await.unwrap().get::<String>("user").unwrap();
        let unknown = request_session::<u8>(&request).is_none();
        format!("{} {} {} {shared:?} {unknown}", one.cookie_name(), other.cookie_name(), third.cookie_name())
    };
    let (outer, inner) = (Watched::new(named("shop")), Watched::new(named("shop")));
    let app = App::new()
        .wrap(SessionMiddleware::<Third>::marked(inner.clone()))
        .wrap(SessionMiddleware::<Admin>::marked(named("admin")))
        .wrap(SessionMiddleware::new(outer.clone()))
        .route("/", get().to(handler));
    let response = answer(&init_service(app).await, "").await;
    assert_eq!(response.set_cookies().len(), 1);
    assert_eq!((outer.counts(), inner.counts()), ((1, 1), (0, 0)));
    assert_eq!(response.text, r#"shop admin shop Some("ada") true"#);
}
