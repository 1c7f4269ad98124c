//! Manual saves of unknown outcome. No change is lost or applied twice.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use session_core::{Error, ErrorKind, Outcome, Session};

use crate::store::Call::{Create, Load, Remove, Replace};
use crate::support::{App, Handler, at_once, log_in, log_out};

fn increment(session: &Session) -> Result<(), Error> {
    session.update("n", |n: Option<u64>| Some(n.unwrap_or(0) + 1))
}

/// Stores a session with `n` = 0 and returns its cookie.
async fn begin() -> (App, String) {
    let app = App::new();
    let cookie = app.begin(|session| session.insert("n", 0)).await;
    (app, cookie)
}

async fn count(app: &App, cookie: &str) -> u64 {
    app.peek(cookie).await.get("n").unwrap().unwrap()
}

/// Lets requests in another process write the session.
async fn write_by_others(app: &App, cookie: &str, times: u64) {
    for _ in 0..times {
        app.request_elsewhere(cookie, increment).await;
    }
}

#[tokio::test]
async fn lost_manual_save_is_not_applied_again_at_commit() {
    for others in 0..8 {
        let (app, cookie) = begin().await;
        let request = app.open(&cookie);
        let session = request.session().await.unwrap();
        increment(&session).unwrap();
        app.store.lose_reply(Replace);
        app.store.fail(Load, ErrorKind::Unavailable);
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unavailable);
        app.store.recover();
        write_by_others(&app, &cookie, others).await;
        increment(&session).unwrap();
        request.commit().await.into_result().unwrap();
        assert_eq!(count(&app, &cookie).await, others + 2, "{others} other writes");
    }
}

#[tokio::test]
async fn failed_manual_save_is_applied_once_at_commit() {
    for others in 0..4 {
        let (app, cookie) = begin().await;
        let request = app.open(&cookie);
        let session = request.session().await.unwrap();
        increment(&session).unwrap();
        app.store.fail(Replace, ErrorKind::Unavailable);
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Unavailable);
        app.store.recover();
        write_by_others(&app, &cookie, others).await;
        request.commit().await.into_result().unwrap();
        assert_eq!(count(&app, &cookie).await, others + 1, "{others} other writes");
        assert_eq!(session.outcome(), Some(Outcome::Stored));
    }
}

#[tokio::test]
async fn save_conflicts_if_result_of_write_stays_unknown() {
    let (app, cookie) = begin().await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    increment(&session).unwrap();
    app.store.lose_reply(Replace);
    app.store.fail(Load, ErrorKind::Unavailable);
    session.save().await.unwrap_err();
    app.store.recover();
    write_by_others(&app, &cookie, 9).await;
    let error = request.commit().await.into_result().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(count(&app, &cookie).await, 10);
}

#[tokio::test]
async fn lost_reply_is_found_although_others_wrote_since() {
    for others in 0..8 {
        let (app, cookie) = begin().await;
        let request = app.open(&cookie);
        let session = request.session().await.unwrap();
        increment(&session).unwrap();
        app.store.lose_reply(Replace);
        app.store.hold_next(Load);
        {
            let mut commit = pin!(request.commit());
            assert!(poll(commit.as_mut()).is_pending());
            write_by_others(&app, &cookie, others).await;
            app.store.recover();
            let Poll::Ready(committed) = poll(commit.as_mut()) else { panic!("still waiting") };
            committed.into_result().unwrap();
        }
        assert_eq!(session.outcome(), Some(Outcome::Stored));
        assert_eq!(session.get::<u64>("n").unwrap(), Some(others + 1), "the session shows all");
        assert_eq!(count(&app, &cookie).await, others + 1, "{others} other writes");
    }
}

#[tokio::test]
async fn manual_save_overtaken_by_commit_is_not_applied_twice() {
    let (app, cookie) = begin().await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    increment(&session).unwrap();
    app.store.hold_next(Replace);
    let mut first = pin!(session.save());
    assert!(poll(first.as_mut()).is_pending());
    increment(&session).unwrap();
    let mut second = pin!(session.save());
    assert!(poll(second.as_mut()).is_pending(), "it waits for the first");
    let mut commit = pin!(request.commit());
    assert!(poll(commit.as_mut()).is_pending(), "it waits for both");
    app.store.recover();
    let Poll::Ready(Ok(outcome)) = poll(first.as_mut()) else { panic!("the first still waits") };
    assert_eq!(outcome, Outcome::Stored);
    // The response is committed, so the second save is refused and the commit saves.
    let Poll::Ready(refused) = poll(second.as_mut()) else { panic!("the second still waits") };
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Committed);
    let Poll::Ready(committed) = poll(commit.as_mut()) else { panic!("the commit still waits") };
    committed.into_result().unwrap();
    assert_eq!(count(&app, &cookie).await, 2);
}

/// Starts a manual save that merges the write of another process and fails in its second write.
async fn save_that_merges_and_fails(app: &App, cookie: &str, session: &Session, lost_reply: bool) {
    app.store.hold_next(Replace);
    let mut save = pin!(session.save());
    assert!(poll(save.as_mut()).is_pending());
    app.request_elsewhere(cookie, increment).await;
    app.request_elsewhere(cookie, |session| session.insert("theirs", 1)).await;
    app.store.hold_next(Load);
    app.store.resume();
    assert!(poll(save.as_mut()).is_pending(), "it loads the newer record");
    if lost_reply {
        app.store.lose_reply(Replace);
        app.store.resume();
        app.store.fail_after(Load, 1);
    } else {
        app.store.fail(Replace, ErrorKind::Unavailable);
        app.store.resume();
    }
    let failed = poll(save.as_mut()).map(|saved| saved.unwrap_err().kind());
    assert_eq!(failed, Poll::Ready(ErrorKind::Unavailable));
    app.store.recover();
}

#[tokio::test]
async fn failed_save_that_merged_loses_no_change_of_others() {
    for lost_reply in [false, true] {
        for saves in [1, 2] {
            let (app, cookie) = begin().await;
            let request = app.open(&cookie);
            let session = request.session().await.unwrap();
            for _ in 0..saves {
                increment(&session).unwrap();
                save_that_merges_and_fails(&app, &cookie, &session, lost_reply).await;
            }
            request.commit().await.into_result().unwrap();
            let case = format!("{saves} saves, reply lost: {lost_reply}");
            assert_eq!(count(&app, &cookie).await, 2 * saves, "{case}");
            assert!(app.peek(&cookie).await.contains_key("theirs"), "{case}");
        }
    }
}

#[tokio::test]
async fn failed_save_is_applied_once_after_rotation_by_others() {
    for lost_reply in [false, true] {
        let (app, cookie) = begin().await;
        let request = app.open(&cookie);
        let session = request.session().await.unwrap();
        increment(&session).unwrap();
        if lost_reply {
            app.store.lose_reply(Replace);
            app.store.fail(Load, ErrorKind::Unavailable);
        } else {
            app.store.fail(Replace, ErrorKind::Unavailable);
        }
        session.save().await.unwrap_err();
        app.store.recover();
        let new = app.request(&cookie, Session::rotate_id).await.cookie().unwrap();
        request.commit().await.into_result().unwrap();
        assert_eq!(count(&app, &new).await, 1, "reply lost: {lost_reply}");
    }
}

#[tokio::test]
async fn dropped_save_leaves_changes_to_commit() {
    let (app, cookie) = begin().await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    increment(&session).unwrap();
    {
        let mut save = pin!(session.save());
        app.store.hold_next(Replace);
        assert!(poll(save.as_mut()).is_pending());
        app.store.recover();
    }
    assert!(session.is_modified());
    request.commit().await.into_result().unwrap();
    assert_eq!(count(&app, &cookie).await, 1);
}

#[tokio::test]
async fn change_during_save_is_kept_when_save_merges() {
    let (app, cookie) = begin().await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    increment(&session).unwrap();
    app.store.hold_next(Replace);
    let mut save = pin!(session.save());
    assert!(poll(save.as_mut()).is_pending());
    increment(&session).unwrap();
    write_by_others(&app, &cookie, 3).await;
    app.store.recover();
    let Poll::Ready(saved) = poll(save.as_mut()) else { panic!("still waiting") };
    assert_eq!(saved.unwrap(), Outcome::Stored);
    assert_eq!(
        session.get::<u64>("n").unwrap(),
        Some(5),
        "three by other requests, two by this one"
    );
    assert_eq!(count(&app, &cookie).await, 4);
    request.commit().await.into_result().unwrap();
    assert_eq!(count(&app, &cookie).await, 5);
}

#[tokio::test]
async fn logout_login_and_rotation_survive_failed_save() {
    let rotate: Handler = |session| {
        session.rotate_id()?;
        at_once(session.save()).map(drop)
    };
    for (name, handler) in [("logout", log_out as Handler), ("login", log_in), ("rotation", rotate)]
    {
        let (app, cookie) = begin().await;
        let request = app.open(&cookie);
        let session = request.session().await.unwrap();
        for call in [Create, Replace, Remove] {
            app.store.fail(call, ErrorKind::Unavailable);
        }
        handler(&session).unwrap_err();
        app.store.recover();
        session.insert("later", 1).unwrap();
        let headers = request.commit().await.into_result().unwrap();
        let new = crate::support::cookie(&headers).unwrap();
        assert_ne!(new, cookie, "{name}: the id is the old one");
        assert!(app.peek(&cookie).await.is_new(), "{name}: the old id opens a session");
        let session = app.peek(&new).await;
        assert_eq!(session.owner().is_some(), name == "login");
        assert_eq!(session.contains_key("n"), name != "logout");
        assert!(session.contains_key("later"));
    }
}

#[tokio::test]
async fn value_set_after_saved_logout_starts_new_session() {
    let (app, cookie) = begin().await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    assert_eq!(session.log_out().await.unwrap(), Outcome::Stored);
    session.insert("later", 1).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    let new = crate::support::cookie(&headers).unwrap();
    assert_eq!(app.payload(&new).await, r#"{"later":1}"#);
    assert!(app.peek(&cookie).await.is_new());
}

#[tokio::test]
async fn change_after_commit_fails() {
    let (app, cookie) = begin().await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    assert!(!session.is_committed());
    request.commit().await.into_result().unwrap();
    assert!(session.is_committed());
    for change in [increment as Handler, log_out, Session::clear] {
        assert_eq!(change(&session).unwrap_err().kind(), ErrorKind::Committed);
    }
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::Committed);
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
