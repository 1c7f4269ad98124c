//! The parts of a session that a move keeps.

use session_core::interface::state_of;
use session_core::{Outcome, Session};

use crate::support::{App, DAY, HOUR, MINUTE, Old, peek, start};

async fn log_in(session: &Session) -> Result<(), session_core::Error> {
    session.insert("cart", [1, 2])?;
    session.set_label("phone")?;
    session.flash("Welcome")?;
    session.set_lifetime(Some(10 * DAY))?;
    session.log_in("ada", Some("stamp")).await
}

#[tokio::test]
async fn move_keeps_values_login_label_and_times() {
    for old in [Old::Store, Old::Signed, Old::Sealed] {
        let app = App::new(old);
        let first = app.begin(log_in).await;
        app.clock.advance(HOUR);
        let response = app.request(&first, async |session| session.insert("n", 1)).await;
        assert_eq!(response.outcome, Some(Outcome::Stored));
        let moved = response.cookie.unwrap();

        // The old backend is not needed any more.
        let session = peek(&app.after, &moved).await;
        assert_eq!(session.get::<Vec<u8>>("cart").unwrap(), Some(vec![1, 2]));
        assert_eq!(session.get::<u8>("n").unwrap(), Some(1));
        assert_eq!(session.get::<String>("_label").unwrap().as_deref(), Some("phone"));
        assert_eq!(session.take_flashes().unwrap().len(), 1);
        assert_eq!(session.owner().as_deref(), Some("ada"));
        assert_eq!(session.authenticated_at(), Some(start()));
        assert_eq!(session.details().created_at(), Some(start()), "{old:?}");
        let expires_at = session.details().expires_at().unwrap();
        let promised = start() + HOUR + 10 * DAY;
        assert!(expires_at >= promised && expires_at <= promised + MINUTE, "{old:?}");
    }
}

#[tokio::test]
async fn move_between_stores_keeps_id_handle_and_lineage() {
    let app = App::new(Old::Store);
    let cookie = app.begin(log_in).await;
    let old = peek(&app.before, &cookie).await;
    let before = app.peek(&cookie).await;
    let response = app.request(&cookie, async |session| session.insert("n", 1)).await;
    assert!(!response.sets, "the cookie has the id already");
    let after = app.peek(&cookie).await;
    let handle = old.details().handle();
    assert!(handle.is_some());
    for session in [&before, &after] {
        assert_eq!(session.details().handle(), handle);
        assert_eq!(app.owners.handle_of(session), handle);
        let lineage = app.during.lineage(&state_of(session));
        assert!(lineage.is_some());
        assert_eq!(lineage, app.before.lineage(&state_of(&old)));
    }
    assert_eq!(before.details().expires_at(), after.details().expires_at());
}

#[tokio::test]
async fn lineage_of_cookie_is_the_same_after_move() {
    let app = App::new(Old::Signed);
    let cookie = app.begin(log_in).await;
    let before = app.during.lineage(&state_of(&app.peek(&cookie).await));
    let moved = app.request(&cookie, async |session| session.insert("n", 1)).await.cookie.unwrap();
    assert!(before.is_some());
    assert_eq!(app.during.lineage(&state_of(&app.peek(&moved).await)), before);
    assert_eq!(app.during.lineage(&state_of(&app.peek("").await)), None);
}

#[tokio::test]
async fn read_leaves_session_where_it_is() {
    for old in [Old::Store, Old::Sealed] {
        let app = App::new(old);
        let cookie = app.begin(async |session| session.insert("n", 1)).await;
        let response = app.request(&cookie, async |session| session.get::<u8>("n").map(drop)).await;
        assert!(!response.sets && app.new_store.is_empty());
        assert_eq!(app.old_store.len(), u64::from(old == Old::Store));
    }
}

#[tokio::test]
async fn due_renewal_moves_session() {
    for old in [Old::Store, Old::Sealed] {
        let app = App::new(old);
        let cookie = app
            .begin(async |session| {
                session.set_permanent(true)?;
                session.insert("n", 1)
            })
            .await;
        app.clock.advance(DAY);
        let response = app.request(&cookie, async |session| session.get::<u8>("n").map(drop)).await;
        assert!(response.sets, "{old:?}");
        let session = peek(&app.after, &response.cookie.unwrap()).await;
        assert_eq!(session.get::<u8>("n").unwrap(), Some(1));
        assert!(session.details().expires_at().unwrap() >= start() + DAY + 31 * DAY);
    }
}

#[tokio::test]
async fn absolute_timeout_counts_from_creation_in_old_backend() {
    for old in [Old::Store, Old::Sealed] {
        let app = App::with(old, |config| config.absolute_timeout(10 * HOUR));
        let first = app.begin(async |session| session.insert("n", 1)).await;
        app.clock.advance(9 * HOUR);
        let moved = app.request(&first, async |session| session.insert("n", 2)).await;
        let moved = moved.cookie.unwrap();
        assert!(!app.peek(&moved).await.is_new());
        app.clock.advance(2 * HOUR);
        for cookie in [&first, &moved] {
            assert!(app.peek(cookie).await.is_new(), "{old:?}");
        }
    }
}

#[tokio::test]
async fn login_and_rotation_move_session_to_another_id() {
    for old in [Old::Store, Old::Sealed] {
        for logs_in in [false, true] {
            let app = App::new(old);
            let first = app.begin(async |session| session.insert("n", 1)).await;
            let response = app
                .request(&first, async |session| {
                    if logs_in { session.log_in("ada", None).await } else { session.rotate_id() }
                })
                .await;
            assert_eq!(response.outcome, Some(Outcome::Stored));
            let second = response.cookie.unwrap();
            assert_ne!(first, second);
            assert_eq!(app.peek(&second).await.get::<u8>("n").unwrap(), Some(1));
            assert!(app.peek(&first).await.is_new(), "{old:?}");
        }
    }
}

#[tokio::test]
async fn manual_saves_of_one_request_apply_changes_once() {
    for old in [Old::Store, Old::Sealed] {
        let app = App::new(old);
        let cookie = app.begin(async |session| session.insert("n", 1)).await;
        let add = |session: &Session| session.update("n", |n: Option<u8>| n.map(|n| n + 1));
        let response = app
            .request(&cookie, async |session| {
                add(session)?;
                assert_eq!(session.save().await?, Outcome::Stored);
                add(session)?;
                assert_eq!(session.save().await?, Outcome::Stored);
                add(session)
            })
            .await;
        let session = app.peek(&response.cookie.unwrap()).await;
        assert_eq!(session.get::<u8>("n").unwrap(), Some(4), "{old:?}");
        assert_eq!(app.new_store.len(), 1);
    }
}

#[tokio::test]
async fn change_after_logout_starts_another_session() {
    for old in [Old::Store, Old::Sealed] {
        let app = App::new(old);
        let cookie = app.begin(log_in).await;
        let response = app
            .request(&cookie, async |session| {
                session.log_out().await?;
                session.insert("n", 1)
            })
            .await;
        let second = response.cookie.unwrap();
        let session = app.peek(&second).await;
        assert_eq!((session.keys(), session.owner()), (vec!["n".to_owned()], None));
        assert!(app.peek(&cookie).await.is_new());
    }
}
