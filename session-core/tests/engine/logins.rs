//! Logins, stamps and logouts.

use std::time::Duration;

use session_core::interface::Opened;
use session_core::login::{Login, check_stamp, replace_stamp};
use session_core::{Error, ErrorKind, Outcome, Session};

use crate::store::Call;
use crate::support::{
    App, HOUR, Handler, MINUTE, UNKNOWN, at_once, log_in, log_in_as, log_out, read, start,
    write_user,
};

fn fill(session: &Session) -> Result<(), Error> {
    session.insert("cart", 1)?;
    session.insert("theme", 2)?;
    session.insert("csrf_token", "known to the attacker")
}

#[tokio::test]
async fn login_keeps_listed_values_of_visitor() {
    for (kept, payload) in [(None, r#"{"cart":1,"theme":2}"#), (Some("cart"), r#"{"cart":1}"#)] {
        let app = App::with(|config| match kept {
            Some(key) => config.login_keeps([key]),
            None => config,
        });
        let cookie = app.begin(fill).await;
        let new = app.request(&cookie, log_in).await.cookie().unwrap();
        assert_eq!(app.payload(&new).await, payload);
    }
}

#[tokio::test]
async fn values_before_login_belong_to_previous_owner() {
    let app = App::new();
    let cookie = app.begin(|session| fill(session).and(log_in(session))).await;
    let response = app
        .request(&cookie, |session| {
            session.insert("note", "of ada")?;
            log_in_as(session, "eve")?;
            assert!(session.is_empty() && session.owner().as_deref() == Some("eve"));
            session.insert("note", "of eve")
        })
        .await;
    let payload = app.payload(&response.cookie().unwrap()).await;
    assert_eq!(payload, r#"{"note":"of eve"}"#);
}

#[tokio::test]
async fn owner_in_store_decides_what_login_keeps() {
    let app = App::new();
    let cookie = app.begin(fill).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    // Another request of the visitor logs another user in.
    app.request(&cookie, |session| log_in_as(session, "eve")).await;
    log_in(&session).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    let new = crate::support::cookie(&headers).unwrap();
    assert_eq!(app.payload(&new).await, "{}");
}

#[tokio::test]
async fn login_restarts_absolute_timeout() {
    let app = App::with(|config| config.absolute_timeout(HOUR));
    let mut cookie = app.begin(write_user).await;
    for _ in 0..3 {
        app.clock.advance(MINUTE * 50);
        cookie = app.request(&cookie, log_in).await.cookie().unwrap();
    }
    assert_eq!(app.peek(&cookie).await.owner().as_deref(), Some("ada"));
    app.clock.advance(HOUR + Duration::from_millis(1));
    assert!(app.peek(&cookie).await.is_new());
}

#[tokio::test]
async fn last_login_with_id_of_no_session_is_stored() {
    for is_expired in [false, true] {
        let app = App::with(|config| config.absolute_timeout(HOUR));
        let mut cookie = UNKNOWN.to_owned();
        if is_expired {
            cookie = app.begin(write_user).await;
            app.clock.advance(HOUR * 2);
        }
        let response = app.request(&cookie, |session| {
            log_in_as(session, "ada").and_then(|()| log_in_as(session, "eve"))
        });
        let new = response.await.cookie().unwrap();
        assert_eq!(app.peek(&new).await.owner().as_deref(), Some("eve"), "{is_expired}");
        assert_eq!(app.owners.end_all("ada").await.unwrap(), 0, "{is_expired}");
        assert!(app.peek(&cookie).await.is_new(), "{is_expired}");
    }
}

#[tokio::test]
async fn time_and_stamp_of_login_stay() {
    let changes: [Handler; 3] = [read, write_user, Session::rotate_id];
    let app = App::new();
    let begun = app.begin(|session| at_once(session.log_in("ada", Some("7")))).await;
    let mut cookie = begun;
    for change in changes {
        app.clock.advance(MINUTE);
        cookie = app.request(&cookie, change).await.cookie().unwrap_or(cookie);
        let session = app.peek(&cookie).await;
        assert_eq!(session.authenticated_at(), Some(start()));
        assert!(check_stamp(&session, "7") && !check_stamp(&session, "8"));
    }
    cookie = app.request(&cookie, log_in).await.cookie().unwrap();
    let session = app.peek(&cookie).await;
    assert_eq!(session.authenticated_at(), Some(start() + MINUTE * 3));
    assert!(!check_stamp(&session, "7"), "this login has no stamp");
}

#[tokio::test]
async fn replaced_stamp_keeps_login_under_new_id() {
    let app = App::new();
    let cookie = app
        .begin(|session| {
            session.insert("n", 1)?;
            at_once(session.log_in("ada", Some("7")))
        })
        .await;
    app.clock.advance(MINUTE);
    let new = app.request(&cookie, |session| at_once(replace_stamp(session, "8"))).await;
    let session = app.peek(&new.cookie().unwrap()).await;
    assert!(check_stamp(&session, "8") && app.peek(&cookie).await.is_new());
    assert_eq!(session.authenticated_at(), Some(start()));
    assert_eq!(session.get::<u64>("n").unwrap(), Some(1));
    let visitor = app.peek("").await;
    assert_eq!(at_once(replace_stamp(&visitor, "8")).unwrap_err().kind(), ErrorKind::Ended);
    assert!(!check_stamp(&visitor, "8"));
}

#[tokio::test]
async fn stamp_has_at_most_1024_bytes() {
    let app = App::new();
    let longest = "s".repeat(1024);
    let cookie = app.begin(|session| at_once(session.log_in("ada", Some(&longest)))).await;
    assert!(check_stamp(&app.peek(&cookie).await, &longest));
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    let error = at_once(session.log_in("eve", Some(&format!("{longest}s")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(!session.is_modified() && session.owner().as_deref() == Some("ada"));
}

#[tokio::test]
async fn login_key_is_refused_and_login_cannot_be_forged() {
    let app = App::new();
    let session = app.peek("").await;
    let refused = [
        session.insert("_login", ("eve", 0, None::<String>)),
        session.update("_login", |_: Option<u64>| Some(1)),
        session.get_or_insert("_login", 1).map(drop),
    ];
    for result in refused {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Value);
    }
    assert!(session.is_empty() && !session.is_modified());

    let cookie = app.begin(|session| fill(session).and(log_in(session))).await;
    let removals: [Handler; 3] = [
        |session| session.discard("_login").map(drop),
        |session| session.remove::<String>("_login").map(drop),
        Session::clear,
    ];
    for remove in removals {
        app.request(&cookie, remove).await;
        let session = app.peek(&cookie).await;
        assert_eq!(session.owner().as_deref(), Some("ada"));
        assert_eq!(session.authenticated_at(), Some(start()));
    }
}

#[tokio::test]
async fn login_that_meets_rotation_stores_its_owner() {
    for is_saved_before in [false, true] {
        let app = App::new();
        let old = app.begin(write_user).await;
        let request = app.open(&old);
        let session = request.session().await.unwrap();
        if is_saved_before {
            session.insert("cart", 1).unwrap();
            session.save().await.unwrap();
        }
        let rotated = app.request(&old, Session::rotate_id).await.cookie().unwrap();
        session.log_in("ada", None).await.unwrap();
        let headers = request.commit().await.into_result().unwrap();
        assert_eq!(session.outcome(), Some(Outcome::Stored));
        let new = crate::support::cookie(&headers).unwrap();
        let found = app.peek(&new).await;
        assert_eq!(found.owner().as_deref(), Some("ada"));
        assert!(found.contains_key("user") && found.contains_key("cart") == is_saved_before);
        for cookie in [old, rotated] {
            assert!(app.peek(&cookie).await.is_new());
        }
    }
}

#[tokio::test]
async fn logout_after_dropped_save_still_looks_for_session() {
    let begin: [(Handler, Outcome); 2] = [
        (|session| write_user(session).and(log_in(session)), Outcome::Stored),
        (write_user, Outcome::Dropped),
    ];
    for (begin, outcome) in begin {
        let app = App::new();
        let old = app.begin(begin).await;
        let request = app.open(&old);
        let session = request.session().await.unwrap();
        let new = app.request(&old, Session::rotate_id).await.cookie().unwrap();
        app.clock.advance(HOUR);
        session.insert("n", 1).unwrap();
        assert_eq!(session.save().await.unwrap(), Outcome::Dropped);
        for _ in 0..2 {
            assert_eq!(session.log_out().await.unwrap(), outcome);
        }
        assert_eq!(app.peek(&new).await.is_new(), outcome == Outcome::Stored);
    }
}

#[tokio::test]
async fn logout_reports_whether_it_ended_session() {
    let app = App::new();
    for cookie in ["", UNKNOWN] {
        assert_eq!(app.peek(cookie).await.log_out().await.unwrap(), Outcome::Unchanged);
    }
    let cookie = app.begin(log_in).await;
    let session = app.peek(&cookie).await;
    assert_eq!(session.log_out().await.unwrap(), Outcome::Stored);
    assert!(session.owner().is_none() && app.store.records().is_empty());
    assert_eq!(session.log_out().await.unwrap(), Outcome::Stored, "it has ended already");

    let (users, visitors) = (app.begin(log_in).await, app.begin(write_user).await);
    for (cookie, outcome) in [(&users, Outcome::Stored), (&visitors, Outcome::Dropped)] {
        let late = app.peek(cookie).await;
        app.request(cookie, log_out).await;
        assert_eq!(late.log_out().await.unwrap(), outcome, "another request has ended it");
    }
}

#[tokio::test]
async fn failed_logout_keeps_cookie_and_is_tried_again() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    app.store.fail(crate::store::Call::Remove, ErrorKind::Unavailable);
    assert_eq!(session.log_out().await.unwrap_err().kind(), ErrorKind::Unavailable);
    let committed = request.commit().await;
    assert_eq!(committed.headers.set_cookie(), None);
    assert_eq!(committed.error.unwrap().kind(), ErrorKind::Unavailable);
    app.store.recover();
    assert!(app.request(&cookie, log_out).await.is_removal());
}

#[tokio::test]
async fn logout_of_anonymous_session_is_error() {
    let app = App::new();
    let session = app.anonymous().await;
    for _ in 0..2 {
        assert_eq!(session.log_out().await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert_eq!(session.outcome(), None);
}

#[tokio::test]
async fn failed_logout_that_follows_login_of_same_user_is_error() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    app.request_elsewhere(&cookie, log_in).await;
    // The first call reads the tombstone. The second call, for the new session, fails.
    app.store.fail_after(Call::Remove, 1);
    assert_eq!(session.log_out().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(app.owners.page("ada", None, 100).await.unwrap().sessions.len(), 1);
    app.store.recover();
    request.commit().await.into_result().unwrap();
    assert_eq!(session.outcome(), Some(Outcome::Stored));
    assert!(app.owners.page("ada", None, 100).await.unwrap().sessions.is_empty());
}

#[tokio::test]
async fn session_made_by_hand_logs_in_and_out() {
    let session = Opened::from_payload(r#"{"n":1}"#)
        .unwrap()
        .with_login(Login::new("ada", start()))
        .into_session();
    assert_eq!(
        (session.owner().as_deref(), session.authenticated_at()),
        (Some("ada"), Some(start()))
    );
    assert!(!session.is_modified());
    session.log_in("ada", Some("7")).await.unwrap();
    assert!(check_stamp(&session, "7") && session.contains_key("n"));
    session.log_in("eve", None).await.unwrap();
    assert!(session.owner().as_deref() == Some("eve") && session.is_empty());
    assert_eq!(session.log_out().await.unwrap(), Outcome::Stored);
    assert_eq!(session.owner(), None);
}
