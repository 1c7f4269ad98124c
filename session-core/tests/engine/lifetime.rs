//! Lifetimes that handlers set for single sessions.

use std::sync::Arc;
use std::time::Duration;

use session_core::interface::{Hooked, Hooks, SessionView};
use session_core::{Error, ErrorKind, Session};

use crate::support::{
    App, DAY, HOUR, Handler, MILLISECOND, MINUTE, SECOND, log_in, log_in_as, log_out, read, start,
    write_permanent, write_user,
};

fn begin_for(lifetime: Duration) -> impl FnOnce(&Session) -> Result<(), Error> {
    move |session| {
        session.set_lifetime(lifetime)?;
        session.insert("user", "ada")
    }
}

/// A wrapper that gives each session a lifetime of a minute.
#[derive(Debug)]
struct ForAMinute;

impl Hooks for ForAMinute {
    fn lifetime(&self, _: &SessionView<'_>, _: Option<Duration>) -> Option<Duration> {
        Some(MINUTE)
    }
}

#[tokio::test]
async fn lifetime_of_handler_precedes_hook_and_flag() {
    let wrapped = App::wrapped(|config| config, |engine| Arc::new(Hooked::new(engine, ForAMinute)));
    for app in [App::new(), wrapped, App::with(|config| config.permanent_by_default(true))] {
        let response = app.request("", begin_for(HOUR)).await;
        let cookie = response.cookie().unwrap();
        let last = start() + HOUR + MINUTE;
        assert_eq!(response.expires(), Some(last));
        assert_eq!(app.store.record(&cookie).unwrap().expires_at(), last);
        assert!(app.is_live_at(&cookie, last).await);
        assert!(!app.is_live_at(&cookie, last + MILLISECOND).await);

        let response = app.request(&cookie, |session| session.set_permanent(true)).await;
        assert_eq!(response.header(), None, "the lifetime is the same");
        app.clock.advance(HOUR);
        let renewed = app.request(&cookie, read).await.expires();
        assert_eq!(renewed, Some(last + HOUR), "a read renews the session");
    }
}

#[tokio::test]
async fn timeouts_limit_lifetime_of_handler() {
    let absolute = App::with(|config| config.absolute_timeout(HOUR));
    let cookie = absolute.begin(begin_for(DAY)).await;
    assert_eq!(absolute.store.record(&cookie).unwrap().expires_at(), start() + HOUR);
    let idle = App::with(|config| config.idle_timeout(HOUR));
    let cookie = idle.begin(begin_for(DAY)).await;
    assert_eq!(idle.store.record(&cookie).unwrap().expires_at(), start() + HOUR + MINUTE);
}

#[tokio::test]
async fn lifetime_survives_rotation_and_login() {
    let app = App::new();
    let last = |app: &App, cookie: &str| {
        app.store.record(cookie).unwrap().expires_at().duration_since(app.now()).unwrap()
    };
    let cookie = app.begin(begin_for(HOUR)).await;
    let cookie = app.request(&cookie, Session::rotate_id).await.cookie().unwrap();
    assert_eq!(last(&app, &cookie), HOUR + MINUTE);
    let cookie = app.request(&cookie, log_in).await.cookie().unwrap();
    assert_eq!(last(&app, &cookie), HOUR + MINUTE, "of a visitor");
    let cookie = app.request(&cookie, log_in).await.cookie().unwrap();
    assert_eq!(last(&app, &cookie), HOUR + MINUTE, "of the same user");
    let other = app.request(&cookie, |session| log_in_as(session, "eve")).await.cookie().unwrap();
    assert_eq!(last(&app, &other), DAY + MINUTE, "of another user");

    let listed = App::with(|config| config.login_keeps(["cart"]));
    let cookie = listed.begin(begin_for(HOUR)).await;
    let cookie = listed.request(&cookie, log_in).await.cookie().unwrap();
    assert_eq!(last(&listed, &cookie), DAY + MINUTE, "it is not listed");
}

#[tokio::test]
async fn none_clear_and_logout_remove_lifetime() {
    let removals: [Handler; 3] = [|session| session.set_lifetime(None), Session::clear, log_out];
    for remove in removals {
        let app = App::new();
        let cookie = app.begin(begin_for(HOUR)).await;
        let response = app
            .request(&cookie, |session| {
                remove(session)?;
                write_user(session)
            })
            .await;
        assert_eq!(response.expires(), None, "the session ends with the browser");
        let cookie = response.cookie().unwrap();
        assert_eq!(app.store.record(&cookie).unwrap().expires_at(), start() + DAY + MINUTE);
    }
}

#[tokio::test]
async fn write_keeps_lifetime_of_other_request() {
    let app = App::new();
    let cookie = app.begin(write_permanent).await;
    let slow = app.open(&cookie);
    let session = slow.session().await.unwrap();
    app.request(&cookie, |session| session.set_lifetime(HOUR)).await;
    session.insert("late", 1).unwrap();
    slow.commit().await.into_result().unwrap();
    assert_eq!(app.store.record(&cookie).unwrap().expires_at(), start() + HOUR + MINUTE);
}

#[tokio::test]
async fn last_saved_lifetime_decides() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let (first, second) = (app.open(&cookie), app.open(&cookie));
    first.session().await.unwrap().set_lifetime(MINUTE * 10).unwrap();
    second.session().await.unwrap().set_lifetime(HOUR).unwrap();
    second.commit().await.into_result().unwrap();
    first.commit().await.into_result().unwrap();
    assert_eq!(app.store.record(&cookie).unwrap().expires_at(), start() + MINUTE * 11);
}

#[tokio::test]
async fn lifetime_is_rounded_up_and_at_least_one_second() {
    let app = App::new();
    let cookie = app.begin(begin_for(SECOND * 20 + MILLISECOND)).await;
    assert_eq!(app.payload(&cookie).await, r#"{"_lifetime":21,"user":"ada"}"#);
    let session = app.peek(&cookie).await;
    let error = session.set_lifetime(MILLISECOND * 999).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    assert!(!session.is_modified());
    session.set_lifetime(Duration::MAX).unwrap();
    session.save().await.unwrap();
}

#[tokio::test]
async fn other_value_under_key_of_lifetime_is_ignored() {
    for value in [serde_json::json!(0), "60".into(), (-60).into(), 60.5.into(), true.into()] {
        let app = App::new();
        let cookie = app.begin(|session| session.insert("_lifetime", value)).await;
        assert_eq!(app.store.record(&cookie).unwrap().expires_at(), start() + DAY + MINUTE);
    }
}
