//! Which responses set the cookie, and which cookie.

use std::time::Duration;

use session_core::{ErrorKind, Outcome, Refresh, Session};

use crate::store::Call::{Create, Replace};
use crate::support::{
    App, HOUR, Handler, Response, SECOND, finish, log_in, log_out, read, slow, write_user,
};

#[tokio::test]
async fn cookie_is_set_only_if_it_is_out_of_date() {
    let permanent: Handler = |session| session.set_permanent(true);
    let cases: [(&str, Handler, Handler, Duration, bool); 9] = [
        ("write", write_user, |session| session.insert("n", 1), HOUR, false),
        ("write soon", permanent, |session| session.insert("n", 1), SECOND, false),
        ("write when due", permanent, |session| session.insert("n", 1), HOUR, true),
        ("read soon", permanent, read, SECOND, false),
        ("read when due", permanent, read, HOUR, true),
        ("longer lifetime", write_user, permanent, SECOND, true),
        ("shorter lifetime", permanent, |session| session.set_permanent(false), SECOND, true),
        ("new id", write_user, Session::rotate_id, SECOND, true),
        ("demanded", write_user, |session| session.set_modified(true), SECOND, true),
    ];
    for (name, begin, handler, wait, sets_cookie) in cases {
        let app = App::new();
        let cookie = app.begin(begin).await;
        app.clock.advance(wait);
        let response = app.request(&cookie, handler).await;
        assert_eq!(response.header().is_some(), sets_cookie, "{name}");
    }
}

#[tokio::test]
async fn writes_do_not_let_record_outlive_its_cookie() {
    let app = App::with(|config| config.permanent_lifetime(HOUR));
    let permanent = |session: &Session| session.set_permanent(true);
    let response = app.request("", permanent).await;
    let (cookie, mut expires) = (response.cookie().unwrap(), response.expires().unwrap());
    for n in 0..400 {
        app.clock.advance(SECOND * 30);
        let response = app.request(&cookie, |session| session.insert("n", n)).await;
        expires = response.expires().unwrap_or(expires);
        assert!(expires >= app.now() + HOUR, "the browser keeps its promise");
        assert!(app.store.record(&cookie).unwrap().expires_at() >= expires);
    }
}

#[tokio::test]
async fn write_renews_cookie_when_only_changes_renew() {
    let app = App::with(|config| config.refresh(Refresh::WhenModified));
    let cookie = app.begin(|session| session.set_permanent(true)).await;
    app.clock.advance(SECOND);
    let response = app.request(&cookie, |session| session.insert("n", 1)).await;
    assert_eq!(response.cookie(), Some(cookie));
}

#[tokio::test]
async fn several_cookies_of_name_set_it_again() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let two = format!("{cookie}; session=x");
    let response = app.request(&two, |session| session.insert("n", 1)).await;
    assert_eq!(response.cookie(), Some(cookie));
}

#[tokio::test]
async fn dropped_commit_discards_cookie_that_repeats_id() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = slow(&app, &cookie).await;
    let session = request.session().await.unwrap();
    session.set_permanent(true).unwrap();
    assert_eq!(session.save().await.unwrap(), Outcome::Stored);
    app.request_elsewhere(&cookie, log_out).await;
    session.insert("n", 1).unwrap();
    let response = finish(request).await;
    assert_eq!((response.outcome, response.header()), (Some(Outcome::Dropped), None));
}

#[tokio::test]
async fn commit_under_another_id_discards_cookie_that_repeats_id() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = slow(&app, &cookie).await;
    let session = request.session().await.unwrap();
    session.set_permanent(true).unwrap();
    session.save().await.unwrap();
    app.request_elsewhere(&cookie, Session::rotate_id).await;
    session.insert("n", 1).unwrap();
    let response = finish(request).await;
    assert_eq!((response.outcome, response.header()), (Some(Outcome::Stored), None));
}

#[tokio::test]
async fn commit_keeps_changed_or_removed_id_of_manual_save() {
    for (handler, removes) in
        [(Session::rotate_id as Handler, false), (log_in, false), (log_out, true)]
    {
        let app = App::new();
        let cookie = app.begin(write_user).await;
        let request = slow(&app, &cookie).await;
        let session = request.session().await.unwrap();
        handler(&session).unwrap();
        session.save().await.unwrap();
        session.insert("n", 1).unwrap();
        app.store.fail(Create, ErrorKind::Backend);
        app.store.fail(Replace, ErrorKind::Backend);
        let committed = request.commit().await;
        assert_eq!(committed.error.unwrap().kind(), ErrorKind::Backend);
        assert_eq!(committed.headers.cache_control([]), Some("no-store"));
        let response = Response::new(committed.headers, None);
        assert_eq!(response.is_removal(), removes);
        app.store.recover();
        if let Some(new) = response.cookie() {
            assert!(!app.peek(&new).await.is_new());
        }
    }
}

#[tokio::test]
async fn demanded_cookie_follows_rotation_of_another_request() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = slow(&app, &cookie).await;
    request.session().await.unwrap().set_modified(true).unwrap();
    app.request_elsewhere(&cookie, Session::rotate_id).await;
    let response = finish(request).await;
    assert_eq!((response.outcome, response.header()), (Some(Outcome::Stored), None));
}
