//! Moves of all sessions from one store to another.

use session_core::store::SessionStore as _;
use session_core::{ErrorKind, Session};

use crate::admin::{NEWER, SERIES, all_pages, many, plant};
use crate::owners::{handle_of, list, log_in_on_phone};
use crate::store::Call::{Create, Load, Replace, Scan};
use crate::support::{App, DAY, HOUR, log_in, log_out, start, write_permanent, write_user};

/// Returns two applications with the same time.
fn two() -> (App, App) {
    (App::new(), App::new())
}

async fn moved(old: &App, new: &App) -> u64 {
    old.engine().all().move_to(new.engine()).await.unwrap().moved
}

#[tokio::test]
async fn moved_session_keeps_id_handle_values_login_and_times() {
    let (old, new) = two();
    let owned = old.begin(log_in_on_phone).await;
    let visitor = old.begin(write_permanent).await;
    let details = [old.peek(&owned).await.details(), old.peek(&visitor).await.details()];
    let (handle, listed) = (handle_of(&old, &owned).await, list(&old, "ada").await);
    old.clock.advance(HOUR);
    new.clock.advance(HOUR);
    assert_eq!(moved(&old, &new).await, 2);
    let sessions = [new.peek(&owned).await, new.peek(&visitor).await];
    assert_eq!(sessions.each_ref().map(Session::details), details);
    assert_eq!(sessions[0].owner().as_deref(), Some("ada"));
    assert_eq!(sessions[0].authenticated_at(), Some(start()));
    assert!(!sessions[1].is_new() && sessions[1].is_permanent());
    assert_eq!((handle_of(&new, &owned).await, list(&new, "ada").await), (handle, listed));
    for cookie in [&owned, &visitor] {
        assert!(old.peek(cookie).await.is_new());
    }
    assert!(list(&old, "ada").await.is_empty() && all_pages(&old).await.is_empty());
    assert_eq!(moved(&old, &new).await, 0);
}

#[tokio::test]
async fn each_of_many_sessions_moves() {
    let (old, new) = two();
    let mut cookies = many(&old, log_in).await;
    cookies.extend(many(&old, write_user).await);
    assert_eq!(moved(&old, &new).await, cookies.len() as u64);
    for cookie in &cookies {
        assert!(!new.peek(cookie).await.is_new());
    }
    assert_eq!(all_pages(&new).await.len(), cookies.len());
}

#[tokio::test]
async fn records_without_live_session_stay() {
    let (old, new) = two();
    let ended = old.begin(log_in).await;
    old.request(&ended, log_out).await;
    old.begin(write_user).await;
    old.clock.advance(400 * DAY);
    new.clock.advance(400 * DAY);
    // A rotation that is broken off leaves a second record.
    let cookie = old.begin(write_user).await;
    old.store.fail_after(Replace, 0);
    assert!(old.respond(&cookie, Session::rotate_id).await.is_err());
    old.store.recover();
    let result = old.engine().all().move_to(new.engine()).await.unwrap();
    assert_eq!((result.moved, result.unread), (1, 0));
    assert_eq!(new.store.records().len(), 1);
}

#[tokio::test]
async fn series_and_records_of_newer_build_stay() {
    let (old, new) = two();
    let series = plant(&old, 1, SERIES, "ada").await;
    let newer = plant(&old, 2, NEWER, "ada").await;
    let result = old.engine().all().move_to(new.engine()).await.unwrap();
    assert_eq!((result.moved, result.unread), (0, 1));
    for key in [series, newer] {
        assert!(old.store.load(&key).await.unwrap().is_some());
        assert!(new.store.load(&key).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn move_to_other_namespace_is_refused() {
    let (old, new) = (App::new(), App::with(|config| config.namespace("shop")));
    let cookie = old.begin(log_in).await;
    let error = old.engine().all().move_to(new.engine()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(!old.peek(&cookie).await.is_new());
}

#[tokio::test]
async fn session_that_new_store_has_already_stays_as_it_is() {
    let (old, new) = two();
    let cookie = old.begin(log_in).await;
    assert_eq!(moved(&old, &new).await, 1);
    new.request(&cookie, |session| session.insert("later", 1)).await;
    assert_eq!(moved(&old, &new).await, 0);
    assert_eq!(new.peek(&cookie).await.get::<u8>("later").unwrap(), Some(1));
}

#[tokio::test]
async fn interrupted_move_continues_after_each_call() {
    for (call, is_in_new_store) in [(Load, false), (Create, false), (Replace, true)] {
        for successes in 0..2 {
            let (old, new) = two();
            let cookie = old.begin(log_in).await;
            let failing = if is_in_new_store { &new } else { &old };
            failing.store.fail_after(call, successes);
            if call == Create {
                new.store.lose_reply(Create);
            }
            let _ = old.engine().all().move_to(new.engine()).await;
            old.store.recover();
            new.store.recover();
            moved(&old, &new).await;
            assert_eq!(moved(&old, &new).await, 0);
            assert_eq!(new.peek(&cookie).await.owner().as_deref(), Some("ada"));
            assert!(old.peek(&cookie).await.is_new());
            assert_eq!(new.store.records().len(), 1, "{call:?} {successes}");
        }
    }
}

#[tokio::test]
async fn failed_move_of_session_does_not_keep_others() {
    let (old, new) = two();
    let cookies = many(&old, log_in).await;
    new.store.fail_after(Create, 100);
    let error = old.engine().all().move_to(new.engine()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let expected = "100 sessions were moved, and 150 are left because the store failed";
    assert_eq!(error.to_string(), expected);
    new.store.recover();
    assert_eq!(moved(&old, &new).await, 150);
    assert_eq!(all_pages(&new).await.len(), cookies.len());
}

#[tokio::test]
async fn failed_scan_is_error_with_number_of_moved_sessions() {
    let (old, new) = two();
    many(&old, log_in).await;
    old.store.fail_after(Scan, 1);
    let error = old.engine().all().move_to(new.engine()).await.unwrap_err();
    assert_eq!(error.to_string(), "100 sessions were moved before the store failed");
}
