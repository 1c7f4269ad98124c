//! A missing middleware, a handler that does not finish, and several middlewares around one
//! handler.

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
use session_actix::{
    MarkedSession, Session, SessionMiddleware, request_session, request_session_marked,
};

use crate::support::{Watched, cookie, named, payload, reopen, send, send_to};

struct Admin;
struct Third;

#[actix_web::test]
async fn extractor_without_middleware_returns_500_and_option_none() {
    let demanding =
        init_service(App::new().route("/", get().to(|_: Session| async { "never" }))).await;
    let response = send(&demanding, "").await;
    assert_eq!((response.status, response.text.as_str()), (500, "The session failed.\n"));

    let lenient = |session: Option<Session>| async move { session.is_some().to_string() };
    let bare = init_service(App::new().route("/", get().to(lenient))).await;
    assert_eq!(send(&bare, "").await.text, "false");
    let middleware = SessionMiddleware::new(named("session"));
    let layered = init_service(App::new().wrap(middleware).route("/", get().to(lenient))).await;
    assert_eq!(send(&layered, "").await.text, "true");
}

#[actix_web::test]
async fn middleware_with_other_marker_is_not_found() {
    let handler = |one: Option<Session>, other: Option<MarkedSession<Admin>>| async move {
        format!("{} {}", one.is_some(), other.is_some())
    };
    let plain = SessionMiddleware::new(named("session"));
    let plain = init_service(App::new().wrap(plain).route("/", get().to(handler))).await;
    assert_eq!(send(&plain, "").await.text, "true false");
    let marked = SessionMiddleware::<Admin>::marked(named("session"));
    let marked = init_service(App::new().wrap(marked).route("/", get().to(handler))).await;
    assert_eq!(send(&marked, "").await.text, "false true");
}

async fn write_and_panic(session: Session) -> HttpResponse {
    let visits = session.get::<u64>("visits").unwrap().unwrap_or(0);
    session.insert("visits", visits + 1).unwrap();
    panic!("the handler panics on purpose");
}

#[actix_web::test]
async fn panic_unwinds_through_middleware_and_saves_nothing() {
    let sessions = Watched::new(named("session"));
    let app = App::new()
        .wrap(SessionMiddleware::new(sessions.clone()))
        .route("/", get().to(write_and_panic));
    let app = init_service(app).await;
    let unwound = actix_web::rt::spawn(async move { send(&app, "").await }).await.unwrap_err();
    assert_eq!(unwound.into_panic().downcast_ref(), Some(&"the handler panics on purpose"));
    assert_eq!(sessions.counts(), (1, 0));
}

/// Turns a panic into an error, by running the handler in a task.
async fn catch_panic(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let response = actix_web::rt::spawn(next.call(request)).await;
    response.unwrap_or_else(|_| Err(ErrorInternalServerError("caught")))
}

#[actix_web::test]
async fn panic_caught_inside_middleware_saves_session() {
    let cookies = named("session");
    let sessions = Watched::new(cookies.clone());
    let app = App::new()
        .wrap(from_fn(catch_panic))
        .wrap(SessionMiddleware::new(sessions.clone()))
        .route("/", get().to(write_and_panic));
    let response = send(&init_service(app).await, "").await;
    assert_eq!((response.status, response.text.as_str()), (500, "caught"));
    assert_eq!(sessions.counts(), (1, 1));
    assert_eq!(payload(&reopen(&cookies, response.set_cookies()[0]).await), r#"{"visits":1}"#);
}

#[actix_web::test]
async fn dropped_request_saves_nothing() {
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
    let app =
        App::new().wrap(SessionMiddleware::new(sessions.clone())).route("/", get().to(handler));
    let app = init_service(app).await;
    {
        let mut response = pin!(app.call(TestRequest::default().to_request()));
        let polled = poll_fn(|context| Poll::Ready(response.as_mut().poll(context))).await;
        assert!(polled.is_pending() && written.load(Ordering::SeqCst));
    }
    assert_eq!(sessions.counts(), (1, 0));
}

#[actix_web::test]
async fn middlewares_with_same_cookie_and_marker_share_session() {
    let (outer, inner) = (Watched::new(named("session")), Watched::new(named("session")));
    let handler = |session: Session| async move {
        session.insert("user", "ada").unwrap();
        "written"
    };
    let app = App::new()
        .wrap(SessionMiddleware::new(inner.clone()))
        .wrap(SessionMiddleware::new(outer.clone()))
        .route("/", get().to(handler));
    let response = send(&init_service(app).await, "").await;
    assert_eq!((response.set_cookies().len(), response.all("vary")), (1, vec!["Cookie"]));
    assert_eq!((outer.counts(), inner.counts()), ((1, 1), (0, 0)));
}

#[actix_web::test]
async fn middlewares_with_same_cookie_other_marker_share_session() {
    let cookies = named("session");
    let (outer, inner) = (Watched::new(cookies.clone()), Watched::new(cookies.clone()));
    let handler = |session: Session, admin: MarkedSession<Admin>| async move {
        session.insert("user", "ada").unwrap();
        admin.insert("admin", true).unwrap();
        payload(&session)
    };
    let app = App::new()
        .wrap(SessionMiddleware::<Admin>::marked(inner.clone()))
        .wrap(SessionMiddleware::new(outer.clone()))
        .route("/", get().to(handler));
    let response = send(&init_service(app).await, "").await;
    let set_cookies = response.set_cookies();
    assert_eq!(set_cookies.len(), 1, "{set_cookies:?}");
    assert_eq!(payload(&reopen(&cookies, set_cookies[0]).await), r#"{"user":"ada","admin":true}"#);
    assert_eq!((outer.counts(), inner.counts()), ((1, 1), (0, 0)));
    assert_eq!(response.text, r#"{"user":"ada","admin":true}"#);
}

#[actix_web::test]
async fn sessions_of_two_middlewares_are_independent() {
    let (shop, admin) = (Watched::new(named("shop")), Watched::new(named("admin")));
    let write = |session: Session, admin: MarkedSession<Admin>| async move {
        session.insert("user", "ada").unwrap();
        admin.insert("role", "root").unwrap();
        "written"
    };
    let log_out = |admin: MarkedSession<Admin>| async move {
        admin.clear().unwrap();
        "cleared"
    };
    let app = App::new()
        .wrap(SessionMiddleware::<Admin>::marked(admin.clone()))
        .wrap(SessionMiddleware::new(shop.clone()))
        .route("/", get().to(write))
        .route("/log-out", get().to(log_out));
    let app = init_service(app).await;

    let response = send(&app, "").await;
    let set_cookies = response.set_cookies();
    assert_eq!(set_cookies.len(), 2, "{set_cookies:?}");
    assert_eq!(payload(&reopen(&named("admin"), set_cookies[0]).await), r#"{"role":"root"}"#);
    assert_eq!(payload(&reopen(&named("shop"), set_cookies[1]).await), r#"{"user":"ada"}"#);
    assert_eq!(response.all("vary"), ["Cookie"]);
    assert_eq!((shop.counts(), admin.counts()), ((1, 1), (1, 1)));

    let both = format!(
        "{}; {}",
        cookie(&named("shop"), |session| session.insert("user", "ada").unwrap()).await,
        cookie(&named("admin"), |session| session.insert("role", "root").unwrap()).await
    );
    let response = send_to(&app, "/log-out", &both).await;
    let removed = response.set_cookies();
    assert!(removed.len() == 1 && removed[0].starts_with("admin=;"), "{removed:?}");
    assert_eq!((shop.counts(), admin.counts()), ((1, 1), (2, 2)));
}

#[actix_web::test]
async fn handler_finds_all_middlewares_around_it() {
    let handler = |request: HttpRequest| async move {
        let one = request_session(&request).unwrap();
        let other = request_session_marked::<Admin>(&request).unwrap();
        let third = request_session_marked::<Third>(&request).unwrap();
        one.session().await.unwrap().insert("user", "ada").unwrap();
        let shared = third.session().await.unwrap().get::<String>("user").unwrap();
        let unknown = request_session_marked::<u8>(&request).is_none();
        format!(
            "{} {} {} {shared:?} {unknown}",
            one.cookie_name(),
            other.cookie_name(),
            third.cookie_name()
        )
    };
    let (outer, inner) = (Watched::new(named("shop")), Watched::new(named("shop")));
    let app = App::new()
        .wrap(SessionMiddleware::<Third>::marked(inner.clone()))
        .wrap(SessionMiddleware::<Admin>::marked(named("admin")))
        .wrap(SessionMiddleware::new(outer.clone()))
        .route("/", get().to(handler));
    let response = send(&init_service(app).await, "").await;
    assert_eq!(response.set_cookies().len(), 1);
    assert_eq!((outer.counts(), inner.counts()), ((1, 1), (0, 0)));
    assert_eq!(response.text, r#"shop admin shop Some("ada") true"#);
}
