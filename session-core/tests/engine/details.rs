//! The details of a session: handle, creation time and expiry.

use session_core::Session;
use session_core::interface::SessionDetails;

use crate::support::{App, DAY, HOUR, MINUTE, log_in, log_out, read, start, write_user};

#[tokio::test]
async fn details_are_those_of_stored_session() {
    let app = App::with(|config| config.absolute_timeout(DAY / 2));
    let first = app.open("");
    let session = first.session().await.unwrap();
    write_user(&session).unwrap();
    assert_eq!(session.details(), SessionDetails::new(), "it is not stored yet");
    session.save().await.unwrap();
    let details = session.details();
    assert_eq!(details.created_at(), Some(start()));
    assert_eq!(details.expires_at(), Some(start() + DAY / 2));
    assert_eq!(details.handle().map(|handle| handle.len()), Some(22));
    let cookie = first.commit().await.into_result().unwrap();
    let cookie = crate::support::cookie(&cookie).unwrap();

    app.clock.advance(HOUR);
    assert_eq!(app.peek(&cookie).await.details(), details);
    assert_eq!(app.peek("").await.details(), SessionDetails::new());
}

#[tokio::test]
async fn expiry_follows_renewals_and_shorter_settings() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    app.clock.advance(HOUR);
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    assert_eq!(session.details().expires_at(), Some(start() + DAY + MINUTE));
    let _ = request.commit().await;
    assert_eq!(session.details().expires_at(), Some(start() + HOUR + DAY + MINUTE));

    let shorter = app.reconfigured(|config| config.browser_lifetime(HOUR));
    let expires_at = shorter.peek(&cookie).await.details().expires_at();
    assert_eq!(expires_at, Some(start() + HOUR + HOUR + MINUTE));
}

#[tokio::test]
async fn handle_survives_rotation_and_changes_at_login() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let visitor = app.peek(&cookie).await.details();
    app.clock.advance(HOUR);
    let cookie = app.request(&cookie, Session::rotate_id).await.cookie().unwrap();
    let rotated = app.peek(&cookie).await.details();
    assert_eq!(rotated.handle(), visitor.handle());
    assert_eq!(rotated.created_at(), Some(start()));

    let mut after = SessionDetails::new();
    let response = app
        .request(&cookie, |session| {
            log_in(session)?;
            after = session.details();
            Ok(())
        })
        .await;
    let owned = app.peek(&response.cookie().unwrap()).await;
    assert_eq!(owned.details(), after);
    assert_ne!(after.handle(), visitor.handle());
    assert_eq!(after.created_at(), Some(start() + HOUR));
    assert_eq!(after.handle(), app.owners.handle_of(&owned));
    let listed = app.owners.page("ada", None, 100).await.unwrap().sessions;
    assert_eq!(Some(listed[0].handle()), after.handle().as_deref());
}

#[tokio::test]
async fn details_are_unknown_once_session_has_ended() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    app.request(&cookie, log_out).await;
    session.insert("late", 1).unwrap();
    session.save().await.unwrap();
    assert_eq!(session.details(), SessionDetails::new(), "another request ended it");

    let cookie = app.begin(write_user).await;
    let session = app.peek(&cookie).await;
    log_out(&session).unwrap();
    assert_eq!(session.details(), SessionDetails::new());
    write_user(&session).unwrap();
    session.save().await.unwrap();
    assert_eq!(session.details().created_at(), Some(start()), "another session has begun");
}

#[tokio::test]
async fn debug_of_details_shows_no_handle() {
    let app = App::new();
    let cookie = app.begin(|session| read(session).and(write_user(session))).await;
    let details = app.peek(&cookie).await.details();
    assert!(!format!("{details:?}").contains(&details.handle().unwrap()));
}
