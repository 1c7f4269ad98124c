//! The outcome of a commit: stored, unchanged or dropped.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};

use session_core::interface::state_of;
use session_core::request::RequestSession;
use session_core::{ErrorKind, Outcome, Session};

use crate::store::Call;
use crate::support::{
    App, HOUR, Handler, UNKNOWN, finish, log_in, log_out, read, slow, start, write_user,
};

use Outcome::{Dropped, Stored, Unchanged};

#[tokio::test]
async fn live_session_is_stored_or_unchanged() {
    let requests: [(&str, Handler, Outcome); 9] = [
        ("read", read, Unchanged),
        ("a key that is not there", |session| session.discard("none").map(drop), Unchanged),
        (
            "not to be saved",
            |session| write_user(session).and_then(|()| session.set_modified(false)),
            Unchanged,
        ),
        ("write", |session| session.insert("n", 2), Stored),
        ("the same value again", |session| session.insert("n", 1), Stored),
        ("clear", Session::clear, Stored),
        ("log_out", log_out, Stored),
        ("rotate_id", Session::rotate_id, Stored),
        ("log_in", log_in, Stored),
    ];
    for (name, handler, outcome) in requests {
        let app = App::new();
        let cookie = app.begin(|session| session.insert("n", 1)).await;
        assert_eq!(app.request(&cookie, handler).await.outcome, Some(outcome), "{name}");
    }
}

#[tokio::test]
async fn fresh_session_is_stored_or_unchanged() {
    for cookie in ["", UNKNOWN, "rubbish"] {
        let app = App::new();
        assert_eq!(app.request(cookie, write_user).await.outcome, Some(Stored), "{cookie:?}");
        assert_eq!(
            app.request(cookie, Session::rotate_id).await.outcome,
            Some(Unchanged),
            "{cookie:?}"
        );
    }
}

#[tokio::test]
async fn fresh_session_that_was_only_read_is_unchanged() {
    for cookie in ["", UNKNOWN, "rubbish"] {
        assert_eq!(App::new().request(cookie, read).await.outcome, Some(Unchanged), "{cookie:?}");
    }
}

#[tokio::test]
async fn outcome_before_commit_is_none() {
    let app = App::new();
    app.request("", |session| {
        write_user(session)?;
        assert_eq!(session.outcome(), None);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn late_change_of_ended_session_is_dropped_without_cookie() {
    let late: [(&str, Handler); 3] = [
        ("insert", write_user),
        ("update", |session| session.update("n", |n: Option<u8>| Some(n.unwrap_or(0) + 1))),
        ("rotate_id", Session::rotate_id),
    ];
    for (name, handler) in late {
        let app = App::new();
        let cookie = app.begin(|session| session.insert("n", 1)).await;
        let slow = app.open(&cookie);
        let session = slow.session().await.unwrap();
        handler(&session).unwrap();
        app.request(&cookie, log_out).await;
        let headers = slow.commit().await.into_result().unwrap();
        assert_eq!((session.outcome(), headers.set_cookie()), (Some(Dropped), None), "{name}");
        assert!(app.store.records().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn late_renewal_of_ended_session_changes_nothing() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    app.clock.advance(HOUR);
    for handler in [read as Handler, |session| session.set_modified(true)] {
        let slow = app.open(&cookie);
        let session = slow.session().await.unwrap();
        handler(&session).unwrap();
        app.request(&cookie, log_out).await;
        let headers = slow.commit().await.into_result().unwrap();
        assert_eq!((session.outcome(), headers.set_cookie()), (Some(Unchanged), None));
        assert!(app.store.records().is_empty());
    }
}

#[tokio::test]
async fn late_login_starts_session_from_its_own_changes() {
    let app = App::new();
    let cookie = app.begin(|session| session.insert("secret", 1)).await;
    let slow = app.open(&cookie);
    let session = slow.session().await.unwrap();
    session.insert("user", "ada").unwrap();
    app.clock.advance(HOUR / 60);
    app.request(&cookie, log_out).await;
    log_in(&session).unwrap();
    let headers = slow.commit().await.into_result().unwrap();
    assert_eq!(session.outcome(), Some(Stored));
    let new = headers.set_cookie().unwrap().split(['=', ';']).nth(1).unwrap();
    assert_ne!(new, cookie);
    let login = app.peek(new).await;
    assert_eq!(
        (state_of(&login).payload().as_str(), login.owner().as_deref()),
        (r#"{"user":"ada"}"#, Some("ada"))
    );
    assert_eq!(app.store.record(new).unwrap().created_at(), app.now());
}

#[tokio::test]
async fn dropped_manual_save_stays_dropped_until_something_is_stored() {
    let app = App::new();
    let cookie = app.begin(|session| session.insert("n", 1)).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    session.insert("n", 2).unwrap();
    app.request_elsewhere(&cookie, log_out).await;
    for round in 0..3 {
        assert_eq!(session.save().await.unwrap(), Dropped, "{round}");
        assert_eq!(session.outcome(), Some(Dropped), "{round}");
    }
    session.set_modified(true).unwrap();
    assert_eq!(session.save().await.unwrap(), Dropped, "nothing was changed");
    assert_eq!(session.outcome(), Some(Dropped));
    session.insert("n", 3).unwrap();
    assert_eq!(session.save().await.unwrap(), Dropped, "something was changed");
    request.commit().await.into_result().unwrap();
    assert_eq!(session.outcome(), Some(Dropped));
}

#[tokio::test]
async fn saves_and_outcome_agree_after_each_save() {
    let handlers: [(&str, Handler, Outcome); 3] = [
        ("write", |session| session.insert("n", 2), Stored),
        ("read", read, Unchanged),
        ("login", log_in, Unchanged),
    ];
    for (name, handler, expected) in handlers {
        let app = App::new();
        let cookie = app.begin(|session| session.insert("n", 1)).await;
        let request = app.open(&cookie);
        let session = request.session().await.unwrap();
        handler(&session).unwrap();
        for expected in [expected, Unchanged] {
            assert_eq!(session.save().await.unwrap(), expected, "{name}");
            assert_eq!(session.outcome(), Some(expected), "{name}");
        }
        request.commit().await.into_result().unwrap();
        assert_eq!(session.outcome(), Some(Unchanged), "{name}");
    }
}

#[tokio::test]
async fn login_after_dropped_save_is_stored() {
    let app = App::new();
    let cookie = app.begin(|session| session.insert("n", 1)).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    session.insert("n", 2).unwrap();
    app.request_elsewhere(&cookie, log_out).await;
    assert_eq!(session.save().await.unwrap(), Dropped);
    log_in(&session).unwrap();
    assert_eq!(session.outcome(), Some(Stored));
    request.commit().await.into_result().unwrap();
    assert_eq!(session.outcome(), Some(Stored));
}

#[tokio::test]
async fn logout_whose_reply_and_lookup_were_lost_is_stored() {
    for begins_in_request in [false, true] {
        let app = App::new();
        let cookie = if begins_in_request { String::new() } else { app.begin(write_user).await };
        let request = app.open(&cookie);
        let session = request.session().await.unwrap();
        session.insert("n", 1).unwrap();
        session.save().await.unwrap();
        app.store.lose_reply(Call::Remove);
        app.store.fail(Call::Load, ErrorKind::Unavailable);
        assert_eq!(session.log_out().await.unwrap_err().kind(), ErrorKind::Unavailable);
        app.store.recover();
        assert!(app.store.records().is_empty());
        let headers = request.commit().await.into_result().unwrap();
        assert_eq!(session.outcome(), Some(Stored), "begins: {begins_in_request}");
        assert!(headers.set_cookie().unwrap().contains("Max-Age=0"));
    }
}

/// Logs out twice. The replies of the first call and its lookup are lost.
async fn log_out_twice(app: &App, request: RequestSession, meanwhile: impl AsyncFnOnce()) {
    let session = request.session().await.unwrap();
    app.store.fail(Call::Load, ErrorKind::Unavailable);
    assert_eq!(session.log_out().await.unwrap_err().kind(), ErrorKind::Unavailable);
    app.store.recover();
    meanwhile().await;
    assert_eq!(finish(request).await.outcome, Some(Dropped));
}

#[tokio::test]
async fn logout_repeated_after_clock_change_is_dropped() {
    let app = App::new();
    let old = app.begin(write_user).await;
    let request = slow(&app, &old).await;
    app.store.fail(Call::Remove, ErrorKind::Unavailable);
    let mut new = String::new();
    log_out_twice(&app, request, async || {
        new = app.request(&old, Session::rotate_id).await.cookie().unwrap();
        app.clock.set(start() + HOUR);
    })
    .await;
    assert!(!app.peek(&new).await.is_new());
}

#[tokio::test]
async fn logout_repeated_after_late_tombstone_is_dropped() {
    let app = App::new();
    let old = app.begin(write_user).await;
    // The rotation stores its tombstone so late that it has expired.
    app.store.hold_next(Call::Replace);
    let mut rotation = pin!(app.request(&old, Session::rotate_id));
    let mut context = Context::from_waker(Waker::noop());
    assert!(rotation.as_mut().poll(&mut context).is_pending());
    app.clock.advance(HOUR);
    let request = slow(&app, &old).await;
    app.store.recover();
    let new = rotation.await.cookie().unwrap();
    log_out_twice(&app, request, async || ()).await;
    assert!(!app.peek(&new).await.is_new());
}

#[tokio::test]
async fn logout_after_failed_login_and_expired_tombstone_is_dropped() {
    let app = App::new();
    let old = app.begin(write_user).await;
    let request = slow(&app, &old).await;
    let new = app.request(&old, Session::rotate_id).await.cookie().unwrap();
    let session = request.session().await.unwrap();
    app.store.fail(Call::Replace, ErrorKind::Unavailable);
    app.store.fail(Call::Load, ErrorKind::Unavailable);
    assert_eq!(log_in(&session).unwrap_err().kind(), ErrorKind::Unavailable);
    app.store.recover();
    app.clock.advance(HOUR);
    assert_eq!(session.log_out().await.unwrap(), Dropped);
    finish(request).await;
    assert!(!app.peek(&new).await.is_new());
    assert_eq!(app.owners.end_all("ada").await.unwrap(), 0, "the login's record is removed");
}

#[tokio::test]
async fn login_succeeds_after_failed_logout_and_expired_tombstone() {
    let app = App::new();
    let old = app.begin(write_user).await;
    let request = slow(&app, &old).await;
    let moved = app.request(&old, Session::rotate_id).await.cookie().unwrap();
    let session = request.session().await.unwrap();
    app.store.fail(Call::Load, ErrorKind::Unavailable);
    assert_eq!(session.log_out().await.unwrap_err().kind(), ErrorKind::Unavailable);
    app.store.recover();
    app.clock.advance(HOUR);
    session.log_in("ada", None).await.unwrap();
    let own = finish(request).await.cookie().unwrap();
    assert_eq!(app.peek(&own).await.owner().as_deref(), Some("ada"));
    let visitor = app.peek(&moved).await;
    assert!(!visitor.is_new() && visitor.owner().is_none(), "the logout did not find it");
}
