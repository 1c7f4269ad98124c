//! Errors of handlers, middleware and backends: each becomes a response without details, which
//! saves the session if it was used.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service as _, ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorBadRequest, InternalError};
use actix_web::http::header::{HeaderName, SET_COOKIE, VARY};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, init_service};
use actix_web::web::get;
use actix_web::{App, HttpResponse};
use session_actix::{Error, MarkedSession, OutagePolicy, Session, SessionMiddleware};
use session_core::ErrorKind;
use session_memory::{MemorySessions, MemoryStore};
use support::{Watched, cookie, named, pair, payload, reopen, send, settings};

/// Returns what all tests have logged since the first call. Each test searches for its own words.
///
/// All tests share one subscriber, because `tracing` caches for each call site whether a subscriber
/// is interested. Subscribers of several threads would race for that cache.
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
async fn handler_error_response_has_status_and_no_details() {
    log();
    let rows = [
        (ErrorKind::Unavailable, 503),
        (ErrorKind::Backend, 500),
        (ErrorKind::Configuration, 500),
        (ErrorKind::Unconfigured, 500),
        (ErrorKind::Malformed, 500),
        (ErrorKind::Value, 500),
        (ErrorKind::Conflict, 500),
        (ErrorKind::Committed, 500),
        (ErrorKind::TooLarge, 500),
    ];
    for (kind, status) in rows {
        let handler = move || async move {
            let source = io::Error::other(format!("dsn postgres://shop for {kind:?}"));
            let message = format!("host 10.0.0.7 refused, {kind:?}");
            Err::<(), _>(session_core::Error::new(kind, message).with_source(source))?;
            Ok::<_, Error>("never")
        };
        let response =
            send(&init_service(App::new().route("/", get().to(handler))).await, "").await;
        assert_eq!(
            (response.status, response.all("content-type")),
            (status, vec!["text/plain; charset=utf-8"])
        );
        let text = response.text;
        assert!(
            !text.is_empty() && !text.contains("10.0.0.7") && !text.contains("postgres"),
            "{text}"
        );
        let line = line_with(&format!("host 10.0.0.7 refused, {kind:?}"));
        assert!(
            line.contains("ERROR") && line.contains(&format!("dsn postgres://shop for {kind:?}")),
            "{line}"
        );
    }
}

#[actix_web::test]
async fn value_error_response_saves_session() {
    log();
    let handler = |session: Session| async move {
        session.insert("basket", "hunter2")?;
        let basket = session.get::<Vec<u64>>("basket")?;
        Ok::<_, Error>(format!("{basket:?}"))
    };
    let cookies = named("session");
    let app =
        App::new().wrap(SessionMiddleware::new(cookies.clone())).route("/", get().to(handler));
    let response = send(&init_service(app).await, "").await;
    assert_eq!((response.status, response.text.as_str()), (500, "The session failed.\n"));
    assert_eq!(
        payload(&reopen(&cookies, response.set_cookies()[0]).await),
        r#"{"basket":"hunter2"}"#
    );
    let line = line_with("basket");
    assert!(line.contains("is not a") && line.contains("JSON of another type"), "{line}");
}

struct Orders;

#[actix_web::test]
async fn missing_middleware_is_logged_with_path_and_remedy() {
    log();
    let app =
        init_service(App::new().route("/", get().to(|_: MarkedSession<Orders>| async { "never" })))
            .await;
    assert_eq!(send(&app, "").await.status, 500);
    let line = line_with("Orders");
    assert!(
        line.contains("no session middleware serves /") && line.contains("SessionMiddleware::new"),
        "{line}"
    );
}

/// Writes to the session and refuses the request.
async fn refuse(
    session: Session,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    session.insert("refused", true)?;
    if request.path() == "/" {
        let response = HttpResponse::BadRequest().insert_header((VARY, "Accept")).body("no");
        return Err(InternalError::from_response("refused on purpose", response).into());
    }
    next.call(request).await
}

#[actix_web::test]
async fn inner_service_error_is_kept_and_saves_session() {
    let cookies = named("session");
    let sessions = Watched::new(cookies.clone());
    let app = App::new().wrap(from_fn(refuse)).wrap(SessionMiddleware::new(sessions.clone()));
    let app = init_service(app).await;

    let error = app.call(TestRequest::default().to_request()).await.map(|_| ()).unwrap_err();
    assert!(error.as_error::<InternalError<&str>>().is_some(), "{error:?}");

    let response = send(&app, "").await;
    assert_eq!((response.status, response.text.as_str()), (400, "no"));
    assert_eq!(response.all("vary"), ["Accept, Cookie"]);
    assert_eq!(response.set_cookies().len(), 1);
    assert_eq!(payload(&reopen(&cookies, response.set_cookies()[0]).await), r#"{"refused":true}"#);
    assert_eq!(sessions.counts(), (2, 2));
}

#[actix_web::test]
async fn inner_service_error_saves_sessions_of_both_middlewares() {
    let app = App::new()
        .wrap(from_fn(refuse))
        .wrap(from_fn(
            async |session: MarkedSession<Orders>, request: ServiceRequest, next: Next<_>| {
                session.insert("order", 7)?;
                next.call(request).await
            },
        ))
        .wrap(SessionMiddleware::<Orders>::marked(named("orders")))
        .wrap(SessionMiddleware::new(named("session")));
    let response = send(&init_service(app).await, "").await;
    assert_eq!((response.status, response.all("vary")), (400, vec!["Accept, Cookie"]));
    let set_cookies = response.set_cookies();
    assert_eq!(set_cookies.len(), 2, "{set_cookies:?}");
    assert_eq!(payload(&reopen(&named("orders"), set_cookies[0]).await), r#"{"order":7}"#);
    assert_eq!(payload(&reopen(&named("session"), set_cookies[1]).await), r#"{"refused":true}"#);
}

#[actix_web::test]
async fn inner_service_error_without_session_is_unchanged() {
    let sessions = Watched::new(named("session"));
    let app = App::new()
        .wrap(from_fn(async |request: ServiceRequest, next: Next<_>| {
            if request.path() == "/" {
                Err(ErrorBadRequest("no"))
            } else {
                next.call(request).await
            }
        }))
        .wrap(SessionMiddleware::new(sessions.clone()));
    let ada = cookie(&named("session"), |session| session.insert("user", "ada").unwrap()).await;
    let response = send(&init_service(app).await, &ada).await;
    assert_eq!((response.status, response.text.as_str(), response.headers.len()), (400, "no", 1));
    assert_eq!(sessions.counts(), (0, 0));
}

#[actix_web::test]
async fn failed_save_replaces_response_and_inner_error() {
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
        for response in [
            send(&init_service(written).await, "").await,
            send(&init_service(refused).await, "").await,
        ] {
            assert_eq!((response.status, response.text.as_str()), (status, text));
            let mut names: Vec<_> = response.headers.keys().map(HeaderName::as_str).collect();
            names.sort_unstable();
            let retry_after: &[_] = if status == 503 { &["retry-after"] } else { &[] };
            let expected = [&["cache-control", "content-type"], retry_after, &["vary"]].concat();
            assert_eq!(names, expected);
            assert_eq!(response.all("vary"), ["Cookie"]);
        }
        assert_eq!(sessions.counts(), (2, 2));
    }
    let line = line_with("the store at 10.0.0.7 is down");
    assert!(line.contains("ERROR") && line.contains("connection refused"), "{line}");
}

#[actix_web::test]
async fn outage_follows_policy() {
    for (on_outage, status, text) in [
        (OutagePolicy::Refuse, 503, "The session store is unavailable. Please try again.\n"),
        (OutagePolicy::Anonymous, 200, "anonymous: true"),
    ] {
        let sessions = Watched::new(named("session")).failing_open();
        let handler = |session: Session| async move {
            session.insert("user", "ada").unwrap();
            format!("anonymous: {}", session.is_anonymous())
        };
        let middleware = SessionMiddleware::new(sessions.clone()).on_outage(on_outage);
        let app = init_service(App::new().wrap(middleware).route("/", get().to(handler))).await;
        let response = send(&app, "session=x").await;
        assert_eq!((response.status, response.text.as_str()), (status, text));
        assert!(response.set_cookies().is_empty());
        assert_eq!(sessions.counts(), (1, 0));
    }
}

#[actix_web::test]
async fn result_extractor_has_outage_error_and_option_is_none() {
    let middleware = SessionMiddleware::new(Watched::new(named("session")).failing_open());
    let result = |session: Result<Session, Error>| async move {
        format!("{:?}", session.map_err(|e| e.kind()).err())
    };
    let app = App::new().wrap(middleware.clone()).route("/", get().to(result));
    assert_eq!(send(&init_service(app).await, "").await.text, "Some(Unavailable)");
    let option = |session: Option<Session>| async move { session.is_some().to_string() };
    let app = App::new().wrap(middleware).route("/", get().to(option));
    assert_eq!(send(&init_service(app).await, "").await.text, "false");
}

/// Stores the session under a new id, and then writes a value that the commit cannot store.
async fn rotate(session: Session) -> Result<HttpResponse, Error> {
    session.rotate_id()?;
    session.save().await?;
    session.insert("lost", true)?;
    let mut response = HttpResponse::Ok();
    let response = response.append_header((VARY, "Accept"));
    Ok(response.append_header((SET_COOKIE, "theme=dark")).body("rotated"))
}

/// As [`rotate`], in a middleware that returns an error.
async fn rotate_and_fail(
    session: Session,
    _: ServiceRequest,
    _: Next<BoxBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    rotate(session).await?;
    Err(ErrorBadRequest("no"))
}

#[actix_web::test]
async fn failed_commit_sends_cookie_of_earlier_save() {
    let memory = Arc::new(MemorySessions::new(MemoryStore::new(), settings().build().unwrap()));
    let middleware = || {
        let failing = Watched::new(Arc::clone(&memory));
        SessionMiddleware::new(failing.failing_save_after(1, ErrorKind::Unavailable))
    };
    let written = init_service(App::new().wrap(middleware()).route("/", get().to(rotate))).await;
    let refused = init_service(App::new().wrap(from_fn(rotate_and_fail)).wrap(middleware())).await;
    let log_in = |session: &session_core::Session| session.insert("user", "ada").unwrap();
    let old = [cookie(&memory, log_in).await, cookie(&memory, log_in).await];
    let responses = [send(&written, &old[0]).await, send(&refused, &old[1]).await];
    for (old, response) in old.iter().zip(&responses) {
        let text = "The session store is unavailable. Please try again.\n";
        assert_eq!((response.status, response.text.as_str()), (503, text));
        assert_eq!(response.all("vary"), ["Cookie"]);
        assert_eq!(response.all("cache-control"), ["no-store"]);
        let sent = response.set_cookies();
        assert!(sent.len() == 1 && pair(sent[0]) != old, "{sent:?}");
        assert_eq!(payload(&reopen(&memory, sent[0]).await), r#"{"user":"ada"}"#);
        assert_eq!(payload(&reopen(&memory, old).await), "{}");
    }
}
