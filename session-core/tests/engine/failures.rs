//! A store that fails, or whose records other requests change first. The error reports this, and no
//! write is partial or overwrites other data.

use std::time::Duration;

use session_core::{ErrorKind, Outcome, Session};

use crate::store::Call::{self, Create, Load, Remove, Replace, Touch};
use crate::support::{
    App, HOUR, Handler, SECOND, log_in, log_out, read, start, write_permanent, write_user,
};
use crate::warnings;

const KINDS: [ErrorKind; 3] = [ErrorKind::Unavailable, ErrorKind::Backend, ErrorKind::TooLarge];

#[tokio::test]
async fn failed_load_is_error_and_not_empty_session() {
    for kind in KINDS {
        let app = App::new();
        let cookie = app.begin(write_user).await;
        app.store.fail(Load, kind);
        let request = app.open(&cookie);
        assert_eq!(request.session().await.unwrap_err().kind(), kind);
        app.store.recover();
        assert_eq!(
            request.session().await.unwrap().get::<String>("user").unwrap().as_deref(),
            Some("ada")
        );
    }
}

#[tokio::test]
async fn call_that_is_not_applied_fails_and_changes_nothing() {
    let requests: [(Call, &str, Handler); 7] = [
        (Replace, "write", |session| session.insert("n", 2)),
        (Touch, "set_modified", |session| session.set_modified(true)),
        (Remove, "clear", Session::clear),
        (Remove, "log_out", log_out),
        (Create, "rotate_id", Session::rotate_id),
        (Create, "log_in", log_in),
        (Remove, "log_out, then insert", |session| {
            log_out(session).and_then(|()| session.insert("n", 2))
        }),
    ];
    for (call, name, handler) in requests {
        for kind in KINDS {
            let app = App::new();
            let cookie = app.begin(|session| session.insert("n", 1)).await;
            let before = app.store.records();
            app.store.fail(call, kind);
            let error = app.respond(&cookie, handler).await.err().map(|error| error.kind());
            assert_eq!(error, Some(kind), "{name}");
            assert_eq!(app.store.records(), before, "{name}");
            app.store.recover();
            assert_eq!(app.payload(&cookie).await, r#"{"n":1}"#, "{name}");
        }
    }
}

#[tokio::test]
async fn rotation_without_tombstone_keeps_old_id() {
    for rotate in [Session::rotate_id as Handler, log_in] {
        for kind in KINDS {
            let app = App::new();
            let cookie = app.begin(write_user).await;
            let before = app.store.record(&cookie);
            app.store.fail(Replace, kind);
            let error = app.respond(&cookie, rotate).await.err().map(|error| error.kind());
            assert_eq!((error, app.store.record(&cookie)), (Some(kind), before));
        }
    }
}

#[tokio::test]
async fn failed_create_is_error_without_cookie() {
    for kind in KINDS {
        let app = App::new();
        app.store.fail(Create, kind);
        let request = app.open("");
        let session = request.session().await.unwrap();
        session.insert("n", 1).unwrap();
        assert_eq!(request.commit().await.into_result().unwrap_err().kind(), kind);
        assert_eq!(session.outcome(), None);
        assert!(app.store.records().is_empty());
    }
}

#[tokio::test]
async fn failed_renewal_is_warning() {
    for handler in [write_user as Handler, write_permanent] {
        for kind in KINDS {
            let app = App::new();
            let cookie = app.begin(handler).await;
            let before = app.store.records();
            app.clock.advance(HOUR);
            app.store.fail(Touch, kind);
            warnings::take();
            let response = app.request(&cookie, read).await;
            assert_eq!((response.outcome, response.header()), (Some(Outcome::Unchanged), None));
            assert!(response.vary());
            assert_eq!((warnings::take(), app.store.records()), (1, before));
        }
    }
}

#[tokio::test]
async fn failed_renewal_of_untouched_session_is_warning() {
    for call in [Load, Touch] {
        let app = App::with(|config| config.refresh(session_core::Refresh::EachRequest));
        let cookie = app.begin(write_permanent).await;
        app.clock.advance(HOUR);
        app.store.fail(call, ErrorKind::Unavailable);
        warnings::take();
        assert_eq!(
            (app.untouched(&cookie).await.header(), warnings::take()),
            (None, 1),
            "{call:?}"
        );
    }
}

#[tokio::test]
async fn save_overtaken_until_deadline_is_conflict() {
    let requests: [(&str, Handler); 8] = [
        ("write", |session| session.insert("n", 2)),
        ("update", |session| session.update("n", |n: Option<u8>| Some(n.unwrap_or(0) + 1))),
        ("set_modified", |session| session.set_modified(true)),
        ("clear", Session::clear),
        ("log_out", log_out),
        ("log_out, then insert", |session| log_out(session).and_then(|()| session.insert("n", 2))),
        ("rotate_id", Session::rotate_id),
        ("log_in", log_in),
    ];
    for (name, handler) in requests {
        let app = App::new();
        let cookie = app.begin(|session| session.insert("n", 1)).await;
        let before = app.store.record(&cookie);
        let request = app.open(&cookie);
        let session = request.session().await.unwrap();
        app.store.overtake_everybody(&app.clock);
        // The handler of a login or a logout saves the session.
        let error = match handler(&session) {
            Ok(()) => request.commit().await.error,
            Err(error) => Some(error),
        };
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Conflict), "{name}");
        assert_deadline(app.now().duration_since(start()).unwrap(), name);
        assert_eq!(app.store.record(&cookie), before, "{name}");
        app.store.recover();
        assert_eq!(app.payload(&cookie).await, r#"{"n":1}"#, "{name}");
    }
}

/// The last attempt can start at four seconds, and makes at most two calls.
fn assert_deadline(took: Duration, name: &str) {
    assert!(took > SECOND * 4 && took <= SECOND * 6, "{name}: {took:?}");
}

#[tokio::test]
async fn renewal_overtaken_until_deadline_is_warning() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    app.clock.advance(HOUR);
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    app.store.overtake_everybody(&app.clock);
    warnings::take();
    let headers = request.commit().await.into_result().unwrap();
    assert_eq!(
        (headers.set_cookie(), session.outcome(), warnings::take()),
        (None, Some(Outcome::Unchanged), 1)
    );
    assert_deadline(app.now().duration_since(start() + HOUR).unwrap(), "renewal");
}
