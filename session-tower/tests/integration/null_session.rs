//! An application without a backend serves pages, and the error of the first write names the
//! missing setting.

#![cfg(feature = "axum")]

use axum::Router;
use axum::routing::{MethodRouter, get};
use http::StatusCode;
use session_core::ErrorKind;
use session_core::interface::NullSessions;
use session_tower::{Error, Session, SessionLayer};

use crate::support::{header_names, send, set_cookies, text, vary};

const ADVICE: &str = "set SECRET_KEY to keep sessions";

fn app(handler: MethodRouter) -> Router {
    Router::new().route("/", handler).layer(SessionLayer::new(NullSessions::new(ADVICE)))
}

#[tokio::test]
async fn reads_of_null_session_are_empty_and_only_vary_is_sent() {
    let handler = |session: Session| async move {
        let user = session.get::<String>("user").unwrap();
        let removed = session.remove::<String>("user").unwrap();
        let flashes = session.take_flashes().unwrap();
        format!("{user:?} {removed:?} {} {}", flashes.len(), session.is_empty())
    };
    let response = send(&app(get(handler)), "session=eyJ1c2VyIjoiYWRhIn0.ZVPxAA.x").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!((vary(&response), set_cookies(&response).len()), (vec!["Cookie"], 0));
    assert_eq!(text(response).await, "None None 0 true");
}

#[tokio::test]
async fn unused_null_session_adds_no_header() {
    let response = send(&app(get(|| async { StatusCode::NO_CONTENT })), "session=x").await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert!(header_names(&response).is_empty(), "{:?}", response.headers());
}

#[tokio::test]
async fn write_to_null_session_returns_configured_reason() {
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
            assert_eq!(
                (error.kind(), error.to_string().as_str()),
                (ErrorKind::Unconfigured, ADVICE)
            );
        }
    };
    let response = send(&app(get(handler)), "").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!((vary(&response), set_cookies(&response).len()), (vec!["Cookie"], 0));
}

#[tokio::test]
async fn failed_write_to_null_session_is_500_with_vary_only() {
    let handler = |session: Session| async move {
        session.insert("user", "ada")?;
        Ok::<_, Error>("never")
    };
    let response = send(&app(get(handler)), "").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!((vary(&response), set_cookies(&response).len()), (vec!["Cookie"], 0));
    assert_eq!(text(response).await, "The session failed.\n");
}
