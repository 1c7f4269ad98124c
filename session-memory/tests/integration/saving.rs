//! Saving before the response, and after it.

use std::sync::Arc;

use session_core::interface::{Opened, state_of};
use session_core::request::{RequestSession, RequestView};
use session_core::{ErrorKind, OutagePolicy, Outcome, Session, SessionConfig, SessionInterface};
use session_memory::{MemorySessions, MemoryStore};

fn sessions() -> Arc<dyn SessionInterface> {
    Arc::new(MemorySessions::new(MemoryStore::new(), SessionConfig::default()))
}

fn request(sessions: &Arc<dyn SessionInterface>, cookie: &str) -> RequestSession {
    let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
    RequestSession::with_shared(Arc::clone(sessions), view, OutagePolicy::Refuse)
}

async fn commit(request: &RequestSession) -> Option<String> {
    let headers = request.commit().await.into_result().unwrap();
    headers.set_cookie().map(|header| header.split(';').next().unwrap().to_owned())
}

/// Stores a session with `n` = 1 and returns its cookie.
async fn started(sessions: &Arc<dyn SessionInterface>) -> String {
    let first = request(sessions, "");
    first.session().await.unwrap().insert("n", 1).unwrap();
    commit(&first).await.unwrap()
}

async fn read(sessions: &Arc<dyn SessionInterface>, cookie: &str) -> String {
    state_of(&request(sessions, cookie).session().await.unwrap()).payload()
}

fn increment(session: &Session) {
    session.update("n", |n: Option<u64>| Some(n.unwrap_or(0) + 1)).unwrap();
}

#[tokio::test]
async fn manual_save_stores_at_once_and_commit_sets_cookie() {
    let sessions = sessions();
    let first = request(&sessions, "");
    let session = first.session().await.unwrap();
    session.insert("a", 1).unwrap();
    assert_eq!(session.save().await.unwrap(), Outcome::Stored);
    session.insert("b", 2).unwrap();
    let cookie = commit(&first).await.unwrap();
    assert_eq!(read(&sessions, &cookie).await, r#"{"a":1,"b":2}"#);

    let second = request(&sessions, "");
    let session = second.session().await.unwrap();
    session.insert("a", 1).unwrap();
    session.save().await.unwrap();
    let cookie = commit(&second).await.unwrap();
    assert_eq!(read(&sessions, &cookie).await, r#"{"a":1}"#);
}

#[tokio::test]
async fn manual_save_merges_others_changes_and_applies_own_once() {
    let sessions = sessions();
    let cookie = started(&sessions).await;
    let (one, other) = (request(&sessions, &cookie), request(&sessions, &cookie));
    let (mine, theirs) = (one.session().await.unwrap(), other.session().await.unwrap());
    increment(&theirs);
    theirs.insert("theirs", 1).unwrap();
    commit(&other).await;
    increment(&mine);
    assert_eq!(mine.save().await.unwrap(), Outcome::Stored);
    assert_eq!(mine.get::<u64>("n").unwrap(), Some(3));
    assert!(mine.contains_key("theirs") && !mine.is_modified());
    increment(&mine);
    commit(&one).await;
    assert_eq!(read(&sessions, &cookie).await, r#"{"n":4,"theirs":1}"#);
}

#[tokio::test]
async fn save_of_ended_session_reports_dropped() {
    let sessions = sessions();
    let cookie = started(&sessions).await;
    let (slow, logout) = (request(&sessions, &cookie), request(&sessions, &cookie));
    let session = slow.session().await.unwrap();
    logout.session().await.unwrap().log_out().await.unwrap();
    commit(&logout).await;
    increment(&session);
    assert_eq!(session.save().await.unwrap(), Outcome::Dropped);
    increment(&session);
    assert_eq!(commit(&slow).await, None);
    assert_eq!(
        (session.outcome(), read(&sessions, &cookie).await),
        (Some(Outcome::Dropped), "{}".to_owned())
    );
}

#[tokio::test]
async fn logout_and_new_session_are_saved_in_one_request() {
    let sessions = sessions();
    let cookie = started(&sessions).await;
    let one = request(&sessions, &cookie);
    let session = one.session().await.unwrap();
    assert_eq!(session.log_out().await.unwrap(), Outcome::Stored);
    assert_eq!(read(&sessions, &cookie).await, "{}");
    session.flash("bye").unwrap();
    let fresh = commit(&one).await.unwrap();
    assert_ne!(fresh, cookie);
    assert!(read(&sessions, &fresh).await.contains("bye"));
}

#[tokio::test]
async fn session_reopened_after_commit_is_saved() {
    let sessions = sessions();
    let first = request(&sessions, "");
    let session = first.session().await.unwrap();
    session.insert("n", 1).unwrap();
    let cookie = commit(&first).await.unwrap();
    assert_eq!(session.insert("n", 2).unwrap_err().kind(), ErrorKind::Committed);
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Committed);

    for expected in 2..5 {
        let reopened = session.reopen().await.unwrap();
        increment(&reopened);
        assert_eq!(reopened.save().await.unwrap(), Outcome::Stored);
        assert_eq!(read(&sessions, &cookie).await, format!(r#"{{"n":{expected}}}"#));
    }
    let reopened = session.reopen().await.unwrap();
    assert_eq!(reopened.rotate_id().unwrap_err().kind(), ErrorKind::Committed);
    let refused = reopened.log_in("ada", None).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Committed);
    assert_eq!(reopened.log_out().await.unwrap(), Outcome::Stored);
    assert_eq!(read(&sessions, &cookie).await, "{}");
}

#[tokio::test]
async fn cancelled_save_leaves_changes_to_commit() {
    let sessions = sessions();
    let cookie = started(&sessions).await;
    let one = request(&sessions, &cookie);
    let session = one.session().await.unwrap();
    increment(&session);
    drop(session.save());
    assert!(session.is_modified());
    commit(&one).await;
    assert_eq!(read(&sessions, &cookie).await, r#"{"n":2}"#);
}

#[tokio::test]
async fn session_made_by_hand_cannot_be_saved_or_reopened() {
    let by_hand = Opened::new().into_session();
    assert_eq!(by_hand.save().await.unwrap_err().kind(), ErrorKind::Unconfigured);
    assert_eq!(by_hand.reopen().await.unwrap_err().kind(), ErrorKind::Unconfigured);
}
