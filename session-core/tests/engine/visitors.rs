//! The shorter lifetime of sessions without an owner.

use crate::support::{
    App, DAY, HOUR, MILLISECOND, MINUTE, log_in, read, write_permanent, write_user,
};

/// Returns an application whose visitors have sessions of one hour.
fn app() -> App {
    App::with(|config| config.visitor_lifetime(HOUR))
}

#[tokio::test]
async fn visitor_lifetime_limits_session_without_owner() {
    let app = app();
    for (is_permanent, handler) in
        [(false, write_user as crate::support::Handler), (true, write_permanent)]
    {
        let response = app.request("", handler).await;
        let (cookie, last) = (response.cookie().unwrap(), app.now() + HOUR + MINUTE);
        assert_eq!(response.expires(), is_permanent.then_some(last));
        assert_eq!(app.store.record(&cookie).unwrap().expires_at(), last);
        assert!(app.is_live_at(&cookie, last).await);
        assert!(!app.is_live_at(&cookie, last + MILLISECOND).await);

        app.clock.advance(HOUR / 2);
        app.request(&cookie, read).await;
        let renewed = app.store.record(&cookie).unwrap().expires_at();
        assert_eq!(renewed, last + HOUR / 2, "a use renews the session");
    }
}

#[tokio::test]
async fn login_removes_limit_of_visitors() {
    let app = app();
    let visitor = app.begin(write_user).await;
    let user = app.request(&visitor, log_in).await.cookie().unwrap();
    let last = app.now() + DAY + MINUTE;
    assert_eq!(app.store.record(&user).unwrap().expires_at(), last);
    assert!(app.is_live_at(&user, last).await);
}

#[tokio::test]
async fn lifetime_of_handler_precedes_limit_of_visitors() {
    let app = app();
    let begin = |session: &session_core::Session| session.set_lifetime(3 * HOUR);
    let cookie = app.begin(begin).await;
    assert_eq!(app.store.record(&cookie).unwrap().expires_at(), app.now() + 3 * HOUR + MINUTE);
}

#[tokio::test]
async fn new_limit_of_visitors_applies_at_open() {
    let app = App::new();
    let visitor = app.begin(write_user).await;
    let user = app.begin(log_in).await;
    let shorter = app.reconfigured(|config| config.visitor_lifetime(HOUR));
    let last = app.now() + HOUR + MINUTE;
    assert!(shorter.is_live_at(&visitor, last).await);
    assert!(!shorter.is_live_at(&visitor, last + MILLISECOND).await);
    assert!(shorter.is_live_at(&user, last + MILLISECOND).await);
}

#[test]
fn limit_of_visitors_shorter_than_second_is_refused() {
    let config = session_core::SessionConfig::builder().visitor_lifetime(MILLISECOND);
    assert_eq!(config.build().unwrap_err().kind(), session_core::ErrorKind::Configuration);
}
