//! Operations on a slow store. No call starts after the deadline of its operation.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use session_core::request::RequestSession;
use session_core::{Error, ErrorKind, Session};

use crate::store::Call::{Create, Load, Replace};
use crate::support::{App, Handler, MILLISECOND, Response, SECOND, log_in, log_out, start};

const LIMIT: Duration = Duration::from_secs(5);

fn increment(session: &Session) -> Result<(), Error> {
    session.update("n", |n: Option<u64>| Some(n.unwrap_or(0) + 1))
}

const CHANGES: [(&str, Handler); 5] = [
    ("update", increment),
    ("rotate_id", Session::rotate_id),
    ("login", log_in),
    ("logout", log_out),
    ("demanded renewal", |session| session.set_modified(true)),
];

/// The earlier calls of the same request and of another request.
#[derive(Clone, Copy, Debug)]
enum Before {
    Nothing,
    Written,
    Rotated,
    LoggedIn,
    Ended,
    /// The session was created, and the reply was lost.
    Created,
    /// The new record of a rotation was created, and the reply was lost.
    Prepared,
    /// The session was moved, and the reply was lost.
    Moved,
}

const BEFORE: [Before; 8] = [
    Before::Nothing,
    Before::Written,
    Before::Rotated,
    Before::LoggedIn,
    Before::Ended,
    Before::Created,
    Before::Prepared,
    Before::Moved,
];

/// Returns a request in this state, and its session.
async fn prepare(app: &App, before: Before) -> (RequestSession, Session) {
    let cookie = app.begin(|session| increment(session).and(log_in(session))).await;
    let request = if let Before::Created = before { app.open("") } else { app.open(&cookie) };
    let session = request.session().await.unwrap();
    match before {
        Before::Nothing => {}
        Before::Written => app.request_elsewhere(&cookie, increment).await,
        Before::Rotated => app.request_elsewhere(&cookie, Session::rotate_id).await,
        Before::LoggedIn => app.request_elsewhere(&cookie, log_in).await,
        Before::Ended => app.request_elsewhere(&cookie, log_out).await,
        Before::Created => {
            increment(&session).unwrap();
            save_without_reply(app, &session, Create).await;
        }
        Before::Prepared | Before::Moved => {
            session.rotate_id().unwrap();
            let call = if let Before::Moved = before { Replace } else { Create };
            save_without_reply(app, &session, call).await;
        }
    }
    (request, session)
}

async fn save_without_reply(app: &App, session: &Session, call: crate::store::Call) {
    app.store.lose_reply(call);
    app.store.fail(Load, ErrorKind::Unavailable);
    session.save().await.unwrap_err();
    app.store.recover();
}

#[tokio::test]
async fn no_call_starts_after_deadline() {
    for before in BEFORE {
        for (name, change) in CHANGES {
            for milliseconds in [600, 1100, 1700, 2600, 4500, 5500] {
                let app = App::new();
                let per_call = MILLISECOND * milliseconds;
                let (request, session) = prepare(&app, before).await;
                app.store.take_calls();
                app.store.slow_down(&app.clock, per_call);
                // The handler of a login or a logout saves the session.
                let _ = change(&session);
                let by_handler = app.store.take_calls();
                let _ = request.commit().await;
                for calls in [by_handler, app.store.take_calls()] {
                    let last = per_call * u32::try_from(calls.len().saturating_sub(1)).unwrap();
                    assert!(
                        last <= LIMIT,
                        "{before:?}, {name}: {per_call:?} for each of {calls:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn late_create_at_deadline_of_slow_store_is_unavailable() {
    for is_rotation in [false, true] {
        let app = App::new();
        let cookie = app.begin(increment).await;
        let request = app.open(if is_rotation { &cookie } else { "" });
        let session = request.session().await.unwrap();
        increment(&session).unwrap();
        if is_rotation {
            session.rotate_id().unwrap();
        }
        app.store.delay(Create);
        app.store.fail(Load, ErrorKind::Unavailable);
        session.save().await.unwrap_err();
        app.store.recover();

        app.store.slow_down(&app.clock, MILLISECOND * 1500);
        app.store.hold_next(Create);
        let mut commit = pin!(request.commit());
        let mut context = Context::from_waker(Waker::noop());
        assert!(commit.as_mut().poll(&mut context).is_pending());
        app.store.apply_late_calls();
        app.store.resume();
        let Poll::Ready(committed) = commit.poll(&mut context) else { panic!("still waiting") };
        let error = committed.error.expect("no time is left");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "rotation: {is_rotation}, {error}");
    }
}

#[tokio::test]
async fn stale_save_to_slow_store_is_unavailable_to_fast_one_conflict() {
    for (milliseconds, expected) in [(1500, ErrorKind::Unavailable), (20, ErrorKind::Conflict)] {
        let app = App::new();
        let cookie = app.begin(increment).await;
        let request = app.open(&cookie);
        increment(&request.session().await.unwrap()).unwrap();
        app.store.overtake_everybody(&app.clock);
        app.store.slow_down(&app.clock, MILLISECOND * milliseconds);
        let error = request.commit().await.error.expect("each save is stale");
        assert_eq!(error.kind(), expected, "{milliseconds} ms: {error}");
    }
}

#[tokio::test]
async fn completion_of_rotation_ends_at_its_deadline() {
    for is_changed in [false, true] {
        for milliseconds in [600, 1100, 1700, 2600, 4500, 5500] {
            let app = App::new();
            let per_call = MILLISECOND * milliseconds;
            let old = app.begin(increment).await;
            let request = app.open(&old);
            let session = request.session().await.unwrap();
            session.rotate_id().unwrap();
            app.store.delay(Replace);
            app.store.fail_after(Load, 0);
            let committed = request.commit().await;
            app.store.recover();
            let new = Response::new(committed.headers, session.outcome()).cookie().unwrap();
            if is_changed {
                app.request_elsewhere(&old, increment).await;
            }
            app.store.take_calls();
            app.store.slow_down(&app.clock, per_call);
            let _ = app.open(&new).session().await;
            let calls = app.store.take_calls();
            let last = per_call * u32::try_from(calls.len().saturating_sub(1)).unwrap();
            assert!(last <= LIMIT, "{per_call:?} for each of {calls:?}");
        }
    }
}

#[tokio::test]
async fn end_all_has_deadline_for_each_session() {
    for (sessions, per_call) in [(30, SECOND), (300, MILLISECOND * 25)] {
        let app = App::new();
        for _ in 0..sessions {
            app.begin(log_in).await;
        }
        app.store.slow_down(&app.clock, per_call);
        assert_eq!(app.owners.end_all("ada").await.unwrap(), sessions as usize);
        assert!(app.now() > start() + per_call * sessions);
        app.store.recover();
        assert!(app.store.records().is_empty());
    }
}
