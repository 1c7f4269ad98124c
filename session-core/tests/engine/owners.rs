//! The sessions of an owner: lists, ending a session by its handle, and ending all other sessions.

use session_core::{Error, ErrorKind, Outcome, OwnedSession, Session};

use crate::store::Call::{self, Create, KeysOf, Load, Remove, Replace, Touch};
use crate::support::{
    App, DAY, HOUR, Handler, MILLISECOND, MINUTE, SECOND, UNKNOWN, log_in, log_in_as, log_out,
    read, start, write_user,
};

pub fn log_in_on_phone(session: &Session) -> Result<(), Error> {
    log_in(session)?;
    session.set_label("phone")
}

fn log_in_remembered(session: &Session) -> Result<(), Error> {
    session.set_permanent(true)?;
    log_in(session)
}

pub async fn list(app: &App, owner: &str) -> Vec<OwnedSession> {
    let listed = app.owners.page(owner, None, 100).await.unwrap().sessions;
    app.store.take_calls();
    listed
}

pub async fn handle_of(app: &App, cookie: &str) -> Option<String> {
    app.owners.handle_of(&app.peek(cookie).await)
}

pub async fn is_live(app: &App, cookie: &str) -> bool {
    !app.peek(cookie).await.is_new()
}

#[tokio::test]
async fn list_shows_sessions_of_owner_only() {
    let app = App::new();
    assert!(list(&app, "ada").await.is_empty());
    let phone = app.begin(log_in_on_phone).await;
    app.clock.advance(HOUR);
    let laptop = app.begin(log_in).await;
    app.begin(|session| log_in_as(session, "eve")).await;
    app.begin(|session| log_in_as(session, "ADA")).await;
    app.begin(write_user).await;

    let listed = list(&app, "ada").await;
    let shown: Vec<_> =
        listed.iter().map(|one| (one.label(), one.created_at(), one.last_seen())).collect();
    assert_eq!(shown, [(None, start() + HOUR, start() + HOUR), (Some("phone"), start(), start())]);
    let handles: Vec<_> = listed.iter().map(|one| Some(one.handle().to_owned())).collect();
    assert_eq!(handles, [handle_of(&app, &laptop).await, handle_of(&app, &phone).await]);
    assert_ne!(handles[0], handles[1]);
}

#[tokio::test]
async fn session_without_owner_or_record_has_no_handle() {
    let app = App::new();
    let nobodys = app.begin(write_user).await;
    let rotated = app.begin(log_in).await;
    app.request(&rotated, Session::rotate_id).await;
    for cookie in ["", UNKNOWN, &nobodys, &rotated] {
        assert_eq!(handle_of(&app, cookie).await, None);
    }
    let begins = app.peek("").await;
    assert_eq!(app.owners.handle_of(&begins), None);
    log_in(&begins).unwrap();
    assert!(app.owners.handle_of(&begins).is_some());
    let ends = app.peek(&app.begin(log_in).await).await;
    log_out(&ends).unwrap();
    assert_eq!(app.owners.handle_of(&ends), None);
}

#[tokio::test]
async fn handle_is_known_after_login() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let mut early = None;
    let response = app
        .request(&cookie, |session| {
            log_in(session)?;
            early = app.owners.handle_of(session);
            Ok(())
        })
        .await;
    assert!(early.is_some());
    assert_eq!(early, handle_of(&app, &response.cookie().unwrap()).await);
}

#[tokio::test]
async fn handle_survives_rotations_and_ends_session() {
    let rotations: [(&str, Handler); 3] = [
        ("rotate_id", Session::rotate_id),
        ("a write", write_user),
        ("clear and write", |session| session.clear().and_then(|()| write_user(session))),
    ];
    for (name, rotate) in rotations {
        let app = App::new();
        let mut cookie = app.begin(log_in).await;
        let other = app.begin(log_in).await;
        let handle = handle_of(&app, &cookie).await.unwrap();
        for _ in 0..3 {
            cookie = app.request(&cookie, rotate).await.cookie().unwrap_or(cookie);
            app.clock.advance(MINUTE);
        }
        assert_eq!(handle_of(&app, &cookie).await.as_deref(), Some(&*handle), "{name}");
        assert_eq!(list(&app, "ada").await.len(), 2, "{name}");
        assert!(app.owners.end("ada", &handle).await.unwrap(), "{name}");
        assert!(!is_live(&app, &cookie).await && is_live(&app, &other).await, "{name}");
        assert_eq!(list(&app, "ada").await.len(), 1, "{name}");
        assert!(!app.owners.end("ada", &handle).await.unwrap(), "{name}: it has ended already");
    }
}

#[tokio::test]
async fn new_login_has_new_handle() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    let handle = handle_of(&app, &cookie).await.unwrap();
    let new = app.request(&cookie, log_in).await.cookie().unwrap();
    assert_ne!(handle_of(&app, &new).await, Some(handle.clone()));
    assert!(!app.owners.end("ada", &handle).await.unwrap() && is_live(&app, &new).await);
}

#[tokio::test]
async fn handle_is_invalid_for_other_owner() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    app.begin(|session| log_in_as(session, "eve")).await;
    let handle = handle_of(&app, &cookie).await.unwrap();
    assert!(!app.owners.end("eve", &handle).await.unwrap());
    assert!(is_live(&app, &cookie).await);

    let eves = app.request(&cookie, |session| log_in_as(session, "eve")).await.cookie().unwrap();
    assert_ne!(handle_of(&app, &eves).await, Some(handle.clone()));
    assert!(
        !app.owners.end("ada", &handle).await.unwrap()
            && !app.owners.end("eve", &handle).await.unwrap()
    );
    assert!(is_live(&app, &eves).await);
}

#[tokio::test]
async fn handle_is_not_id_and_id_is_not_handle() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    let handle = handle_of(&app, &cookie).await.unwrap();
    app.store.take_calls();
    for tried in [
        handle.clone(),
        format!("{handle}{}", &handle[..21]),
        format!("{handle}{}A", &handle[..20]),
    ] {
        assert!(app.peek(&tried).await.is_new());
    }
    let record = app.store.record(&cookie).unwrap();
    assert!(!record.payload().windows(handle.len()).any(|window| window == handle.as_bytes()));
    for tried in [&*cookie, "", "ada", &handle[1..], &format!("{handle}A"), &handle.to_uppercase()]
    {
        assert!(!app.owners.end("ada", tried).await.unwrap(), "{tried}");
    }
    assert!(is_live(&app, &cookie).await);
}

#[tokio::test]
async fn handle_of_other_owner_makes_calls_of_unknown_handle() {
    let app = App::new();
    app.begin(log_in).await;
    app.begin(log_in).await;
    let eves =
        handle_of(&app, &app.begin(|session| log_in_as(session, "eve")).await).await.unwrap();
    app.store.take_calls();
    for handle in [&*eves, "AAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(!app.owners.end("ada", handle).await.unwrap());
        assert_eq!(app.store.take_calls(), [KeysOf, Load, Load]);
    }
    for malformed in ["", "never was", "AAAAAAAAAAAAAAAAAAAAAAA"] {
        assert!(!app.owners.end("ada", malformed).await.unwrap());
        assert_eq!(app.store.take_calls(), []);
    }
}

#[tokio::test]
async fn end_others_keeps_session_after_any_other_change() {
    let handlers: [(&str, Handler); 6] = [
        ("read", read),
        ("write", write_user),
        ("rotate_id", Session::rotate_id),
        ("log in again", log_in),
        ("clear and write", |session| session.clear().and_then(|()| write_user(session))),
        ("mark it modified", |session| session.set_modified(true)),
    ];
    for (name, handler) in handlers {
        for after in [false, true] {
            let app = App::new();
            let this = app.begin(log_in).await;
            let others = [app.begin(log_in).await, app.begin(log_in_on_phone).await];
            let eves = app.begin(|session| log_in_as(session, "eve")).await;
            let request = app.open(&this);
            let session = request.session().await.unwrap();
            if after {
                handler(&session).unwrap();
            }
            assert_eq!(app.owners.end_others(&session).await.unwrap(), 2, "{name}");
            if !after {
                handler(&session).unwrap();
            }
            let cookie = crate::support::cookie(&request.commit().await.into_result().unwrap())
                .unwrap_or(this);
            for other in &others {
                assert!(!is_live(&app, other).await, "{name}");
            }
            assert!(is_live(&app, &cookie).await && is_live(&app, &eves).await, "{name}");
            assert_eq!(list(&app, "ada").await.len(), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn others_end_after_login_in_same_request() {
    for begins in [true, false] {
        let app = App::new();
        let other = app.begin(log_in).await;
        let old = if begins { String::new() } else { app.begin(write_user).await };
        let request = app.open(&old);
        let session = request.session().await.unwrap();
        log_in(&session).unwrap();
        assert_eq!(app.owners.end_others(&session).await.unwrap(), 1);
        let headers = request.commit().await.into_result().unwrap();
        assert!(
            is_live(&app, &crate::support::cookie(&headers).unwrap()).await
                && !is_live(&app, &other).await
        );
        assert_eq!(
            app.owners.end_others(&session).await.unwrap(),
            0,
            "after the commit it knows itself"
        );
        assert_eq!(list(&app, "ada").await.len(), 1);
    }
}

#[tokio::test]
async fn manually_saved_session_is_current_at_once() {
    let app = App::new();
    app.begin(log_in).await;
    let request = app.open("");
    let session = request.session().await.unwrap();
    log_in(&session).unwrap();
    assert_eq!(app.owners.end_others(&session).await.unwrap(), 1);
    assert_eq!(list(&app, "ada").await.len(), 1);
    assert_eq!(
        app.owners.handle_of(&session).as_deref(),
        Some(list(&app, "ada").await[0].handle())
    );
}

#[tokio::test]
async fn end_others_needs_owner_and_owner_index() {
    let app = App::new();
    let ada = app.begin(log_in).await;
    for cookie in ["", UNKNOWN, &app.begin(write_user).await] {
        assert_eq!(app.owners.end_others(&app.peek(cookie).await).await.unwrap(), 0);
    }
    let anonymous = app.anonymous().await;
    assert_eq!(log_in(&anonymous).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(log_out(&anonymous).unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(app.owners.end_others(&anonymous).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(is_live(&app, &ada).await);
}

#[tokio::test]
async fn request_in_progress_does_not_revive_ended_session() {
    let handlers: [(&str, Handler); 3] = [
        ("write", write_user),
        ("rotate_id", Session::rotate_id),
        ("set_modified", |session| session.set_modified(true)),
    ];
    for (name, handler) in handlers {
        let app = App::new();
        let cookie = app.begin(log_in).await;
        let request = app.open(&cookie);
        let session = request.session().await.unwrap();
        let handle = app.owners.handle_of(&session).unwrap();
        assert!(app.owners.end("ada", &handle).await.unwrap());
        handler(&session).unwrap();
        let headers = request.commit().await.into_result().unwrap();
        assert_eq!(headers.set_cookie(), None, "{name}");
        assert_ne!(session.outcome(), Some(Outcome::Stored), "{name}");
        assert!(app.store.records().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn login_in_progress_starts_session_after_end() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    let handle = app.owners.handle_of(&session).unwrap();
    app.owners.end_all("ada").await.unwrap();
    log_in(&session).unwrap();
    let new = crate::support::cookie(&request.commit().await.into_result().unwrap()).unwrap();
    assert!(is_live(&app, &new).await);
    assert_ne!(handle_of(&app, &new).await, Some(handle));
}

#[tokio::test]
async fn write_or_renewal_updates_last_seen() {
    for log_in in [log_in as Handler, log_in_remembered] {
        let app = App::new();
        let cookie = app.begin(log_in).await;
        let seen = async || list(&app, "ada").await[0].last_seen();
        assert_eq!(seen().await, start());
        app.clock.advance(MINUTE);
        app.request(&cookie, read).await;
        assert_eq!(app.store.take_calls(), [Load]);
        assert_eq!(seen().await, start(), "within the slack");
        app.clock.advance(MILLISECOND);
        app.request(&cookie, read).await;
        assert_eq!(app.store.take_calls(), [Load, Touch]);
        assert_eq!(seen().await, start() + MINUTE + MILLISECOND);
        app.clock.advance(SECOND);
        app.request(&cookie, write_user).await;
        assert_eq!(seen().await, app.now());
        app.clock.advance(SECOND);
        app.request(&cookie, Session::rotate_id).await;
        assert_eq!(seen().await, app.now());
    }
}

#[tokio::test]
async fn write_near_absolute_timeout_updates_last_seen() {
    let app = App::with(|config| config.absolute_timeout(HOUR));
    let cookie = app.begin(log_in_remembered).await;
    for _ in 0..3 {
        app.clock.advance(MINUTE * 5);
        app.request(&cookie, write_user).await;
        let listed = list(&app, "ada").await;
        assert_eq!((listed[0].created_at(), listed[0].last_seen()), (start(), app.now()));
    }
}

#[tokio::test]
async fn expired_session_is_on_no_list() {
    let app = App::new();
    app.begin(log_in).await;
    app.clock.advance(DAY + MINUTE);
    assert_eq!(list(&app, "ada").await.len(), 1);
    app.clock.advance(MILLISECOND);
    assert!(list(&app, "ada").await.is_empty());
    assert_eq!(app.owners.end_all("ada").await.unwrap(), 0);
}

#[tokio::test]
async fn label_merges_like_values_and_is_cleared() {
    let app = App::new();
    let cookie = app.begin(log_in_on_phone).await;
    let late = app.open(&cookie);
    let session = late.session().await.unwrap();
    write_user(&session).unwrap();
    app.request(&cookie, |session| session.set_label("Ada's phone")).await;
    late.commit().await.into_result().unwrap();
    assert_eq!(list(&app, "ada").await[0].label(), Some("Ada's phone"));
    app.request(&cookie, |session| session.insert("_label", 7)).await;
    assert_eq!(list(&app, "ada").await[0].label(), None, "the label is not text");
    app.request(&cookie, |session| session.clear().and_then(|()| write_user(session))).await;
    assert_eq!(list(&app, "ada").await[0].label(), None);
}

#[tokio::test]
async fn list_makes_one_call_for_session_and_two_after_rotation() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let rotated = app.request(&cookie, log_in).await.cookie().unwrap();
    assert_eq!(app.store.take_calls(), [Load, Create, Replace]);
    app.owners.page("ada", None, 100).await.unwrap();
    assert_eq!(app.store.take_calls(), [KeysOf, Load, Load]);
    app.request(&rotated, write_user).await;
    app.store.take_calls();
    app.owners.page("ada", None, 100).await.unwrap();
    assert_eq!(app.store.take_calls(), [KeysOf, Load]);
}

#[tokio::test]
async fn failed_store_call_of_list_is_error() {
    for call in [KeysOf, Load, Remove] {
        let app = App::new();
        let cookie = app.begin(log_in).await;
        let session = app.peek(&cookie).await;
        let handle = app.owners.handle_of(&session).unwrap();
        app.begin(log_in).await;
        app.store.fail(call, ErrorKind::Unavailable);
        let kind = |error: Error| error.kind();
        let ended = [
            app.owners.end("ada", &handle).await.map(usize::from).map_err(kind),
            app.owners.end_others(&session).await.map_err(kind),
            app.owners.end_all("ada").await.map_err(kind),
        ];
        assert_eq!(ended, [Err(ErrorKind::Unavailable); 3], "{call:?}");
        let listed = app.owners.page("ada", None, 100).await;
        assert_eq!(listed.is_err(), call != Call::Remove, "{call:?}");
    }
}
