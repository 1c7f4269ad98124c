//! An error in a handler: the client learns its status and nothing of the inside; the log has it all.

#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::{self, Write};
use std::sync::{Mutex, OnceLock};

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use session_core::ErrorKind;
use session_tower::{Error, Session, SessionLayer};
use support::{answer, reopen, set_cookies, settings, signed, text};

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

#[tokio::test]
async fn a_question_mark_in_a_handler_answers_with_a_status_that_fits_and_reveals_nothing() {
    log();
    let rows = [
        (ErrorKind::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
        (ErrorKind::Backend, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::Configuration, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::Unconfigured, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::Malformed, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::Value, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::Sealed, StatusCode::INTERNAL_SERVER_ERROR),
        (ErrorKind::TooLarge, StatusCode::INTERNAL_SERVER_ERROR),
    ];
    for (kind, status) in rows {
        let handler = move || async move {
            let source = io::Error::other(format!("dsn postgres://shop for {kind:?}"));
            let message = format!("host 10.0.0.7 refused, {kind:?}");
            Err::<(), _>(session_core::Error::new(kind, message).with_source(source))?;
            Ok::<_, Error>("never")
        };
        let response = answer(&Router::new().route("/", get(handler)), "").await;
        assert_eq!(response.status(), status, "{kind:?}");
        let body = text(response).await;
        assert!(!body.is_empty() && !body.contains("10.0.0.7") && !body.contains("postgres"), "{body}");
        let line = line_with(&format!("host 10.0.0.7 refused, {kind:?}"));
        assert!(line.contains("ERROR") && line.contains(&format!("dsn postgres://shop for {kind:?}")), "{line}");
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_an_error_response_that_carries_the_session() {
    log();
    let handler = |session: Session| async move {
        session.insert("basket", "hunter2")?;
        let basket = session.get::<Vec<u64>>("basket")?;
        Ok::<_, Error>(format!("{basket:?}"))
    };
    let cookies = signed(settings());
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(cookies.clone()));
    let response = answer(&app, "").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(reopen(&cookies, set_cookies(&response)[0]).await.payload(), r#"{"basket":"hunter2"}"#);
    assert_eq!(text(response).await, "The session failed.\n");
    let line = line_with("basket");
    assert!(line.contains("is not a") && line.contains("JSON of another type"), "{line}");
}

struct Orders;

#[tokio::test]
async fn a_missing_layer_is_logged_with_what_to_add_and_where() {
    log();
    let app = Router::new().route("/", get(|_: Session<Orders>| async { "never" }));
    assert_eq!(answer(&app, "").await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let line = line_with("Orders");
    assert!(line.contains("no session layer serves /") && line.contains("SessionLayer::new"), "{line}");
}

#[tokio::test]
async fn a_failed_save_is_logged_with_its_source() {
    log();
    let sessions = support::Watched::new(signed(settings())).failing_save(ErrorKind::Backend);
    let handler = |session: Session| async move { session.insert("user", "ada").unwrap() };
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions));
    assert_eq!(answer(&app, "").await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let line = line_with("the store at 10.0.0.7 is down");
    assert!(line.contains("ERROR") && line.contains("connection refused"), "{line}");
}
