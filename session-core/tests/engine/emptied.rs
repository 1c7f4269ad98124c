//! Sessions that become empty. They end unless they have an owner.

use session_core::{Outcome, SameSite, Session};

use crate::store::Call::{Create, Load, Remove, Replace};
use crate::support::{App, Handler, log_in, log_out, write_user};

const EMPTYING: [(&str, Handler); 4] = [
    ("remove", |session| session.remove::<String>("user").map(drop)),
    ("discard", |session| session.discard("user").map(drop)),
    ("update", |session| session.update("user", |_: Option<String>| None)),
    ("insert and discard", |session| {
        session.insert("n", 1)?;
        session.discard("n")?;
        session.discard("user").map(drop)
    }),
];

#[tokio::test]
async fn session_emptied_key_by_key_ends() {
    for (name, handler) in EMPTYING {
        let app = App::new();
        let cookie = app.begin(write_user).await;
        let response = app.request(&cookie, handler).await;
        assert_eq!(app.store.take_calls(), [Load, Remove], "{name}");
        assert!(response.is_removal() && response.vary(), "{name}");
        assert_eq!(response.outcome, Some(Outcome::Stored), "{name}");
        assert!(app.store.records().is_empty(), "{name}");
        assert!(app.peek(&cookie).await.is_new(), "{name}");

        let next = app.request(&cookie, write_user).await.cookie();
        assert!(next.is_some_and(|next| next != cookie), "{name}: it is another session");
    }
}

#[tokio::test]
async fn emptied_session_of_user_stays() {
    for (name, handler) in EMPTYING {
        let app = App::new();
        let cookie = app.begin(|session| write_user(session).and(log_in(session))).await;
        let response = app.request(&cookie, handler).await;
        assert_eq!((response.header(), response.outcome), (None, Some(Outcome::Stored)), "{name}");
        let session = app.peek(&cookie).await;
        assert!(session.is_empty() && session.owner().as_deref() == Some("ada"), "{name}");
    }
}

#[tokio::test]
async fn taking_last_flash_message_ends_session() {
    let app = App::new();
    let cookie = app.begin(|session| session.flash("saved")).await;
    let response = app.request(&cookie, |session| session.take_flashes().map(drop)).await;
    assert!(response.is_removal() && app.store.records().is_empty());
}

#[tokio::test]
async fn concurrent_insert_keeps_emptied_session() {
    for (name, handler) in EMPTYING {
        let app = App::new();
        let cookie = app.begin(write_user).await;
        let slow = app.open(&cookie);
        handler(&slow.session().await.unwrap()).unwrap();
        app.request_elsewhere(&cookie, |session| session.insert("late", 1)).await;
        let headers = slow.commit().await.into_result().unwrap();
        assert_eq!(headers.set_cookie(), None, "{name}");
        assert_eq!(app.payload(&cookie).await, r#"{"late":1}"#, "{name}");
    }
}

#[tokio::test]
async fn insert_after_emptied_session_ended_is_dropped() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let slow = app.open(&cookie);
    let session = slow.session().await.unwrap();
    session.insert("late", 1).unwrap();
    app.request_elsewhere(&cookie, |session| session.discard("user").map(drop)).await;
    assert_eq!(slow.commit().await.into_result().unwrap().set_cookie(), None);
    assert_eq!(session.outcome(), Some(Outcome::Dropped));
    assert!(app.store.records().is_empty());
}

#[tokio::test]
async fn session_that_merged_changes_leave_empty_ends() {
    let app = App::new();
    let cookie = app.begin(|session| write_user(session).and(session.insert("n", 1))).await;
    let slow = app.open(&cookie);
    slow.session().await.unwrap().discard("user").unwrap();
    app.request_elsewhere(&cookie, |session| session.discard("n").map(drop)).await;
    app.store.take_calls();
    let headers = slow.commit().await.into_result().unwrap();
    assert!(headers.set_cookie().unwrap().contains("Max-Age=0"));
    assert_eq!(app.store.take_calls(), [Replace, Load, Remove]);
    assert!(app.store.records().is_empty());
}

#[tokio::test]
async fn rotated_session_that_is_emptied_ends() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let response = app
        .request(&cookie, |session| {
            session.rotate_id()?;
            session.discard("user").map(drop)
        })
        .await;
    assert!(response.is_removal());
    assert_eq!(app.store.take_calls(), [Load, Create, Replace, Remove]);
    assert_eq!(app.store.records().len(), 1, "the tombstone");
    assert!(app.peek(&cookie).await.is_new());
}

#[tokio::test]
async fn lost_removal_of_emptied_session_is_found() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    app.store.lose_reply(Remove);
    let response = app.request(&cookie, |session| session.discard("user").map(drop)).await;
    assert!(response.is_removal() && app.store.records().is_empty());
}

#[tokio::test]
async fn failed_removal_of_emptied_session_is_repeated_at_commit() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    session.discard("user").unwrap();
    app.store.fail(Remove, session_core::ErrorKind::Unavailable);
    session.save().await.unwrap_err();
    assert_eq!(app.store.records().len(), 1);
    app.store.recover();
    let headers = request.commit().await.into_result().unwrap();
    assert!(headers.set_cookie().unwrap().contains("Max-Age=0"));
    assert!(app.store.records().is_empty());
}

#[tokio::test]
async fn values_set_after_saved_end_begin_another_session() {
    let app = App::new();
    let cookie = app.begin(write_user).await;
    let request = app.open(&cookie);
    let session = request.session().await.unwrap();
    session.discard("user").unwrap();
    assert_eq!(session.save().await.unwrap(), Outcome::Stored);
    session.insert("n", 1).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    let next = crate::support::cookie(&headers).unwrap();
    assert_ne!(next, cookie);
    assert_eq!(app.payload(&next).await, r#"{"n":1}"#);
    assert_eq!(app.store.records().len(), 1);
}

#[tokio::test]
async fn emptied_session_ends_with_complete_removal_cookie() {
    let handlers: [(&str, Handler); 4] = [
        ("clear", Session::clear),
        ("log_out", log_out),
        ("discard, then clear", |session| session.discard("user").and_then(|_| session.clear())),
        ("clear, insert and discard", |session| {
            session.clear()?;
            session.insert("n", 1)?;
            session.discard("n").map(drop)
        }),
    ];
    for (name, handler) in handlers {
        let app = App::with(|config| {
            config
                .cookie_name("__Secure-shop")
                .cookie_domain("example.com")
                .cookie_path("/shop")
                .cookie_samesite(SameSite::None)
                .cookie_partitioned(true)
        });
        let attributes =
            "; Domain=example.com; Secure; HttpOnly; Path=/shop; SameSite=None; Partitioned";
        let first = app.request("", write_user).await;
        let cookie = first.cookie().unwrap();
        assert_eq!(first.header(), Some(&*format!("__Secure-shop={cookie}{attributes}")));
        app.store.take_calls();

        let response = app.request(&cookie, handler).await;
        let removal =
            format!("__Secure-shop=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0{attributes}");
        assert_eq!(response.header(), Some(&*removal), "{name}");
        assert!(response.is_removal() && response.vary(), "{name}");
        assert_eq!(response.outcome, Some(Outcome::Stored), "{name}");
        assert_eq!(app.store.take_calls(), [Load, Remove], "{name}");
        assert!(app.store.records().is_empty(), "{name}");
        assert!(app.peek(&cookie).await.is_new(), "{name}");
    }
}

#[tokio::test]
async fn cleared_and_written_session_keeps_id() {
    let app = App::new();
    let cookie = app.begin(|session| session.insert("old", 1)).await;
    let response =
        app.request(&cookie, |session| session.clear().and_then(|()| write_user(session))).await;
    assert_eq!(response.header(), None);
    assert_eq!(app.payload(&cookie).await, r#"{"user":"ada"}"#);
}

#[tokio::test]
async fn session_that_another_request_has_written_to_ends() {
    for end in [Session::clear as Handler, log_out] {
        let app = App::new();
        let cookie = app.begin(write_user).await;
        let slow = app.open(&cookie);
        let session = slow.session().await.unwrap();
        app.request(&cookie, |session| session.insert("late", 1)).await;
        end(&session).unwrap();
        assert!(
            slow.commit().await.into_result().unwrap().set_cookie().unwrap().contains("Max-Age=0")
        );
        assert!(app.store.records().is_empty());
    }
}

#[tokio::test]
async fn cleared_session_of_user_stays() {
    let app = App::new();
    let cookie = app.begin(|session| write_user(session).and(log_in(session))).await;
    let response = app.request(&cookie, Session::clear).await;
    assert_eq!((response.header(), response.outcome), (None, Some(Outcome::Stored)));
    let session = app.peek(&cookie).await;
    assert!(session.is_empty() && session.owner().as_deref() == Some("ada"));
}
