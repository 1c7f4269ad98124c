//! Handlers that lose a change or revive a session on the store of tower-sessions, and do neither
//! here. The tests on both stores run the same requests.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use support::{Browser, memory, on_ours, on_theirs};
use tokio::sync::Notify;
use tower_sessions::Session;

/// Reports that a slow handler has changed its session, and allows it to respond.
#[derive(Clone, Default)]
struct Gate {
    changed: Arc<Notify>,
    respond: Arc<Notify>,
}

fn routes(gate: &Gate) -> Router {
    let gate = gate.clone();
    let slow = async move |session: Session, Path(key): Path<String>| {
        session.insert(&key, 1).await.unwrap();
        gate.changed.notify_one();
        gate.respond.notified().await;
    };
    Router::new()
        .route("/slow/{key}", get(slow))
        .route("/set/{key}", get(set))
        .route("/remove/{key}", get(remove))
        .route("/has/{key}", get(has))
        .route("/cycle", get(async |session: Session| session.cycle_id().await.unwrap()))
        .route("/flush", get(async |session: Session| session.flush().await.unwrap()))
}

async fn set(session: Session, Path(key): Path<String>) {
    session.insert(&key, 1).await.unwrap();
}

async fn remove(session: Session, Path(key): Path<String>) {
    session.remove::<u8>(&key).await.unwrap();
}

async fn has(session: Session, Path(key): Path<String>) -> String {
    session.get::<u8>(&key).await.unwrap().is_some().to_string()
}

/// Sends a slow request that sets `slow`, and another request before its response. Returns the
/// browser of the other request.
async fn overlap(application: impl FnOnce(Router) -> Router, other: &str) -> Browser {
    let gate = Gate::default();
    let mut browser = Browser::new(application(routes(&gate)));
    browser.get("/set/first").await;
    // Without its last key, the session would end.
    browser.get("/set/last").await;
    let mut slow = browser.clone();
    let slow = tokio::spawn(async move { slow.get("/slow/slow").await.status });
    gate.changed.notified().await;
    browser.get(other).await;
    gate.respond.notify_one();
    assert_eq!(slow.await.unwrap(), http::StatusCode::OK);
    browser
}

fn ours(routes: Router) -> Router {
    on_ours(routes, memory())
}

#[tokio::test]
async fn concurrent_inserts_are_both_stored() {
    let mut browser = overlap(ours, "/set/other").await;
    assert_eq!(browser.text("/has/slow").await, "true");
    assert_eq!(browser.text("/has/other").await, "true");
}

#[tokio::test]
async fn their_store_loses_concurrent_insert() {
    let mut browser = overlap(on_theirs, "/set/other").await;
    assert_eq!(browser.text("/has/slow").await, "true");
    assert_eq!(browser.text("/has/other").await, "false");
}

#[tokio::test]
async fn concurrent_removal_is_stored() {
    let mut browser = overlap(ours, "/remove/first").await;
    assert_eq!(browser.text("/has/slow").await, "true");
    assert_eq!(browser.text("/has/first").await, "false");
}

#[tokio::test]
async fn their_store_loses_concurrent_removal() {
    let mut browser = overlap(on_theirs, "/remove/first").await;
    assert_eq!(browser.text("/has/first").await, "true");
}

/// Returns the session that a copy of the cookie from before the logout opens after both responses.
async fn after_flush(application: impl FnOnce(Router) -> Router) -> (String, String) {
    let gate = Gate::default();
    let mut browser = Browser::new(application(routes(&gate)));
    browser.get("/set/first").await;
    let mut copy = browser.clone();
    let mut slow = browser.clone();
    let slow = tokio::spawn(async move { slow.get("/slow/slow").await.status });
    gate.changed.notified().await;
    browser.get("/flush").await;
    gate.respond.notify_one();
    slow.await.unwrap();
    (copy.text("/has/first").await, copy.text("/has/slow").await)
}

#[tokio::test]
async fn flushed_session_is_not_revived() {
    assert_eq!(after_flush(ours).await, ("false".to_owned(), "false".to_owned()));
}

#[tokio::test]
async fn explicit_save_of_flushed_session_is_error() {
    let gate = Gate::default();
    let Gate { changed, respond } = gate.clone();
    let save = async move |session: Session| {
        session.insert("slow", 1).await.unwrap();
        changed.notify_one();
        respond.notified().await;
        session.save().await.unwrap_err().to_string()
    };
    let mut browser = Browser::new(ours(routes(&gate).route("/save", get(save))));
    browser.get("/set/first").await;
    let mut slow = browser.clone();
    let slow = tokio::spawn(async move { slow.get("/save").await.text });
    gate.changed.notified().await;
    browser.get("/flush").await;
    gate.respond.notify_one();
    let error = slow.await.unwrap();
    assert!(error.contains("ended by another request"), "{error}");
}

#[tokio::test]
async fn their_store_revives_flushed_session() {
    assert_eq!(after_flush(on_theirs).await, ("true".to_owned(), "true".to_owned()));
}

#[tokio::test]
async fn change_beside_new_id_reaches_session() {
    let mut browser = overlap(ours, "/cycle").await;
    assert_eq!(browser.text("/has/first").await, "true");
    assert_eq!(browser.text("/has/slow").await, "true");
}

#[tokio::test]
async fn their_store_loses_change_beside_new_id() {
    let mut browser = overlap(on_theirs, "/cycle").await;
    assert_eq!(browser.text("/has/first").await, "true");
    assert_eq!(browser.text("/has/slow").await, "false");
}
