//! Errors: of a handler, of a middleware, of a backend that is down. Each becomes a response, with the session where there is
//! one, and tells nothing of the inside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{self, Write};
use std::sync::{Mutex, OnceLock};

use actix_web::body::MessageBody;
use actix_web::dev::{Service as _, ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorBadRequest, InternalError};
use actix_web::http::header::VARY;
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::get;
use actix_web::{App, HttpResponse};
use session_actix::{Error, OnOutage, Session, SessionMiddleware};
use session_core::ErrorKind;
use support::{Watched, answer, cookie, named, reopen};

/// What was logged since the first call, by all tests together: each looks for words of its own.
///
/// One subscriber serves the whole process, because `tracing` remembers for each place in the code whether somebody
/// listens, and a subscriber per thread would race with the other tests for that.
fn log() -> String {
    LOG.get_or_init(|| {
        let subscriber = tracing_subscriber::fmt().without_time().with_writer(|| Recorder).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        Mutex::default()
    });
    String::from_utf8(LOG.get().unwrap().lock().unwrap().clone()).unwrap()
}

static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();

struct Recorder;

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.get().map_or(Ok(bytes.len()), |log| log.lock().unwrap().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn line_with(words: &str) -> String {
    log().lines().find(|line| line.contains(words)).unwrap_or_default().to_owned()
}

#[actix_web::test]
async fn a_question_mark_in_a_handler_answers_with_a_status_that_fits_and_reveals_nothing() {
    log();
    let rows = [
        (ErrorKind::Unavailable, 503),
        (ErrorKind::Backend, 500),
        (ErrorKind::Configuration, 500),
        (ErrorKind::Unconfigured, 500),
        (ErrorKind::Malformed, 500),
        (ErrorKind::Value, 500),
        (ErrorKind::Sealed, 500),
        (ErrorKind::TooLarge, 500),
    ];
    for (kind, status) in rows {
        let handler = move || async move {
            let source = io::Error::other(format!("dsn postgres://shop for {kind:?}"));
            let message = format!("host 10.0.0.7 refused, {kind:?}");
            Err::<(), _>(session_core::Error::new(kind, message).with_source(source))?;
            Ok::<_, Error>("never")
        };
        let response = answer(&init_service(App::new().route("/", get().to(handler))).await, "").await;
        assert_eq!((response.status, response.all("content-type")), (status, vec!["text/plain; charset=utf-8"]));
        let text = response.text;
        assert!(!text.is_empty() && !text.contains("10.0.0.7") && !text.contains("postgres"), "{text}");
        let line = line_with(&format!("host 10.0.0.7 refused, {kind:?}"));
        assert!(line.contains("ERROR") && line.contains(&format!("dsn postgres://shop for {kind:?}")), "{line}");
    }
}

#[actix_web::test]
async fn a_value_of_another_type_is_an_error_response_that_carries_the_session() {
    log();
    let handler = |session: Session| async move {
        session.insert("basket", "hunter2")?;
        let basket = session.get::<Vec<u64>>("basket")?;
        Ok::<_, Error>(format!("{basket:?}"))
    };
    let cookies = named("session");
    let app = App::new().wrap(SessionMiddleware::new(cookies.clone())).route("/", get().to(handler));
    let response = answer(&init_service(app).await, "").await;
    assert_eq!((response.status, response.text.as_str()), (500, "The session failed.\n"));
    assert_eq!(reopen(&cookies, response.set_cookies()[0]).await.payload(), r#"{"basket":"hunter2"}"#);
    let line = line_with("basket");
    assert!(line.contains("is not a") && line.contains("JSON of another type"), "{line}");
}

struct Orders;

#[actix_web::test]
async fn a_missing_middleware_is_logged_with_what_to_add_and_where() {
    log();
    let app = init_service(App::new().route("/", get().to(|_: Session<Orders>| async { "never" }))).await;
    assert_eq!(answer(&app, "").await.status, 500);
    let line = line_with("Orders");
    assert!(line.contains("no session middleware serves /") && line.contains("SessionMiddleware::new"), "{line}");
}

/// Counts the failures of everybody who comes, and refuses.
async fn refuse(
    session: Session,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    session.insert("refused", true).map_err(Error::from)?;
    if request.path() == "/" {
        let response = HttpResponse::BadRequest().insert_header((VARY, "Accept")).body("no");
        return Err(InternalError::from_response("refused on purpose", response).into());
    }
    next.call(request).await
}

#[actix_web::test]
async fn an_error_of_the_inner_service_stays_that_error_and_its_response_carries_the_session() {
    let cookies = named("session");
    let sessions = Watched::new(cookies.clone());
    let app = App::new().wrap(from_fn(refuse)).wrap(SessionMiddleware::new(sessions.clone()));
    let app = init_service(app).await;

    let error = app.call(TestRequest::default().to_request()).await.map(|_| ()).unwrap_err();
    assert!(error.as_error::<InternalError<&str>>().is_some(), "{error:?}");

    let response = answer(&app, "").await;
    assert_eq!((response.status, response.text.as_str()), (400, "no"));
    assert_eq!(response.all("vary"), ["Accept, Cookie"]);
    assert_eq!(response.set_cookies().len(), 1);
    assert_eq!(reopen(&cookies, response.set_cookies()[0]).await.payload(), r#"{"refused":true}"#);
    assert_eq!(sessions.counts(), (2, 2));
}

#[actix_web::test]
async fn two_sessions_are_both_carried_by_the_response_of_an_error() {
    let app = App::new()
        .wrap(from_fn(refuse))
        .wrap(from_fn(async |session: Session<Orders>, request: ServiceRequest, next: Next<_>| {
            session.insert("order", 7).map_err(Error::from)?;
            next.call(request).await
        }))
        .wrap(SessionMiddleware::<Orders>::marked(named("orders")))
        .wrap(SessionMiddleware::new(named("session")));
    let response = answer(&init_service(app).await, "").await;
    assert_eq!((response.status, response.all("vary")), (400, vec!["Accept, Cookie"]));
    let set_cookies = response.set_cookies();
    assert_eq!(set_cookies.len(), 2, "{set_cookies:?}");
    assert_eq!(reopen(&named("orders"), set_cookies[0]).await.payload(), r#"{"order":7}"#);
    assert_eq!(reopen(&named("session"), set_cookies[1]).await.payload(), r#"{"refused":true}"#);
}

#[actix_web::test]
async fn an_error_of_the_inner_service_that_asked_for_no_session_passes_through() {
    let sessions = Watched::new(named("session"));
    let app = App::new()
        .wrap(from_fn(
            async |request: ServiceRequest, next: Next<_>| {
                if request.path() == "/" { Err(ErrorBadRequest("no")) } else { next.call(request).await }
            },
        ))
        .wrap(SessionMiddleware::new(sessions.clone()));
    let ada = cookie(&named("session"), |session| session.insert("user", "ada").unwrap()).await;
    let response = answer(&init_service(app).await, &ada).await;
    assert_eq!((response.status, response.text.as_str(), response.headers.len()), (400, "no", 1));
    assert_eq!(sessions.counts(), (0, 0));
}

#[actix_web::test]
async fn a_failed_save_replaces_the_response_and_the_error_alike() {
    log();
    for (kind, status, text) in [
        (ErrorKind::Unavailable, 503, "The session store is unavailable. Please try again.\n"),
        (ErrorKind::Backend, 500, "The session failed.\n"),
    ] {
        let sessions = Watched::new(named("session")).failing_save(kind);
        let handler = |session: Session| async move {
            session.insert("user", "ada").unwrap();
            HttpResponse::Created().insert_header(("x-note", "one")).body("written")
        };
        let middleware = SessionMiddleware::new(sessions.clone());
        let written = App::new().wrap(middleware.clone()).route("/", get().to(handler));
        let refused = App::new().wrap(from_fn(refuse)).wrap(middleware);
        for response in [answer(&init_service(written).await, "").await, answer(&init_service(refused).await, "").await]
        {
            assert_eq!((response.status, response.text.as_str()), (status, text));
            assert_eq!(response.headers.len(), 1, "{:?}", response.headers);
        }
        assert_eq!(sessions.counts(), (2, 2));
    }
    let line = line_with("the store at 10.0.0.7 is down");
    assert!(line.contains("ERROR") && line.contains("connection refused"), "{line}");
}

#[actix_web::test]
async fn while_the_backend_is_down_a_handler_does_not_run_or_has_an_anonymous_session_by_choice() {
    for (on_outage, status, text) in [
        (OnOutage::Refuse, 503, "The session store is unavailable. Please try again.\n"),
        (OnOutage::Anonymous, 200, "anonymous: true"),
    ] {
        let sessions = Watched::new(named("session")).failing_open();
        let handler = |session: Session| async move {
            session.insert("user", "ada").unwrap();
            format!("anonymous: {}", session.is_anonymous())
        };
        let middleware = SessionMiddleware::new(sessions.clone()).on_outage(on_outage);
        let app = init_service(App::new().wrap(middleware).route("/", get().to(handler))).await;
        let response = answer(&app, "session=x").await;
        assert_eq!((response.status, response.text.as_str()), (status, text));
        assert!(response.set_cookies().is_empty());
        assert_eq!(sessions.counts(), (1, 0));
    }
}

#[actix_web::test]
async fn a_handler_that_takes_a_result_learns_of_the_outage_and_one_that_takes_an_option_does_not() {
    let middleware = SessionMiddleware::new(Watched::new(named("session")).failing_open());
    let result = |session: Result<Session, Error>| async move { format!("{:?}", session.map_err(|e| e.kind()).err()) };
    let app = App::new().wrap(middleware.clone()).route("/", get().to(result));
    assert_eq!(answer(&init_service(app).await, "").await.text, "Some(Unavailable)");
    let option = |session: Option<Session>| async move { session.is_some().to_string() };
    let app = App::new().wrap(middleware).route("/", get().to(option));
    assert_eq!(answer(&init_service(app).await, "").await.text, "false");
}
