//! An application with nothing configured that could keep a session: it serves, and says at the first write what to set.

#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::Router;
use axum::routing::{MethodRouter, get};
use http::StatusCode;
use session_core::{ErrorKind, NullSessions};
use session_tower::{Error, Session, SessionLayer};
use support::{answer, header_names, set_cookies, text, vary};

const ADVICE: &str = "set SECRET_KEY to keep sessions";

fn app(handler: MethodRouter) -> Router {
    Router::new().route("/", handler).layer(SessionLayer::new(NullSessions::new(ADVICE)))
}

#[tokio::test]
async fn reads_behave_as_empty_and_only_vary_is_sent() {
    let handler = |session: Session| async move {
        let user = session.get::<String>("user").unwrap();
        let removed = session.remove::<String>("user").unwrap();
        let flashes = session.take_flashes().unwrap();
        format!("{user:?} {removed:?} {} {} {}", flashes.len(), session.is_empty(), session.is_null())
    };
    let response = answer(&app(get(handler)), "session=eyJ1c2VyIjoiYWRhIn0.ZVPxAA.x").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!((vary(&response), set_cookies(&response).len()), (vec!["Cookie"], 0));
    assert_eq!(text(response).await, "None None 0 true true");
}

#[tokio::test]
async fn a_request_that_never_asks_gets_no_header_at_all() {
    let response = answer(&app(get(|| async { StatusCode::NO_CONTENT })), "session=x").await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert!(header_names(&response).is_empty(), "{:?}", response.headers());
}

#[tokio::test]
async fn every_write_says_what_to_configure() {
    let handler = |session: Session| async move {
        let attempts = [
            session.insert("user", "ada"),
            session.get_or_insert("visits", 1).map(|_| ()),
            session.update("visits", |_: Option<u64>| Some(1)),
            session.clear(),
            session.flash("welcome"),
            session.set_permanent(true),
            session.set_modified(true),
        ];
        for attempt in attempts {
            let error = attempt.unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Unconfigured, ADVICE));
        }
    };
    let response = answer(&app(get(handler)), "").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!((vary(&response), set_cookies(&response).len()), (vec!["Cookie"], 0));
}

#[tokio::test]
async fn a_write_with_a_question_mark_is_500_that_only_varies() {
    let handler = |session: Session| async move {
        session.insert("user", "ada")?;
        Ok::<_, Error>("never")
    };
    let response = answer(&app(get(handler)), "").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!((vary(&response), set_cookies(&response).len()), (vec!["Cookie"], 0));
    assert_eq!(text(response).await, "The session failed.\n");
}
