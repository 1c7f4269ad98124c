//! An id after its rotation. For ten seconds it opens an empty session whose writes are dropped.
//! Then it is unknown.

use session_core::store::MAX_CLOCK_SKEW;
use session_core::{Outcome, Session};

use crate::store::Call::{Create, Load, Remove};
use crate::support::{
    App, Handler, MILLISECOND, SECOND, log_in, log_in_as, log_out, start, write_user,
};

const ROTATIONS: &[(&str, Handler)] = &[("rotate_id", Session::rotate_id), ("log_in", log_in)];

/// Rotates a session and returns the old and the new cookie.
async fn rotated(app: &App, rotate: Handler) -> (String, String) {
    let old = app.begin(write_user).await;
    let new = app.request(&old, rotate).await.cookie().unwrap();
    app.store.take_calls();
    (old, new)
}

#[tokio::test]
async fn old_id_is_recognized_for_ten_seconds() {
    for (name, rotate) in ROTATIONS {
        let app = App::new();
        let (old, _) = rotated(&app, *rotate).await;
        let tombstone = app.store.record(&old).unwrap();
        assert_eq!(tombstone.expires_at(), start() + SECOND * 10 + MAX_CLOCK_SKEW * 2, "{name}");
        assert_eq!(tombstone.owner(), None, "{name}");

        app.clock.set(start() + SECOND * 10);
        assert_eq!(app.request(&old, write_user).await.outcome, Some(Outcome::Dropped), "{name}");
        app.clock.advance(MILLISECOND);
        let response = app.request(&old, write_user).await;
        assert_eq!(response.outcome, Some(Outcome::Stored), "{name}");
        assert!(response.cookie().is_some_and(|fresh| fresh != old), "{name}");
    }
}

#[tokio::test]
async fn write_with_rotated_id_is_dropped_without_cookie() {
    let writes: [(&str, Handler); 5] = [
        ("insert", write_user),
        ("flash", |session| session.flash("late")),
        ("set_permanent", |session| session.set_permanent(true)),
        ("set_modified", |session| session.set_modified(true)),
        ("rotate_id", Session::rotate_id),
    ];
    for (how, rotate) in ROTATIONS {
        for (name, write) in writes {
            let app = App::new();
            let (old, new) = rotated(&app, *rotate).await;
            let before = app.store.records();
            let response = app
                .request(&old, |session| {
                    assert!(session.is_new() && session.is_empty() && session.owner().is_none());
                    write(session)
                })
                .await;
            assert_eq!(response.outcome, Some(Outcome::Dropped), "{how}: {name}");
            assert_eq!(response.header(), None, "{how}: {name}");
            assert_eq!(app.store.take_calls(), [Load], "{how}: {name}");
            assert_eq!(app.store.records(), before, "{how}: {name}");
            assert_eq!(app.payload(&new).await, r#"{"user":"ada"}"#, "{how}: {name}");
        }
    }
}

#[tokio::test]
async fn logout_with_old_id_ends_new_session() {
    for (name, logout) in [("log_out", log_out as Handler), ("clear", Session::clear)] {
        let app = App::new();
        let (old, new) = rotated(&app, Session::rotate_id).await;
        let response = app.request(&old, logout).await;
        assert_eq!(response.outcome, Some(Outcome::Stored), "{name}");
        assert!(response.is_removal(), "{name}");
        assert_eq!(app.store.take_calls(), [Load, Load, Remove], "{name}");
        assert!(app.peek(&new).await.is_new() && app.peek(&old).await.is_new(), "{name}");
    }
}

#[tokio::test]
async fn logout_with_old_id_follows_all_rotations() {
    let app = App::new();
    let (old, mut new) = rotated(&app, Session::rotate_id).await;
    for _ in 0..5 {
        new = app.request(&new, Session::rotate_id).await.cookie().unwrap();
    }
    assert!(app.request(&old, log_out).await.is_removal());
    assert!(app.peek(&new).await.is_new());
}

#[tokio::test]
async fn logout_with_id_before_login_ends_nothing() {
    for (name, logout) in [("log_out", log_out as Handler), ("clear", Session::clear)] {
        let app = App::new();
        let (old, new) = rotated(&app, log_in).await;
        let response = app.request(&old, logout).await;
        assert_eq!((response.outcome, response.header()), (Some(Outcome::Dropped), None), "{name}");
        assert_eq!(app.payload(&new).await, r#"{"user":"ada"}"#, "{name}");
    }
    let app = App::new();
    let (old, middle) = rotated(&app, Session::rotate_id).await;
    let new = app.request(&middle, log_in).await.cookie().unwrap();
    assert_eq!(app.request(&old, log_out).await.outcome, Some(Outcome::Dropped));
    assert!(
        !app.peek(&new).await.is_new(),
        "a login later in the chain cuts off all that were before it"
    );
}

#[tokio::test]
async fn login_with_rotated_id_starts_separate_session() {
    for (name, rotate) in ROTATIONS {
        let app = App::new();
        let (old, new) = rotated(&app, *rotate).await;
        let response = app.request(&old, |session| log_in_as(session, "eve")).await;
        let own = response.cookie().unwrap();
        assert_eq!(app.store.take_calls(), [Load, Load, Create], "{name}");
        assert!(own != old && own != new, "{name}");
        assert_eq!(app.peek(&own).await.owner().as_deref(), Some("eve"), "{name}");
        assert_eq!(
            (app.payload(&own).await.as_str(), app.payload(&new).await.as_str()),
            ("{}", r#"{"user":"ada"}"#)
        );
    }
}
