//! Guarantees of ends, lifetimes, deadlines and lists that involve several requests.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use session_core::store::OwnerIndex;
use session_core::{ErrorKind, Outcome, Refresh, Session, SessionConfigBuilder};

use crate::store::Call::{KeysOf, Load, Remove, Replace};
use crate::support::{
    App, DAY, HOUR, Handler, MINUTE, SECOND, finish, log_in, log_in_as, log_out, read, slow,
    write_user,
};

#[tokio::test]
async fn stored_logout_leaves_no_id_that_opens_session() {
    for (begin, outcome) in [
        (write_user as Handler, Outcome::Dropped),
        (|session| write_user(session).and(log_in(session)), Outcome::Stored),
    ] {
        let app = App::new();
        let old = app.begin(begin).await;
        let request = slow(&app, &old).await;
        let mut new = old;
        for _ in 0..3 {
            new = app.request(&new, Session::rotate_id).await.cookie().unwrap();
            app.clock.advance(HOUR);
        }
        request.session().await.unwrap().log_out().await.unwrap();
        let response = finish(request).await;
        assert_eq!(response.outcome, Some(outcome));
        assert_eq!(response.is_removal(), outcome == Outcome::Stored);
        assert_eq!(app.peek(&new).await.is_new(), outcome == Outcome::Stored);
    }
}

#[tokio::test]
async fn failed_logout_of_session_rotated_long_ago_is_error() {
    for wait in [SECOND, HOUR] {
        let app = App::new();
        let old = app.begin(write_user).await;
        let request = slow(&app, &old).await;
        let new = app.request(&old, Session::rotate_id).await.cookie().unwrap();
        app.clock.advance(wait);
        let session = request.session().await.unwrap();
        app.store.fail(Remove, ErrorKind::Unavailable);
        for error in [log_out(&session).err(), request.commit().await.error] {
            assert_eq!(error.unwrap().kind(), ErrorKind::Unavailable);
        }
        app.store.recover();
        assert!(!app.peek(&new).await.is_new());
    }
}

#[tokio::test]
async fn logout_whose_reply_is_lost_is_stored() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = slow(&app, &cookie).await;
    app.clock.advance(MINUTE * 4);
    app.store.lose_reply(Remove);
    request.session().await.unwrap().log_out().await.unwrap();
    assert_eq!(finish(request).await.outcome, Some(Outcome::Stored));
    assert!(app.peek(&cookie).await.is_new());
}

#[tokio::test]
async fn logout_by_fast_clock_reaches_rotated_session() {
    let app = App::new();
    let old = app.begin(write_user).await;
    let request = slow(&app, &old).await;
    let new = app.request(&old, Session::rotate_id).await.cookie().unwrap();
    app.clock.advance(MINUTE * 5);
    request.session().await.unwrap().log_out().await.unwrap();
    assert_eq!(finish(request).await.outcome, Some(Outcome::Stored));
    assert!(app.peek(&new).await.is_new());
}

#[tokio::test]
async fn visitors_logout_does_not_end_concurrent_login() {
    let app = App::new();
    let planted = app.begin(write_user).await;
    let request = slow(&app, &planted).await;
    let users = app.request(&planted, log_in).await.cookie().unwrap();
    request.session().await.unwrap().log_out().await.unwrap();
    let response = finish(request).await;
    assert_eq!((response.outcome, response.header()), (Some(Outcome::Dropped), None));
    assert!(!app.peek(&users).await.is_new());
}

#[tokio::test]
async fn end_all_continues_after_session_that_fails() {
    let app = App::new();
    for _ in 0..5 {
        app.begin(log_in).await;
    }
    app.store.fail_after(Remove, 2);
    let error = app.owners.end_all("ada").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let message = "2 sessions of the owner were ended, and 3 are left because the store failed";
    assert_eq!(error.to_string(), message);
    app.store.recover();
    assert_eq!(app.owners.end_all("ada").await.unwrap(), 3);
}

#[tokio::test]
async fn waiting_save_fails_at_its_deadline_without_call() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let mut requests = Vec::new();
    for _ in 0..10 {
        let request = slow(&app, &cookie).await;
        request.session().await.unwrap().insert("n", 1).unwrap();
        requests.push(request);
    }
    app.store.take_calls();
    app.store.hold_next(Replace);
    let mut commits: Vec<_> = requests.iter().map(|request| Box::pin(request.commit())).collect();
    let mut context = Context::from_waker(Waker::noop());
    for commit in &mut commits {
        assert!(commit.as_mut().poll(&mut context).is_pending());
    }
    app.clock.advance(SECOND * 6);
    app.store.fail(Replace, ErrorKind::Unavailable);
    app.store.resume();
    for commit in &mut commits {
        let Poll::Ready(committed) = commit.as_mut().poll(&mut context) else {
            panic!("a save still waits")
        };
        assert_eq!(committed.error.unwrap().kind(), ErrorKind::Unavailable);
    }
    assert_eq!(app.store.take_calls(), [Replace], "the deadline of the lookup had passed, too");
}

#[tokio::test]
async fn deadline_ignores_jumps_of_system_time() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = slow(&app, &cookie).await;
    request.session().await.unwrap().insert("n", 1).unwrap();
    app.store.hold_next(Replace);
    let mut commit = pin!(request.commit());
    let mut context = Context::from_waker(Waker::noop());
    assert!(commit.as_mut().poll(&mut context).is_pending());
    app.request_elsewhere(&cookie, |session| session.insert("other", 1)).await;
    app.clock.set(app.now() + HOUR);
    app.store.recover();
    let Poll::Ready(committed) = commit.as_mut().poll(&mut context) else { panic!("it waits") };
    committed.into_result().unwrap();
}

#[tokio::test]
async fn write_keeps_lifetime_of_other_request() {
    for (permanent, lifetime) in [(true, DAY * 31), (false, DAY)] {
        for handler in [write_user as Handler, read] {
            let app = App::with(|config| config.refresh(Refresh::WhenAccessed));
            let cookie = app
                .begin(|session| session.set_permanent(!permanent).and(session.insert("n", 1)))
                .await;
            app.clock.advance(HOUR);
            let request = slow(&app, &cookie).await;
            handler(&request.session().await.unwrap()).unwrap();
            let set: Handler = if permanent {
                |session| session.set_permanent(true)
            } else {
                |session| session.set_permanent(false)
            };
            app.request_elsewhere(&cookie, set).await;
            finish(request).await;
            let expires_at = app.store.record(&cookie).unwrap().expires_at();
            let left = expires_at.duration_since(app.now()).unwrap();
            assert!(left >= lifetime && left <= lifetime + MINUTE, "{permanent}: {left:?}");
            assert_eq!(app.peek(&cookie).await.is_permanent(), permanent);
        }
    }
}

#[tokio::test]
async fn shorter_settings_apply_to_stored_sessions_at_open() {
    type Configure = fn(SessionConfigBuilder) -> SessionConfigBuilder;
    let changes: [(Handler, Configure); 3] = [
        (|session| session.set_permanent(true), |config| config.permanent_lifetime(HOUR)),
        (write_user, |config| config.browser_lifetime(HOUR)),
        (|session| session.set_permanent(true), |config| config.idle_timeout(HOUR)),
    ];
    for (handler, shorten) in changes {
        let app = App::new();
        let unused = app.begin(handler).await;
        let used = app.begin(handler).await;
        let shortened = app.reconfigured(shorten);
        app.clock.advance(MINUTE * 50);
        assert!(!shortened.peek(&used).await.is_new());
        shortened.request(&used, read).await;
        app.clock.advance(MINUTE * 50);
        assert!(shortened.peek(&unused).await.is_new());
        assert!(!shortened.peek(&used).await.is_new());
        assert!(!app.peek(&used).await.is_new(), "the record has its new lifetime");
    }
}

#[tokio::test]
async fn longer_settings_apply_at_next_renewal() {
    let app = App::with(|config| config.permanent_lifetime(HOUR));
    let cookie = app.begin(|session| session.set_permanent(true)).await;
    let lengthened = app.reconfigured(|config| config.permanent_lifetime(DAY));
    app.clock.advance(MINUTE * 5);
    lengthened.request(&cookie, read).await;
    app.clock.advance(HOUR * 2);
    assert!(!lengthened.peek(&cookie).await.is_new());
}

#[tokio::test]
async fn save_of_reopened_session_that_ended_stores_nothing() {
    let ends: [(&str, Handler); 3] =
        [("ended", log_out), ("rotated", Session::rotate_id), ("logged in", log_in)];
    for (name, end) in ends {
        for wait in [SECOND, MINUTE] {
            let app = App::new();
            let cookie = app.begin(write_user).await;
            let request = slow(&app, &cookie).await;
            let session = request.session().await.unwrap();
            request.commit().await.into_result().unwrap();
            app.request_elsewhere(&cookie, end).await;
            app.clock.advance(wait);
            let before = app.store.records();
            for _ in 0..3 {
                let reopened = session.reopen().await.unwrap();
                assert!(reopened.is_new(), "{name}");
                assert_eq!(reopened.save().await.unwrap(), Outcome::Unchanged);
                reopened.insert("n", 1).unwrap();
                let error = reopened.save().await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Ended, "{name} after {wait:?}");
            }
            assert_eq!(app.store.records(), before, "{name}");
        }
    }
}

#[tokio::test]
async fn page_loads_one_record_for_each_session() {
    let app = App::new();
    let mut cookies = Vec::new();
    for _ in 0..20 {
        cookies.push(app.begin(log_in).await);
    }
    for _ in 0..100 {
        for cookie in &mut cookies {
            *cookie = app.request(cookie, Session::rotate_id).await.cookie().unwrap();
        }
        app.clock.advance(SECOND);
    }
    assert_eq!(app.store.keys_of("ada").await.unwrap().len(), 20);
    app.store.take_calls();
    let page = app.owners.page("ada", None, 20).await.unwrap();
    assert_eq!(page.sessions.len(), 20);
    let calls = app.store.take_calls();
    assert_eq!(calls.iter().filter(|call| **call == KeysOf).count(), 1);
    assert_eq!(calls.iter().filter(|call| **call == Load).count(), 30);
}

#[tokio::test]
async fn repeated_login_with_old_id_gets_visitors_data() {
    for wait_for_first in [false, true] {
        let app = App::new();
        let visitor = app.begin(write_user).await;
        let second = app.open(&visitor);
        if !wait_for_first {
            log_in(&second.session().await.unwrap()).unwrap();
        }
        let first = app.request(&visitor, log_in).await.cookie().unwrap();
        log_in(&second.session().await.unwrap()).unwrap();
        let new = finish(second).await.cookie().unwrap();
        assert_ne!(new, first);
        for cookie in [&first, &new] {
            assert_eq!(app.payload(cookie).await, r#"{"user":"ada"}"#);
            assert_eq!(app.peek(cookie).await.owner().as_deref(), Some("ada"));
        }
        assert_eq!(app.owners.page("ada", None, 100).await.unwrap().sessions.len(), 2);
        assert!(app.peek(&visitor).await.is_new());
    }
}

#[tokio::test]
async fn login_of_another_user_with_old_id_starts_empty() {
    for wait_for_first in [false, true] {
        let app = App::new();
        let visitor = app.begin(write_user).await;
        let second = app.open(&visitor);
        if !wait_for_first {
            second.session().await.unwrap();
        }
        app.request(&visitor, log_in).await;
        second.session().await.unwrap().log_in("eve", None).await.unwrap();
        let new = finish(second).await.cookie().unwrap();
        assert_eq!(app.payload(&new).await, "{}");
    }
}

#[tokio::test]
async fn session_that_begins_after_logout_has_no_owner() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    let request = slow(&app, &cookie).await;
    let session = request.session().await.unwrap();
    session.log_out().await.unwrap();
    assert_eq!(session.owner(), None);
    session.insert("n", 1).unwrap();
    let new = finish(request).await.cookie().unwrap();
    assert_eq!(app.peek(&new).await.owner(), None);
    assert!(app.owners.page("ada", None, 100).await.unwrap().sessions.is_empty());
}

#[tokio::test]
async fn new_session_without_changes_is_not_stored() {
    let app = App::with(|config| config.refresh(Refresh::EachRequest));
    let response = app
        .request("", |session| session.set_permanent(true).and(session.set_modified(false)))
        .await;
    assert_eq!((response.outcome, response.header()), (Some(Outcome::Unchanged), None));
    assert!(app.store.records().is_empty());
}

#[tokio::test]
async fn login_after_dropped_save_starts_without_its_changes() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = app.open(&cookie);
    app.request(&cookie, |session| log_in_as(session, "eve")).await;
    let session = request.session().await.unwrap();
    session.insert("dropped", 1).unwrap();
    assert_eq!(session.save().await.unwrap(), Outcome::Dropped);
    log_in(&session).unwrap();
    let new = finish(request).await.cookie().unwrap();
    assert_eq!(app.payload(&new).await, "{}");
}

#[tokio::test]
async fn end_all_by_fast_clock_ends_sessions_live_elsewhere() {
    let app = App::with(|config| config.idle_timeout(MINUTE * 2));
    let cookie = app.begin(log_in).await;
    let now = app.now();
    app.clock.set(now + MINUTE * 3);
    assert_eq!(app.owners.end_all("ada").await.unwrap(), 0);
    app.clock.set(now);
    assert!(app.peek(&cookie).await.is_new());
}

#[tokio::test]
async fn reopened_session_with_end_and_change_stores_nothing() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = slow(&app, &cookie).await;
    let session = request.session().await.unwrap();
    request.commit().await.into_result().unwrap();
    let reopened = session.reopen().await.unwrap();
    log_out(&reopened).unwrap();
    reopened.insert("n", 1).unwrap();
    let before = app.store.records();
    assert_eq!(reopened.save().await.unwrap_err().kind(), ErrorKind::Ended);
    assert_eq!(app.store.records(), before, "it ends nothing");
}

#[tokio::test]
async fn renewal_stores_no_withdrawn_change() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    app.clock.advance(HOUR);
    app.request(&cookie, |session| session.set_permanent(true).and(session.set_modified(false)))
        .await;
    assert_eq!(app.payload(&cookie).await, r#"{"user":"ada"}"#);
}
