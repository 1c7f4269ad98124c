//! Requests of one session that overlap, and manual saves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use merging_interface::MergingSessions;
use session_core::interface::state_of;
use session_core::request::{RequestSession, RequestView};
use session_core::{
    ErrorKind, ManualClock, OutagePolicy, Outcome, Session, SessionConfig, SessionInterface as _,
};

/// A client with one cookie.
struct Client {
    sessions: Arc<MergingSessions>,
    clock: ManualClock,
    cookie: String,
}

impl Client {
    /// Stores a session with `n` = 0.
    async fn with_session() -> Self {
        let clock = ManualClock::at(SystemTime::now());
        let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
        let sessions = Arc::new(MergingSessions::new(config));
        let mut client = Self { sessions, clock, cookie: String::new() };
        let (request, session) = client.request().await;
        session.insert("n", 0).unwrap();
        assert!(client.finish(&request).await);
        client
    }

    /// Returns a request in progress, and its session.
    async fn request(&self) -> (RequestSession, Session) {
        let view = RequestView::builder().cookie_header(self.cookie.as_bytes()).build();
        let sessions = Arc::clone(&self.sessions);
        let request = RequestSession::with_shared(sessions, view, OutagePolicy::Refuse);
        let session = request.session().await.unwrap();
        (request, session)
    }

    /// Commits a request. Returns whether the response sets the cookie.
    async fn finish(&mut self, request: &RequestSession) -> bool {
        let headers = request.commit().await.into_result().unwrap();
        let cookie = headers.set_cookie().map(|header| header.split(';').next().unwrap());
        cookie.map(|cookie| cookie.clone_into(&mut self.cookie)).is_some()
    }

    async fn payload(&self) -> String {
        state_of(&self.request().await.1).payload()
    }
}

fn increment(session: &Session) {
    session.update("n", |n: Option<u64>| n.map(|n| n + 1)).unwrap();
}

#[tokio::test]
async fn manual_saves_keep_changes_of_both_requests() {
    let mut client = Client::with_session().await;
    let (one, first) = client.request().await;
    let (other, second) = client.request().await;
    for (session, key) in [(&first, "a"), (&second, "b")] {
        increment(session);
        session.insert(key, key).unwrap();
        assert_eq!(session.save().await.unwrap(), Outcome::Stored);
    }
    assert_eq!(state_of(&second).payload(), r#"{"n":2,"a":"a","b":"b"}"#);
    increment(&first);
    client.finish(&one).await;
    client.finish(&other).await;
    assert_eq!(client.payload().await, r#"{"n":3,"a":"a","b":"b"}"#);
}

#[tokio::test]
async fn request_in_progress_survives_rotation() {
    let mut client = Client::with_session().await;
    let (slow, session) = client.request().await;
    increment(&session);
    let (rotating, rotated) = client.request().await;
    rotated.rotate_id().unwrap();
    let old = client.cookie.clone();
    assert!(client.finish(&rotating).await);
    assert_ne!(client.cookie, old);
    assert!(!client.finish(&slow).await, "the cookie of the rotation must stay");
    assert_eq!(session.outcome(), Some(Outcome::Stored));
    assert_eq!(client.payload().await, r#"{"n":1}"#);
}

#[tokio::test]
async fn request_with_rotated_id_starts_no_session() {
    let mut client = Client::with_session().await;
    let (rotating, session) = client.request().await;
    session.rotate_id().unwrap();
    let old = client.cookie.clone();
    client.finish(&rotating).await;
    let new = std::mem::replace(&mut client.cookie, old);
    let (request, session) = client.request().await;
    session.insert("m", 1).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    assert_eq!((headers.set_cookie(), session.outcome()), (None, Some(Outcome::Dropped)));
    client.cookie = new;
    assert_eq!(client.payload().await, r#"{"n":0}"#);
}

#[tokio::test]
async fn concurrent_rotations_give_one_new_id() {
    let mut client = Client::with_session().await;
    let (one, first) = client.request().await;
    let (other, second) = client.request().await;
    for session in [&first, &second] {
        increment(session);
        session.rotate_id().unwrap();
    }
    assert!(client.finish(&one).await);
    assert!(!client.finish(&other).await);
    assert_eq!(client.payload().await, r#"{"n":2}"#);
}

#[tokio::test]
async fn request_in_progress_is_cut_off_by_login() {
    let mut client = Client::with_session().await;
    let (slow, session) = client.request().await;
    increment(&session);
    let (login, user) = client.request().await;
    user.log_in("ada", None).await.unwrap();
    client.finish(&login).await;
    assert!(!client.finish(&slow).await);
    assert_eq!(session.outcome(), Some(Outcome::Dropped));
    assert_eq!(client.payload().await, r#"{"n":0}"#);
}

#[tokio::test]
async fn reopened_session_is_saved_but_not_started() {
    let mut client = Client::with_session().await;
    let (request, session) = client.request().await;
    client.finish(&request).await;
    let reopened = session.reopen().await.unwrap();
    increment(&reopened);
    assert_eq!(reopened.save().await.unwrap(), Outcome::Stored);
    assert_eq!(client.payload().await, r#"{"n":1}"#);

    assert_eq!(reopened.log_out().await.unwrap(), Outcome::Stored);
    reopened.insert("m", 1).unwrap();
    assert_eq!(reopened.save().await.unwrap_err().kind(), ErrorKind::Committed);
    assert_eq!(client.payload().await, "{}");
}

#[tokio::test]
async fn sweep_removes_expired_sessions_only() {
    let client = Client::with_session().await;
    let config = client.sessions.config();
    client.clock.advance(config.record_lifetime(None::<Duration>));
    assert_eq!(client.sessions.sweep(), 0);
    client.clock.advance(Duration::from_secs(1));
    assert_eq!(client.sessions.sweep(), 1);
}
