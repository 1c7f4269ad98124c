//! An id that a client chose, or that was known before a login, never opens a later session.

use session_core::interface::state_of;
use session_core::{Error, Outcome, Session};

use crate::store::{TestStore, store_key};
use crate::support::{
    App, DAY, Handler, MINUTE, UNKNOWN, log_in, log_in_as, log_out, read, write_user,
};

/// Requests that start a session.
const BEGINNINGS: &[(&str, Handler)] = &[
    ("insert", write_user),
    ("flash", |session| session.flash("hello")),
    ("set_permanent", |session| session.set_permanent(true)),
    ("clear, then insert", |session| {
        session.clear()?;
        write_user(session)
    }),
    ("log_out, then insert", log_out_and_write),
    ("rotate_id, then insert", |session| {
        session.rotate_id()?;
        write_user(session)
    }),
    ("log_in", log_in),
    ("log_in, then insert", |session| {
        log_in(session)?;
        write_user(session)
    }),
    ("log_out, then log_in", |session| {
        log_out(session)?;
        log_in(session)
    }),
];

#[tokio::test]
async fn unknown_id_is_never_adopted() {
    for (name, begin) in BEGINNINGS {
        let app = App::new();
        let response = app.request(UNKNOWN, begin).await;
        let new = response.cookie().unwrap();
        assert_ne!(new, UNKNOWN, "{name}");
        assert_eq!(only_key_is(&app.store, &new), Ok(()), "{name}");
        assert!(app.peek(UNKNOWN).await.is_new(), "{name}");
        assert!(!app.peek(&new).await.is_new(), "{name}");
    }
}

#[tokio::test]
async fn empty_session_of_unknown_id_is_not_stored() {
    let handlers: [(&str, Handler); 3] =
        [("read", read), ("rotate_id", Session::rotate_id), ("clear", Session::clear)];
    for (name, handler) in handlers {
        let app = App::new();
        assert_eq!(app.request(UNKNOWN, handler).await.cookie(), None, "{name}");
        assert!(app.store.records().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn expired_id_is_never_adopted_and_record_stays() {
    for (name, begin) in BEGINNINGS {
        let app = App::new();
        let old = app.begin(|session| session.insert("secret", 1)).await;
        let record = app.store.record(&old);
        app.clock.advance(DAY + 2 * MINUTE);
        let new = app.request(&old, begin).await.cookie().unwrap();
        assert_ne!(new, old, "{name}");
        assert_eq!(app.store.record(&old), record, "{name}");
        assert!(app.peek(&old).await.is_new(), "{name}");
        assert!(!app.peek(&new).await.contains_key("secret"), "{name}");
    }
}

#[tokio::test]
async fn session_after_logout_has_new_id_and_no_old_data() {
    let app = App::new();
    let old = app.begin(|session| session.insert("secret", 1)).await;
    let response = app.request(&old, log_out_and_write).await;
    let new = response.cookie().unwrap();
    assert_ne!(new, old);
    assert_eq!(only_key_is(&app.store, &new), Ok(()));
    assert!(app.peek(&old).await.is_new());
    assert_eq!(app.payload(&new).await, r#"{"user":"ada"}"#);
}

#[tokio::test]
async fn session_after_logout_has_new_creation_time() {
    let app = App::new();
    let old = app.begin(write_user).await;
    app.clock.advance(MINUTE);
    let new = app.request(&old, log_out_and_write).await.cookie().unwrap();
    assert_eq!(app.store.record(&new).unwrap().created_at(), app.now());
}

#[tokio::test]
async fn login_changes_id_and_keeps_values_of_same_owner_only() {
    let back: Handler =
        |session| log_in_as(session, "eve").and_then(|()| log_in_as(session, "first"));
    let rotated: Handler = |session| session.rotate_id().and_then(|()| log_in(session));
    let changes: [(&str, Handler, &str, &str); 4] = [
        ("login", log_in, "ada", "{}"),
        ("the same owner", |session| log_in_as(session, "first"), "first", r#"{"cart":[1,2]}"#),
        ("another, then the same", back, "first", "{}"),
        ("with rotate_id", rotated, "ada", "{}"),
    ];
    for (name, change, owner, payload) in changes {
        let app = App::new();
        let old = app
            .begin(|session| {
                session.insert("cart", [1, 2])?;
                log_in_as(session, "first")
            })
            .await;
        assert_eq!(app.peek(&old).await.owner().as_deref(), Some("first"), "{name}");
        let response = app.request(&old, change).await;
        let new = response.cookie().unwrap();
        assert!(new != old && response.outcome == Some(Outcome::Stored), "{name}");
        assert!(app.peek(&old).await.is_new(), "{name}");
        assert_eq!(app.payload(&new).await, payload, "{name}");
        assert_eq!(app.store.record(&new).unwrap().owner(), Some(owner), "{name}");
        assert_eq!(app.peek(&new).await.owner().as_deref(), Some(owner), "{name}");
        let records = app.store.records();
        let live = records.iter().filter(|(_, record)| record.owner().is_some()).count();
        assert_eq!(live, 1, "{name}: the others are tombstones");
    }
}

#[tokio::test]
async fn empty_session_can_have_owner() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    assert_eq!(app.peek(&cookie).await.owner().as_deref(), Some("ada"));
    assert_eq!(app.payload(&cookie).await, "{}");
}

#[tokio::test]
async fn logout_removes_owner() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    let response = app
        .request(&cookie, |session| {
            log_out(session)?;
            assert_eq!(session.owner(), None);
            write_user(session)
        })
        .await;
    let new = response.cookie().unwrap();
    assert_eq!(app.peek(&new).await.owner(), None);
    assert_eq!(app.store.record(&new).unwrap().owner(), None);
}

#[tokio::test]
async fn rotation_keeps_data_and_owner_under_new_id() {
    let app = App::new();
    let old = app.begin(|session| write_user(session).and_then(|()| log_in(session))).await;
    let new = app.request(&old, Session::rotate_id).await.cookie().unwrap();
    assert_ne!(new, old);
    assert!(app.peek(&old).await.is_new());
    let session = app.peek(&new).await;
    assert_eq!(
        (state_of(&session).payload().as_str(), session.owner().as_deref()),
        (r#"{"user":"ada"}"#, Some("ada"))
    );
}

#[tokio::test]
async fn sessions_get_different_ids() {
    let app = App::new();
    let mut cookies = Vec::new();
    for _ in 0..100 {
        cookies.push(app.begin(write_user).await);
    }
    cookies.sort_unstable();
    cookies.dedup();
    assert_eq!((cookies.len(), app.store.records().len()), (100, 100));
}

fn log_out_and_write(session: &Session) -> Result<(), Error> {
    log_out(session)?;
    write_user(session)
}

/// Checks that the store has only the session of this cookie. Otherwise returns the number of its
/// records.
fn only_key_is(store: &TestStore, cookie: &str) -> Result<(), usize> {
    let records = store.records();
    if records.len() == 1 && records.contains_key(&store_key(cookie)) {
        Ok(())
    } else {
        Err(records.len())
    }
}
