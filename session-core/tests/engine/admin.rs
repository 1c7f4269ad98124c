//! All sessions of a store: counting, pages, and ending them while requests change them.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use session_core::admin::{Selection, StoredSession};
use session_core::store::{NewRecord, SessionStore as _, StoreKey};
use session_core::{Error, ErrorKind, Outcome, Session};

use crate::owners::{handle_of, is_live, list, log_in_on_phone};
use crate::store::Call::{Count, KeysOf, Load, Remove, Replace, Scan};
use crate::support::{
    App, DAY, HOUR, MINUTE, finish, log_in, log_in_as, log_out, read, slow, start, write_permanent,
    write_user,
};

/// More sessions than one page has.
const MANY: usize = 250;
/// The first bytes of the record of a remember-me series.
pub const SERIES: &[u8] = b"\x04{}";
/// The first bytes of a record of a newer build.
pub const NEWER: &[u8] = b"\xffsr\x02";

pub async fn all_pages(app: &App) -> Vec<StoredSession> {
    let (mut sessions, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = app.engine().all().page(after.as_deref(), 100).await.unwrap();
        assert!(page.sessions.len() <= 100 && page.unread == 0);
        sessions.extend(page.sessions);
        after = page.next;
        if after.is_none() {
            return sessions;
        }
    }
}

async fn end(app: &App, selection: Selection) -> u64 {
    app.engine().all().end(selection).await.unwrap()
}

/// Stores a record of another kind, and returns its key.
pub async fn plant(app: &App, number: u8, payload: &[u8], owner: &str) -> StoreKey {
    let key = StoreKey::from_bytes([number; 32]);
    let record = NewRecord::new(payload, start(), start() + DAY).owned_by(Some(owner));
    app.store.create(&key, &record).await.unwrap();
    key
}

pub async fn many(app: &App, handler: fn(&Session) -> Result<(), Error>) -> Vec<String> {
    let mut cookies = Vec::new();
    for _ in 0..MANY {
        cookies.push(app.begin(handler).await);
    }
    cookies
}

/// Runs a call that waits for a held store call, then what happens in the meantime, then the rest.
async fn interrupted<T>(
    app: &App,
    call: impl Future<Output = T>,
    meanwhile: impl Future<Output = ()>,
) -> T {
    let mut call = pin!(call);
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending), "no call was held");
    meanwhile.await;
    app.store.resume();
    call.await
}

#[tokio::test]
async fn page_shows_sessions_of_users_and_visitors() {
    let app = App::new();
    let ada = app.begin(log_in_on_phone).await;
    app.clock.advance(HOUR);
    app.begin(write_user).await;
    let mut sessions = all_pages(&app).await;
    sessions.sort_by_key(|session| session.owner().is_none());
    let [of_ada, of_visitor] = &sessions[..] else { panic!("{sessions:?}") };
    assert_eq!(of_ada.owner(), Some("ada"));
    assert_eq!(of_ada.details(), &list(&app, "ada").await[0]);
    assert_eq!(Some(of_ada.details().handle()), handle_of(&app, &ada).await.as_deref());
    assert_eq!(of_ada.details().label(), Some("phone"));
    assert!(of_ada.expires_at() > app.now());
    assert_eq!((of_visitor.owner(), of_visitor.details().created_at()), (None, start() + HOUR));
    let shown = format!("{sessions:?}");
    assert!(!shown.contains("ada") && !shown.contains("phone"), "{shown}");
}

#[tokio::test]
async fn count_records_loads_none_and_omits_expired_ones() {
    let app = App::new();
    app.begin(write_user).await;
    app.begin(log_in).await;
    assert_eq!(app.engine().all().count_records().await.unwrap(), 2);
    assert_eq!(app.store.take_calls(), [Count]);
    app.clock.advance(400 * DAY);
    assert_eq!(app.engine().all().count_records().await.unwrap(), 0);
    assert!(all_pages(&app).await.is_empty());
    app.store.fail(Count, ErrorKind::Unavailable);
    assert!(app.engine().all().count_records().await.is_err());
}

#[tokio::test]
async fn pages_show_each_of_many_sessions_once() {
    let app = App::new();
    many(&app, log_in).await;
    many(&app, write_user).await;
    let sessions = all_pages(&app).await;
    let mut handles: Vec<_> = sessions.iter().map(|one| one.details().handle()).collect();
    handles.sort_unstable();
    handles.dedup();
    assert_eq!((sessions.len(), handles.len()), (2 * MANY, 2 * MANY));
    let page = app.engine().all().page(None, 0).await.unwrap();
    assert_eq!(page.sessions.len(), 1);
    let page = app.engine().all().page(None, usize::MAX).await.unwrap();
    assert_eq!(page.sessions.len(), 100);
}

#[tokio::test]
async fn page_shows_rotated_session_once_and_no_ended_session() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    app.request(&cookie, Session::rotate_id).await.cookie().unwrap();
    let ended = app.begin(log_in).await;
    app.request(&ended, log_out).await;
    plant(&app, 1, SERIES, "ada").await;
    assert_eq!(all_pages(&app).await.len(), 1);
    // A rotation that is broken off leaves a second record.
    let cookie = app.begin(write_user).await;
    app.store.fail_after(Replace, 0);
    assert!(app.respond(&cookie, Session::rotate_id).await.is_err());
    app.store.recover();
    assert_eq!(all_pages(&app).await.len(), 2);
}

#[tokio::test]
async fn page_counts_records_of_newer_build() {
    let app = App::new();
    app.begin(log_in).await;
    plant(&app, 1, NEWER, "ada").await;
    let page = app.engine().all().page(None, 100).await.unwrap();
    assert_eq!((page.sessions.len(), page.unread), (1, 1));
}

#[tokio::test]
async fn end_all_ends_users_visitors_and_series() {
    let app = App::new();
    let mut cookies = many(&app, log_in).await;
    cookies.push(app.begin(|session| log_in_as(session, "eve")).await);
    cookies.push(app.begin(write_user).await);
    plant(&app, 1, SERIES, "ada").await;
    assert_eq!(end(&app, Selection::All).await, MANY as u64 + 2);
    for cookie in &cookies {
        assert!(!is_live(&app, cookie).await);
    }
    assert!(app.store.records().is_empty());
    assert_eq!(end(&app, Selection::All).await, 0);
}

#[tokio::test]
async fn end_by_age_leaves_newer_sessions_and_series() {
    let app = App::new();
    let old = app.begin(log_in).await;
    app.clock.advance(DAY);
    let new = app.begin(log_in).await;
    plant(&app, 1, SERIES, "ada").await;
    assert_eq!(end(&app, Selection::CreatedBefore(start())).await, 0);
    assert_eq!(end(&app, Selection::CreatedBefore(start() + HOUR)).await, 1);
    assert!(!is_live(&app, &old).await && is_live(&app, &new).await);
    assert_eq!(app.store.records().len(), 2);
}

#[tokio::test]
async fn end_not_seen_leaves_sessions_that_were_used() {
    let app = App::new();
    let [unused, written, renewed] =
        [app.begin(log_in).await, app.begin(log_in).await, app.begin(write_permanent).await];
    app.clock.advance(2 * HOUR);
    app.request(&written, write_user).await;
    app.request(&renewed, read).await;
    assert_eq!(end(&app, Selection::NotSeenSince(start() + HOUR)).await, 1);
    assert!(!is_live(&app, &unused).await);
    assert_eq!([is_live(&app, &written).await, is_live(&app, &renewed).await], [true; 2]);
}

#[tokio::test]
async fn end_not_seen_leaves_session_that_is_written_meanwhile() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    app.clock.advance(DAY);
    app.store.hold_next(Remove);
    let selection = Selection::NotSeenSince(app.now());
    let writing = async { drop(app.request(&cookie, write_user).await) };
    assert_eq!(interrupted(&app, end(&app, selection), writing).await, 0);
    assert!(is_live(&app, &cookie).await);
}

#[tokio::test]
async fn session_that_is_written_meanwhile_is_ended() {
    for handler in [log_in, write_user] {
        let app = App::new();
        let cookie = app.begin(handler).await;
        app.store.hold_next(Remove);
        let writing = async { drop(app.request(&cookie, |session| session.insert("n", 1)).await) };
        assert_eq!(interrupted(&app, end(&app, Selection::All), writing).await, 1);
        assert!(!is_live(&app, &cookie).await && app.store.records().is_empty());
    }
}

#[tokio::test]
async fn save_in_flight_does_not_revive_ended_session() {
    for change in [write_user, Session::rotate_id] {
        let app = App::new();
        let cookie = app.begin(log_in).await;
        let request = slow(&app, &cookie).await;
        change(&request.session().await.unwrap()).unwrap();
        assert_eq!(end(&app, Selection::All).await, 1);
        assert_eq!(finish(request).await.outcome, Some(Outcome::Dropped));
        assert!(app.store.records().is_empty());
    }
}

/// Each rotation moves a session to a random position, which may have been scanned already.
#[tokio::test]
async fn sessions_that_rotate_during_scan_are_ended() {
    let app = App::new();
    let cookies = many(&app, log_in).await;
    let selection = Selection::CreatedBefore(start() + MINUTE);
    let mut ending = pin!(end(&app, selection));
    // The scan stops after its first page, whose sessions have ended then.
    app.store.hold_next(Remove);
    assert!(poll(ending.as_mut()).is_pending());
    app.store.hold_next(Scan);
    app.store.resume();
    assert!(poll(ending.as_mut()).is_pending());
    let mut rotated = Vec::new();
    for cookie in &cookies {
        rotated.extend(app.request(cookie, Session::rotate_id).await.cookie());
    }
    assert_eq!(rotated.len(), MANY - 100);
    app.store.resume();
    assert_eq!(ending.await, MANY as u64);
    for cookie in rotated {
        assert!(!is_live(&app, &cookie).await);
    }
}

/// A remembered browser may get a session behind the scan, until its series ends.
#[tokio::test]
async fn end_of_all_reaches_sessions_that_began_behind_scan() {
    let app = App::new();
    many(&app, log_in).await;
    plant(&app, 255, SERIES, "ada").await;
    let mut ending = pin!(end(&app, Selection::All));
    app.store.hold_next(Remove);
    assert!(poll(ending.as_mut()).is_pending());
    app.store.hold_next(Scan);
    app.store.resume();
    assert!(poll(ending.as_mut()).is_pending());
    let later = many(&app, log_in).await;
    app.store.resume();
    assert_eq!(ending.await, 2 * MANY as u64);
    for cookie in later {
        assert!(!is_live(&app, &cookie).await);
    }
    assert!(app.store.records().is_empty());
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn failed_session_does_not_keep_others() {
    let app = App::new();
    many(&app, log_in).await;
    app.store.fail_after(Remove, 100);
    let error = app.engine().all().end(Selection::CreatedBefore(SystemTime::now())).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let expected = "100 sessions were ended, and 150 are left because the store failed";
    assert_eq!(error.to_string(), expected);
    app.store.recover();
    plant(&app, 1, NEWER, "ada").await;
    let error = app.engine().all().end(Selection::All).await.unwrap_err();
    let expected = "150 sessions were ended, and 1 are left because a newer build wrote their \
                    records";
    assert_eq!((error.to_string(), error.is_newer_format()), (expected.to_owned(), true));
    assert_eq!(app.store.records().len(), 1);
}

#[tokio::test]
async fn failed_scan_is_error_with_number_of_ended_sessions() {
    let app = App::new();
    many(&app, log_in).await;
    app.store.fail_after(Scan, 1);
    let error = app.engine().all().end(Selection::All).await.unwrap_err();
    assert_eq!(error.to_string(), "100 sessions were ended before the store failed");
    assert!(app.engine().all().page(None, 1).await.is_err());
}

#[tokio::test]
async fn pages_of_owner_list_keys_once() {
    let app = App::new();
    many(&app, log_in).await;
    app.begin(|session| log_in_as(session, "eve")).await;
    app.store.take_calls();
    let mut pages = app.engine().pages_of("ada").await.unwrap();
    let mut handles = std::collections::HashSet::new();
    while let Some(page) = pages.next().await.unwrap() {
        handles.extend(page.iter().map(|session| session.handle().to_owned()));
    }
    assert_eq!(handles.len(), MANY);
    let calls = app.store.take_calls();
    assert_eq!(calls.iter().filter(|call| **call == KeysOf).count(), 1);
    assert_eq!(calls.iter().filter(|call| **call == Load).count(), MANY);
}

#[tokio::test]
async fn session_of_owner_has_its_values() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    app.request(&cookie, |session| session.insert("cart", ["tulips"])).await;
    let handle = handle_of(&app, &cookie).await.unwrap();
    let session = app.engine().session_of("ada", &handle).await.unwrap().unwrap();
    assert_eq!(session.get::<Vec<String>>("cart").unwrap(), Some(vec!["tulips".to_owned()]));
    assert_eq!(session.owner().as_deref(), Some("ada"));
    assert_eq!(session.details().created_at(), Some(start()));
    session.insert("cart", 1).unwrap();
    assert!(session.save().await.is_err(), "it belongs to no request");
    assert!(app.engine().session_of("eve", &handle).await.unwrap().is_none());
    assert!(app.store.record(&cookie).is_some());
}
