//! Error responses: the client gets a status and no details, and the log has the details.

#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{self, Write};
use std::sync::{Mutex, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use session_core::ErrorKind;
use session_tower::csrf::Csrf;
use session_tower::guard::CurrentUser;
use session_tower::remember::Remember;
use session_tower::{Error, MarkedSession, Session, SessionLayer};
use support::{payload, reopen, send, set_cookies, settings, signed, text};
use tower::ServiceExt as _;

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

#[tokio::test]
async fn handler_error_response_has_status_and_no_details() {
    log();
    let rows = [
        (ErrorKind::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
        (ErrorKind::Backend, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::Configuration, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::Unconfigured, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::Malformed, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::Value, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::Conflict, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::Committed, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::TooLarge, StatusCode::INTERNAL_SERVER_ERROR),
    ];
    for (kind, status) in rows {
        let handler = move || async move {
            let source = io::Error::other(format!("dsn postgres://shop for {kind:?}"));
            let message = format!("host 10.0.0.7 refused, {kind:?}");
            Err::<(), _>(session_core::Error::new(kind, message).with_source(source))?;
            Ok::<_, Error>("never")
        };
        let response = send(&Router::new().route("/", get(handler)), "").await;
        assert_eq!(response.status(), status, "{kind:?}");
        let body = text(response).await;
        assert!(
            !body.is_empty() && !body.contains("10.0.0.7") && !body.contains("postgres"),
            "{body}"
        );
        let line = line_with(&format!("host 10.0.0.7 refused, {kind:?}"));
        assert!(
            line.contains("ERROR") && line.contains(&format!("dsn postgres://shop for {kind:?}")),
            "{line}"
        );
    }
}

#[tokio::test]
async fn value_error_response_saves_session() {
    log();
    let handler = |session: Session| async move {
        session.insert("basket", "hunter2")?;
        let basket = session.get::<Vec<u64>>("basket")?;
        Ok::<_, Error>(format!("{basket:?}"))
    };
    let cookies = signed(settings());
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(cookies.clone()));
    let response = send(&app, "").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        payload(&reopen(&cookies, set_cookies(&response)[0]).await),
        r#"{"basket":"hunter2"}"#
    );
    assert_eq!(text(response).await, "The session failed.\n");
    let line = line_with("basket");
    assert!(line.contains("is not a") && line.contains("JSON of another type"), "{line}");
}

#[derive(Clone)]
struct Orders;

#[tokio::test]
async fn missing_layer_is_logged_with_path_and_remedy() {
    log();
    let session = get(|_: MarkedSession<Orders>| async { "never" });
    let remember = get(|_: Remember| async { "never" });
    let csrf = get(|_: Csrf| async { "never" });
    let user = get(|_: CurrentUser<Orders>| async { "never" });
    for (handler, words, remedy) in [
        (session, "no session layer serves", "SessionLayer::new"),
        (remember, "no remember-me layer serves", "RememberLayer::new"),
        (csrf, "no CSRF layer serves", "CsrfLayer::new"),
        (user, "no guard with users", "GuardLayer::new"),
    ] {
        let app = Router::new().nest("/shop", Router::new().route("/", handler));
        let request = Request::get("/shop").body(Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let line = line_with(words);
        assert!(line.contains("serves /shop") && line.contains(remedy), "{line}");
    }
}

#[tokio::test]
async fn failed_save_is_logged_with_source() {
    log();
    let sessions = support::Watched::new(signed(settings())).failing_save(ErrorKind::Backend);
    let handler = |session: Session| async move { session.insert("user", "ada").unwrap() };
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions));
    assert_eq!(send(&app, "").await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let line = line_with("the store at 10.0.0.7 is down");
    assert!(line.contains("ERROR") && line.contains("connection refused"), "{line}");
}
