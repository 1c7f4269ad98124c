//! New and rotated sessions of unknown outcome. No change is lost or applied twice, no second
//! session remains, and the client gets the id of the session.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use session_core::{Error, ErrorKind, Outcome, Session};

use crate::store::Call::{self, Create, Load, Replace};
use crate::support::{App, MINUTE, Response, SECOND, Saving, log_in, log_out, read};

fn increment(session: &Session) -> Result<(), Error> {
    session.update("n", |n: Option<u64>| Some(n.unwrap_or(0) + 1))
}

/// Stores a session with `n` = 1 and returns its cookie.
async fn begin() -> (App, String) {
    let app = App::new();
    let cookie = app.begin(increment).await;
    (app, cookie)
}

async fn count(app: &App, cookie: &str) -> Option<u64> {
    app.peek(cookie).await.get("n").unwrap()
}

/// Returns the number of records that are not tombstones.
fn sessions(app: &App) -> usize {
    app.store.records().values().filter(|record| record.payload()[0] == 1).count()
}

/// A failed call of a manual save.
#[derive(Clone, Copy, Debug)]
enum Failure {
    /// The call is applied. Its reply and all lookups are lost.
    Lost(Call),
    /// The call is applied after the commit or not at all. All lookups are lost.
    Late(Call),
    /// The call is applied before the commit, but after the error.
    Delayed(Call),
    /// The call is not applied.
    Failed(Call),
    /// The future is dropped before the call is applied.
    Dropped(Call),
}

/// Fails a save before the commit in this way.
async fn fail_save(app: &App, session: &Session, saving: Saving, failure: Failure) {
    match failure {
        Failure::Lost(call) => app.store.lose_reply(call),
        Failure::Late(call) | Failure::Delayed(call) => app.store.delay(call),
        Failure::Failed(call) => app.store.fail(call, ErrorKind::Unavailable),
        Failure::Dropped(call) => {
            app.store.hold_next(call);
            let mut save = pin!(saving.run(session));
            let mut context = Context::from_waker(Waker::noop());
            assert!(matches!(save.as_mut().poll(&mut context), Poll::Pending));
            return app.store.recover();
        }
    }
    app.store.fail(Load, ErrorKind::Unavailable);
    assert_eq!(saving.run(session).await.unwrap_err().kind(), ErrorKind::Unavailable);
    app.store.recover();
    if let Failure::Delayed(_) = failure {
        app.store.apply_late_calls();
    }
}

use Failure::{Delayed, Dropped, Failed, Late, Lost};

#[tokio::test]
async fn new_session_saved_twice_is_one_record() {
    for failure in [Lost(Create), Delayed(Create), Failed(Create), Dropped(Create)] {
        for saving in [Saving::Save, Saving::LogIn] {
            let app = App::new();
            let request = app.open("");
            let session = request.session().await.unwrap();
            increment(&session).unwrap();
            fail_save(&app, &session, saving, failure).await;
            increment(&session).unwrap();
            let headers = request.commit().await.into_result().unwrap();
            let cookie = Response::new(headers, session.outcome()).cookie().unwrap();
            app.store.apply_late_calls();
            assert_eq!(count(&app, &cookie).await, Some(2), "{failure:?}");
            assert_eq!(sessions(&app), 1, "{failure:?}");
        }
    }
}

#[tokio::test]
async fn logout_after_failed_save_leaves_no_record() {
    for failure in [Lost(Create), Delayed(Create), Failed(Create), Dropped(Create)] {
        let app = App::new();
        let request = app.open("");
        let session = request.session().await.unwrap();
        fail_save(&app, &session, Saving::LogIn, failure).await;
        log_out(&session).unwrap();
        request.commit().await.into_result().unwrap();
        assert_eq!(sessions(&app), 0, "{failure:?}");
    }
}

const ROTATION_FAILURES: [Failure; 8] = [
    Lost(Create),
    Delayed(Create),
    Failed(Create),
    Dropped(Create),
    Lost(Replace),
    Delayed(Replace),
    Late(Replace),
    Dropped(Replace),
];

#[tokio::test]
async fn manual_rotation_of_unknown_outcome_reaches_client() {
    for failure in ROTATION_FAILURES {
        for others in 0..3 {
            let (app, old) = begin().await;
            let request = app.open(&old);
            let session = request.session().await.unwrap();
            increment(&session).unwrap();
            session.rotate_id().unwrap();
            fail_save(&app, &session, Saving::Save, failure).await;
            let is_moved = count(&app, &old).await.is_none();
            for _ in 0..others {
                app.request_elsewhere(&old, increment).await;
            }
            increment(&session).unwrap();
            let headers = request.commit().await.into_result().unwrap();
            let response = Response::new(headers, session.outcome());
            assert_eq!(response.outcome, Some(Outcome::Stored), "{failure:?}");
            let new = response.cookie().unwrap();
            app.store.apply_late_calls();
            let expected = 3 + if is_moved { 0 } else { others };
            assert_eq!(count(&app, &new).await, Some(expected), "{failure:?}");
            assert_eq!(count(&app, &old).await, None, "{failure:?}");
            assert_eq!(sessions(&app), 1, "{failure:?}");
        }
    }
}

#[tokio::test]
async fn manual_login_of_unknown_outcome_keeps_visitors_data() {
    for failure in ROTATION_FAILURES {
        let (app, old) = begin().await;
        let request = app.open(&old);
        let session = request.session().await.unwrap();
        fail_save(&app, &session, Saving::LogIn, failure).await;
        increment(&session).unwrap();
        let headers = request.commit().await.into_result().unwrap();
        let new = Response::new(headers, session.outcome()).cookie().unwrap();
        app.store.apply_late_calls();
        assert_eq!(count(&app, &new).await, Some(2), "{failure:?}");
        assert_eq!(count(&app, &old).await, None, "{failure:?}");
        assert_eq!(
            app.owners.page("ada", None, 100).await.unwrap().sessions.len(),
            1,
            "{failure:?}"
        );
        assert_eq!(sessions(&app), 1, "{failure:?}");
    }
}

/// Commits a rotation whose tombstone is delayed. Returns the cookie of the error response.
async fn rotate_with_unknown_outcome(app: &App, old: &str, failure: Failure) -> String {
    let request = app.open(old);
    let session = request.session().await.unwrap();
    session.rotate_id().unwrap();
    match failure {
        Lost(call) => app.store.lose_reply(call),
        _ => app.store.delay(Replace),
    }
    app.store.fail_after(Load, 0);
    let committed = request.commit().await;
    app.store.recover();
    assert_eq!(committed.error.unwrap().kind(), ErrorKind::Unavailable);
    assert_eq!(committed.headers.cache_control([]), Some("no-store"));
    Response::new(committed.headers, session.outcome()).cookie().unwrap()
}

#[tokio::test]
async fn rotation_of_unknown_outcome_is_completed_by_new_id() {
    for failure in [Late(Replace), Delayed(Replace), Lost(Replace)] {
        for wait in [SECOND, MINUTE] {
            let (app, old) = begin().await;
            let new = rotate_with_unknown_outcome(&app, &old, failure).await;
            assert_ne!(new, old);
            if let Delayed(_) = failure {
                app.store.apply_late_calls();
            } else if let Late(_) = failure {
                app.request_elsewhere(&old, increment).await;
            }
            app.clock.advance(wait);
            let response = app.request(&new, increment).await;
            app.store.apply_late_calls();
            let confirmed = response.cookie().expect("the cookie is replaced");
            let expected = if let Late(_) = failure { 3 } else { 2 };
            assert_eq!(count(&app, &confirmed).await, Some(expected), "{failure:?} {wait:?}");
            assert_eq!(count(&app, &old).await, None, "{failure:?}");
            assert_eq!(sessions(&app), 1, "{failure:?}");
            assert_eq!(app.request(&confirmed, read).await.header(), None, "it is confirmed");
        }
    }
}

#[tokio::test]
async fn old_id_works_until_unknown_rotation_is_applied() {
    let (app, old) = begin().await;
    rotate_with_unknown_outcome(&app, &old, Late(Replace)).await;
    assert_eq!(count(&app, &old).await, Some(1));
}

#[tokio::test]
async fn unknown_rotation_revives_no_ended_session() {
    for wait in [SECOND, MINUTE] {
        let (app, old) = begin().await;
        let new = rotate_with_unknown_outcome(&app, &old, Late(Replace)).await;
        assert!(app.request(&old, log_out).await.is_removal());
        app.store.apply_late_calls();
        app.clock.advance(wait);
        assert!(app.peek(&new).await.is_new());
        assert_eq!(sessions(&app), 0);
    }
}

#[tokio::test]
async fn unknown_rotation_gives_way_to_another_rotation() {
    let (app, old) = begin().await;
    let new = rotate_with_unknown_outcome(&app, &old, Late(Replace)).await;
    let other = app.request(&old, Session::rotate_id).await.cookie().unwrap();
    app.store.apply_late_calls();
    assert!(app.peek(&new).await.is_new());
    assert_eq!(count(&app, &other).await, Some(1));
    assert_eq!(sessions(&app), 1);
}

#[tokio::test]
async fn login_after_unknown_rotation_is_cut_off_from_old_id() {
    let of_replace =
        [Lost(Replace), Delayed(Replace), Late(Replace), Failed(Replace), Dropped(Replace)];
    let of_create = [Lost(Create), Delayed(Create), Failed(Create), Dropped(Create)];
    for failure in of_replace.into_iter().chain(of_create) {
        let (app, old) = begin().await;
        let request = app.open(&old);
        let session = request.session().await.unwrap();
        session.rotate_id().unwrap();
        fail_save(&app, &session, Saving::Save, failure).await;
        log_in(&session).unwrap();
        let headers = request.commit().await.into_result().unwrap();
        let new = Response::new(headers, session.outcome()).cookie().unwrap();
        app.store.apply_late_calls();
        assert!(app.peek(&old).await.is_new(), "{failure:?}");
        assert_eq!(count(&app, &new).await, Some(1), "{failure:?}");
        assert_eq!(sessions(&app), 1, "{failure:?}");
    }
}

#[tokio::test]
async fn login_of_unknown_outcome_sets_no_cookie() {
    let (app, old) = begin().await;
    let request = app.open(&old);
    let session = request.session().await.unwrap();
    app.store.fail(Create, ErrorKind::Unavailable);
    log_in(&session).unwrap_err();
    app.store.recover();
    app.store.delay(Replace);
    app.store.fail_after(Load, 1);
    let committed = request.commit().await;
    app.store.recover();
    assert_eq!(committed.error.unwrap().kind(), ErrorKind::Unavailable);
    assert_eq!(committed.headers.set_cookie(), None);
    assert_eq!(sessions(&app), 1);
    assert_eq!(app.owners.page("ada", None, 100).await.unwrap().sessions.len(), 0);
    assert_eq!(count(&app, &old).await, Some(1));
}
