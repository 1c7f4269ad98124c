//! Rotations that are interrupted between their two writes, and the records that they leave on an
//! owner's list.

use session_core::{ErrorKind, Outcome, Session};

use crate::owners::{handle_of, is_live, list, log_in_on_phone};
use crate::store::Call::{Remove, Replace};
use crate::support::{App, HOUR, Handler, MINUTE, SECOND, finish, log_in, slow, write_user};

/// Interrupts a rotation between its two writes. The record of the new id exists, and the old
/// record is unchanged.
async fn break_off(app: &App, cookie: &str, rotate: Handler) {
    let before = app.store.records().len();
    app.store.fail(Replace, ErrorKind::Unavailable);
    app.store.fail(Remove, ErrorKind::Unavailable);
    assert!(app.respond(cookie, rotate).await.is_err());
    app.store.recover();
    assert_eq!(app.store.records().len(), before + 1, "nothing was left behind");
}

#[tokio::test]
async fn interrupted_rotation_is_on_no_list_and_ends_with_others() {
    let rotations: [(&str, Handler); 2] = [("rotate_id", Session::rotate_id), ("log_in", log_in)];
    for (name, rotate) in rotations {
        let app = App::new();
        let cookie = app.begin(log_in_on_phone).await;
        break_off(&app, &cookie, rotate).await;
        let listed = list(&app, "ada").await;
        assert_eq!(listed.len(), 1, "{name}");
        assert_eq!(app.owners.end_all("ada").await.unwrap(), 1, "{name}");
        assert!(app.store.records().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn interrupted_login_is_on_no_list_and_ends_with_others() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    break_off(&app, &cookie, log_in).await;
    assert!(list(&app, "ada").await.is_empty());
    let other = app.begin(log_in).await;
    let listed = list(&app, "ada").await;
    assert_eq!(listed.len(), 1);
    assert_eq!(app.owners.end_others(&app.peek(&other).await).await.unwrap(), 0);
    assert_eq!(
        app.store.records().len(),
        2,
        "the unfinished one is removed, the visitor's is not the owner's"
    );
    assert!(is_live(&app, &cookie).await && is_live(&app, &other).await);
}

#[tokio::test]
async fn repeated_login_is_one_session() {
    for wait in [SECOND, MINUTE] {
        let app = App::new();
        let cookie = app.begin(write_user).await;
        break_off(&app, &cookie, log_in).await;
        app.clock.advance(SECOND);
        let new = app.request(&cookie, log_in).await.cookie().unwrap();
        app.clock.advance(wait);
        let listed = list(&app, "ada").await;
        assert_eq!(listed.len(), 1, "after {wait:?}");
        assert_eq!(Some(listed[0].handle()), handle_of(&app, &new).await.as_deref());
        assert!(app.owners.end("ada", listed[0].handle()).await.unwrap());
        assert!(list(&app, "ada").await.is_empty(), "after {wait:?}");
        // No client received the id of the first login's record.
        app.owners.end_all("ada").await.unwrap();
        assert!(
            app.store.records().values().all(|record| record.owner() != Some("ada")),
            "after {wait:?}"
        );
    }
}

#[tokio::test]
async fn rotation_that_failed_removes_its_record() {
    let failures = [
        (Session::rotate_id as Handler, ErrorKind::Backend),
        (log_in, ErrorKind::Backend),
        (log_in, ErrorKind::Unavailable),
    ];
    for (rotate, kind) in failures {
        let app = App::new();
        let cookie = app.begin(log_in).await;
        app.store.fail(Replace, kind);
        assert!(app.respond(&cookie, rotate).await.is_err());
        app.store.recover();
        assert_eq!(list(&app, "ada").await.len(), 1);
        assert_eq!(app.store.records().len(), 1);
        assert!(is_live(&app, &cookie).await);
    }
}

/// Creates a session that was rotated so long ago that its tombstone has expired. Rotations that
/// were broken off have left further records of it. Returns the cookie.
async fn rotate_beside_leftovers(app: &App, cookie: &str) -> String {
    for _ in 0..4 {
        break_off(app, cookie, Session::rotate_id).await;
    }
    let new = app.request(cookie, Session::rotate_id).await.cookie().unwrap();
    app.clock.advance(HOUR);
    assert!(is_live(app, &new).await);
    new
}

#[tokio::test]
async fn logout_ends_session_beside_leftovers_of_rotations() {
    // The keys and their order are random.
    for _ in 0..5 {
        let app = App::new();
        let old = app.begin(log_in).await;
        let request = slow(&app, &old).await;
        let new = rotate_beside_leftovers(&app, &old).await;
        let outcome = request.session().await.unwrap().log_out().await.unwrap();
        assert_eq!(outcome, Outcome::Stored);
        finish(request).await;
        assert!(!is_live(&app, &new).await);
        assert!(list(&app, "ada").await.is_empty());
    }
}

#[tokio::test]
async fn limit_ends_session_beside_leftovers_of_rotations() {
    for _ in 0..5 {
        let app = App::with(|config| config.max_sessions(1));
        let old = app.begin(log_in).await;
        let new = rotate_beside_leftovers(&app, &old).await;
        let last = app.begin(log_in).await;
        assert!(is_live(&app, &last).await && !is_live(&app, &new).await);
        assert_eq!(list(&app, "ada").await.len(), 1);
    }
}
