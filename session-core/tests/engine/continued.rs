//! Repeated saves after an earlier attempt moved the session and other requests continued from
//! there.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use session_core::request::{Committed, RequestSession};
use session_core::{Error, ErrorKind, Outcome, Session};

use crate::store::Call::{self, Create, Load, Replace};
use crate::support::{App, Handler, Response, Saving, log_in, log_in_as};

fn increment(session: &Session) -> Result<(), Error> {
    session.update("n", |n: Option<u64>| Some(n.unwrap_or(0) + 1))
}

fn log_in_as_eve(session: &Session) -> Result<(), Error> {
    log_in_as(session, "eve")
}

/// Stores a session with `n` = 1 and returns its cookie.
async fn begin() -> (App, String) {
    let app = App::new();
    let cookie = app.begin(increment).await;
    (app, cookie)
}

/// Returns a request that has opened its session.
async fn open(app: &App, cookie: &str) -> (RequestSession, Session) {
    let request = app.open(cookie);
    let session = request.session().await.unwrap();
    (request, session)
}

async fn count(app: &App, cookie: &str) -> Option<u64> {
    app.peek(cookie).await.get("n").unwrap()
}

fn sessions(app: &App) -> usize {
    app.store.records().values().filter(|record| record.payload()[0] == 1).count()
}

/// Moves the session and makes the save fail.
async fn move_without_reply(app: &App, session: &Session, saving: Saving) {
    if let Saving::Save = saving {
        session.rotate_id().unwrap();
    }
    app.store.lose_reply(Replace);
    app.store.fail(Load, ErrorKind::Unavailable);
    assert_eq!(saving.run(session).await.unwrap_err().kind(), ErrorKind::Unavailable);
    app.store.recover();
}

async fn commit(request: RequestSession, session: &Session) -> Response {
    let headers = request.commit().await.into_result().unwrap();
    Response::new(headers, session.outcome())
}

#[tokio::test]
async fn rotation_follows_changes_of_new_record() {
    for saving in [Saving::Save, Saving::LogIn] {
        let (app, old) = begin().await;
        let (other, others) = open(&app, &old).await;
        let (request, session) = open(&app, &old).await;
        increment(&session).unwrap();
        move_without_reply(&app, &session, saving).await;
        increment(&others).unwrap();
        let is_followed = commit(other, &others).await.outcome == Some(Outcome::Stored);
        increment(&session).unwrap();
        let response = commit(request, &session).await;
        assert_eq!(response.outcome, Some(Outcome::Stored));
        let expected = 3 + u64::from(is_followed);
        assert_eq!(count(&app, &response.cookie().unwrap()).await, Some(expected));
        assert_eq!(sessions(&app), 1);
    }
}

/// Runs a future until the next call of this kind, which is held.
fn continue_until(app: &App, call: Call, future: Pin<&mut impl Future>) {
    app.store.hold_next(call);
    app.store.resume();
    assert!(future.poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[tokio::test]
async fn rotation_follows_changes_after_late_tombstone() {
    let (app, old) = begin().await;
    // Requests of the same process would wait for each other.
    let elsewhere = app.reconfigured(|config| config);
    let (other, others) = open(&elsewhere, &old).await;
    let (request, session) = open(&app, &old).await;
    app.request_elsewhere(&old, increment).await;
    session.rotate_id().unwrap();
    {
        let mut save = pin!(session.save());
        // The new record gets the change of the other request before the tombstone is written.
        for call in [Load, Replace, Replace] {
            continue_until(&app, call, save.as_mut());
        }
        app.store.delay(Replace);
        app.store.resume();
        assert_eq!(save.await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    increment(&session).unwrap();
    let response = {
        let mut commit = pin!(commit(request, &session));
        for call in [Load, Replace, Load, Replace] {
            continue_until(&app, call, commit.as_mut());
        }
        app.store.apply_late_calls();
        increment(&others).unwrap();
        assert_eq!(self::commit(other, &others).await.outcome, Some(Outcome::Stored));
        app.store.recover();
        commit.await
    };
    assert_eq!(response.outcome, Some(Outcome::Stored));
    assert_eq!(count(&app, &response.cookie().unwrap()).await, Some(4));
    assert_eq!(sessions(&app), 1);
}

#[tokio::test]
async fn login_copies_session_that_was_moved_further() {
    for (other_login, expected) in [(log_in as Handler, 4), (log_in_as_eve, 2)] {
        let (app, old) = begin().await;
        let (other, others) = open(&app, &old).await;
        let (request, session) = open(&app, &old).await;
        increment(&session).unwrap();
        move_without_reply(&app, &session, Saving::Save).await;
        increment(&others).unwrap();
        other_login(&others).unwrap();
        let theirs = commit(other, &others).await.cookie().unwrap();
        increment(&session).unwrap();
        log_in(&session).unwrap();
        let ours = commit(request, &session).await.cookie().unwrap();
        assert_eq!(count(&app, &ours).await, Some(expected));
        assert_eq!(app.peek(&ours).await.owner().as_deref(), Some("ada"));
        assert_eq!(count(&app, &theirs).await, Some(3));
        assert_eq!(sessions(&app), 2);
    }
}

#[tokio::test]
async fn rotation_is_dropped_if_login_moved_session_further() {
    let (app, old) = begin().await;
    let (other, others) = open(&app, &old).await;
    let (request, session) = open(&app, &old).await;
    move_without_reply(&app, &session, Saving::Save).await;
    log_in_as_eve(&others).unwrap();
    let theirs = commit(other, &others).await.cookie().unwrap();
    increment(&session).unwrap();
    let response = commit(request, &session).await;
    assert_eq!((response.outcome, response.cookie()), (Some(Outcome::Dropped), None));
    assert_eq!(count(&app, &theirs).await, Some(1));
}

#[tokio::test]
async fn login_whose_session_was_ended_starts_anew() {
    let (app, old) = begin().await;
    let (request, session) = open(&app, &old).await;
    move_without_reply(&app, &session, Saving::LogIn).await;
    assert_eq!(app.owners.end_all("ada").await.unwrap(), 1);
    session.insert("later", 1).unwrap();
    let response = commit(request, &session).await;
    assert_eq!(response.outcome, Some(Outcome::Stored));
    let new = app.peek(&response.cookie().unwrap()).await;
    assert_eq!(new.owner().as_deref(), Some("ada"));
    assert_eq!((new.contains_key("n"), new.contains_key("later")), (false, true));
    assert_eq!(sessions(&app), 1);
}

#[tokio::test]
async fn login_outlives_end_of_owners_other_sessions() {
    let (app, old) = begin().await;
    let (request, session) = open(&app, &old).await;
    app.request_elsewhere(&old, increment).await;
    {
        let mut login = pin!(session.log_in("ada", None));
        // The new record exists and has the change of the other request.
        for call in [Replace, Load, Replace] {
            continue_until(&app, call, login.as_mut());
        }
        assert_eq!(app.owners.end_all("ada").await.unwrap(), 0);
        app.store.recover();
        login.await.unwrap();
    }
    let response = commit(request, &session).await;
    let new = response.cookie().unwrap();
    assert_eq!(count(&app, &new).await, Some(2));
    assert_eq!(app.peek(&new).await.owner().as_deref(), Some("ada"));
    assert_eq!(sessions(&app), 1);
}

#[tokio::test]
async fn rotation_whose_session_was_ended_is_dropped() {
    let (app, old) = begin().await;
    let (other, others) = open(&app, &old).await;
    let (request, session) = open(&app, &old).await;
    move_without_reply(&app, &session, Saving::Save).await;
    assert_eq!(others.log_out().await.unwrap(), Outcome::Stored);
    commit(other, &others).await;
    let response = commit(request, &session).await;
    assert_eq!((response.outcome, response.cookie()), (Some(Outcome::Dropped), None));
    assert_eq!(sessions(&app), 0);
}

#[tokio::test]
async fn logout_after_unknown_rotation_ends_no_login_of_other_user() {
    let (app, old) = begin().await;
    let (other, others) = open(&app, &old).await;
    let (request, session) = open(&app, &old).await;
    move_without_reply(&app, &session, Saving::Save).await;
    log_in_as_eve(&others).unwrap();
    let theirs = commit(other, &others).await.cookie().unwrap();
    assert_eq!(session.log_out().await.unwrap(), Outcome::Dropped);
    commit(request, &session).await;
    assert_eq!(count(&app, &theirs).await, Some(1));
}

#[tokio::test]
async fn save_after_rotation_that_joined_another_is_stored() {
    for changes in [0, 1] {
        let (app, old) = begin().await;
        let elsewhere = app.reconfigured(|config| config);
        let (request, session) = open(&app, &old).await;
        for _ in 0..changes {
            increment(&session).unwrap();
        }
        session.rotate_id().unwrap();
        let new = {
            let mut save = pin!(session.save());
            continue_until(&app, Replace, save.as_mut());
            let new = elsewhere.request(&old, Session::rotate_id).await.cookie().unwrap();
            // So many writes that the record lists none from before the rotation.
            for _ in 0..9 {
                elsewhere.request(&new, increment).await;
            }
            app.store.resume();
            assert_eq!(save.await.unwrap(), Outcome::Stored);
            new
        };
        assert_eq!(session.get::<u64>("n").unwrap(), Some(10 + changes), "it shows the session");
        increment(&session).unwrap();
        assert_eq!(commit(request, &session).await.outcome, Some(Outcome::Stored));
        assert_eq!(count(&app, &new).await, Some(11 + changes));
    }
}

#[tokio::test]
async fn logout_beside_login_of_other_client_is_dropped() {
    let (app, old) = begin().await;
    let (request, session) = open(&app, &old).await;
    session.rotate_id().unwrap();
    drop_save(&app, &session, Saving::Save, false);
    let users = app.request(&old, log_in).await.cookie().unwrap();
    assert_eq!(session.log_out().await.unwrap(), Outcome::Dropped);
    assert_eq!(commit(request, &session).await.header(), None);
    assert!(count(&app, &users).await.is_some());
    assert_eq!(sessions(&app), 1, "the record of the dropped rotation is removed");
}

#[tokio::test]
async fn logout_after_own_unknown_login_is_stored() {
    let (app, old) = begin().await;
    let (request, session) = open(&app, &old).await;
    move_without_reply(&app, &session, Saving::LogIn).await;
    assert_eq!(session.log_out().await.unwrap(), Outcome::Stored);
    let response = commit(request, &session).await;
    assert_eq!((response.outcome, response.is_removal()), (Some(Outcome::Stored), true));
    assert_eq!(sessions(&app), 0);
}

#[tokio::test]
async fn logout_after_unknown_login_of_rotated_session_is_stored() {
    let (app, old) = begin().await;
    let (request, session) = open(&app, &old).await;
    app.request_elsewhere(&old, Session::rotate_id).await;
    {
        let mut login = pin!(session.log_in("ada", None));
        // The tombstone of the old id is found, and the login moves the session from the new one.
        for call in [Replace, Replace, Replace] {
            continue_until(&app, call, login.as_mut());
        }
        app.store.lose_reply(Replace);
        app.store.fail(Load, ErrorKind::Unavailable);
        app.store.resume();
        assert_eq!(login.await.unwrap_err().kind(), ErrorKind::Unavailable);
        app.store.recover();
    }
    assert_eq!(sessions(&app), 1, "the login has moved the session");
    assert_eq!(session.log_out().await.unwrap(), Outcome::Stored);
    let response = commit(request, &session).await;
    assert_eq!((response.outcome, response.is_removal()), (Some(Outcome::Stored), true));
    assert_eq!(sessions(&app), 0);
}

/// Drops a save during the lookup of the tombstone whose reply was lost, or before it.
fn drop_save(app: &App, session: &Session, saving: Saving, is_moved: bool) {
    if is_moved {
        app.store.lose_reply(Replace);
        app.store.hold_next(Load);
    } else {
        app.store.hold_next(Replace);
    }
    let mut save = pin!(saving.run(session));
    assert!(matches!(save.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
    app.store.recover();
}

#[tokio::test]
async fn error_response_has_id_of_record_that_dropped_save_created() {
    for is_moved in [false, true] {
        let (app, old) = begin().await;
        let (request, session) = open(&app, &old).await;
        increment(&session).unwrap();
        session.rotate_id().unwrap();
        drop_save(&app, &session, Saving::Save, is_moved);
        app.store.fail(Load, ErrorKind::Unavailable);
        let Committed { headers, error } = request.commit().await;
        app.store.recover();
        assert_eq!(error.unwrap().kind(), ErrorKind::Unavailable);
        let cookie = Response::new(headers, session.outcome()).cookie().expect("the new id");
        let confirmed = app.request(&cookie, increment).await.cookie().unwrap();
        assert_eq!(count(&app, &confirmed).await, Some(3), "moved: {is_moved}");
        assert_eq!(sessions(&app), 1, "moved: {is_moved}");
    }
}

#[tokio::test]
async fn failed_commit_of_dropped_login_leaves_no_login() {
    for is_moved in [false, true] {
        let (app, old) = begin().await;
        let (request, session) = open(&app, &old).await;
        drop_save(&app, &session, Saving::LogIn, is_moved);
        app.store.fail(Replace, ErrorKind::Unavailable);
        let Committed { headers, error } = request.commit().await;
        app.store.recover();
        assert_eq!(error.unwrap().kind(), ErrorKind::Unavailable);
        assert_eq!(headers.set_cookie(), None);
        assert!(app.owners.page("ada", None, 100).await.unwrap().sessions.is_empty());
        assert_eq!(sessions(&app), usize::from(!is_moved));
        assert_eq!(count(&app, &old).await.is_some(), !is_moved);
    }
}

#[tokio::test]
async fn others_end_without_record_of_own_unknown_login() {
    let app = App::new();
    let old = app.begin(log_in).await;
    let (request, session) = open(&app, &old).await;
    app.request_elsewhere(&old, increment).await;
    {
        let mut login = pin!(session.log_in("ada", None));
        let mut poll = || login.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        // The tombstone is refused, the new record gets the increment, and the next tombstone is
        // applied late.
        for _ in 0..3 {
            app.store.hold_next(Replace);
            app.store.resume();
            assert!(poll().is_pending());
        }
        app.store.delay(Replace);
        app.store.fail(Load, ErrorKind::Unavailable);
        app.store.resume();
        assert!(matches!(poll(), Poll::Ready(Err(_))));
        app.store.recover();
    }
    assert_eq!(app.owners.end_others(&session).await.unwrap(), 0);
    app.store.apply_late_calls();
    let cookie = commit(request, &session).await.cookie().unwrap();
    assert_eq!(count(&app, &cookie).await, Some(1));
}

#[tokio::test]
async fn change_after_logout_of_dropped_save_starts_new_session() {
    for is_created in [false, true] {
        let app = App::new();
        let (request, session) = open(&app, "").await;
        increment(&session).unwrap();
        if is_created {
            app.store.lose_reply(Create);
            app.store.hold_next(Load);
        } else {
            app.store.hold_next(Create);
        }
        {
            let mut save = pin!(session.save());
            let mut context = Context::from_waker(Waker::noop());
            assert!(save.as_mut().poll(&mut context).is_pending());
            app.store.recover();
        }
        session.log_out().await.unwrap();
        increment(&session).unwrap();
        let response = commit(request, &session).await;
        assert_eq!(response.outcome, Some(Outcome::Stored), "created: {is_created}");
        let cookie = response.cookie().expect("the id of the new session");
        assert_eq!(count(&app, &cookie).await, Some(1), "created: {is_created}");
        assert_eq!(sessions(&app), 1, "created: {is_created}");
    }
}
