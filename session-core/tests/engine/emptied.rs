//! Sessions that become empty: emptied key by key they stay, cleared or destroyed they end.

use session_core::{Outcome, SameSite, Session};

use crate::store::Call::{Load, Remove, Replace};
use crate::support::{App, Handler, log_in, log_out, write_user};

#[tokio::test]
async fn a_session_that_is_emptied_key_by_key_stays_empty_under_its_cookie() {
    let handlers: [(&str, Handler); 4] = [
        ("remove", |session| session.remove::<String>("user").map(drop)),
        ("discard", |session| session.discard("user").map(drop)),
        ("update", |session| session.update("user", |_: Option<String>| None)),
        ("insert and discard", |session| {
            session.insert("n", 1)?;
            session.discard("n")?;
            session.discard("user").map(drop)
        }),
    ];
    for (name, handler) in handlers {
        let app = App::new();
        let cookie = app.begin(write_user).await;
        let response = app.request(&cookie, handler).await;
        assert_eq!(app.store.take_calls(), [Load, Replace], "{name}");
        assert_eq!((response.header(), response.outcome), (None, Some(Outcome::Stored)), "{name}");
        let session = app.peek(&cookie).await;
        assert!(!session.is_new() && session.is_empty(), "{name}");

        let response = app.request(&cookie, write_user).await;
        assert_eq!(response.header(), None, "{name}: it is the same session");
    }
}

#[tokio::test]
async fn the_last_flash_message_does_not_end_a_session() {
    let app = App::new();
    let cookie = app.begin(|session| session.flash("saved")).await;
    let response = app.request(&cookie, |session| session.take_flashes().map(drop)).await;
    assert_eq!(response.header(), None);
    assert_eq!(app.payload(&cookie).await, "{}");
    assert!(!app.peek(&cookie).await.is_new());
}

#[tokio::test]
async fn an_emptied_session_ends_and_its_removal_cookie_is_complete() {
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
async fn a_session_that_is_cleared_and_written_goes_on_under_its_id() {
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
