//! Records of a newer build. A request that meets one fails and changes nothing.

use std::sync::Arc;

use session_core::config::SecretKey;
use session_core::remember::{RememberMe, RememberRequest};
use session_core::request::{Committed, RequestSession, RequestView};
use session_core::store::{NewRecord, Record, SessionStore as _, StoreKey};
use session_core::{Error, ErrorKind, OutagePolicy, ServerSideSessions, Session, SessionConfig};

use crate::store::{Call, TestStore, store_key};
use crate::support::{
    App, DAY, HOUR, Handler, at_once, cookie, log_in, log_in_as, log_out, read, write_user,
};

const NEWER: &[u8] = b"\xffsr\x02";

/// Replaces a record by the same one in version 2, as a newer build would write it.
async fn upgrade(store: &TestStore, key: &StoreKey) {
    let record = store.load(key).await.unwrap().unwrap();
    let payload = [NEWER, record.payload()].concat();
    replace(store, key, &record, &payload).await;
}

async fn downgrade(store: &TestStore, key: &StoreKey) {
    let record = store.load(key).await.unwrap().unwrap();
    replace(store, key, &record, record.payload().strip_prefix(NEWER).unwrap()).await;
}

async fn replace(store: &TestStore, key: &StoreKey, old: &Record, payload: &[u8]) {
    let new = NewRecord::new(payload, old.created_at(), old.expires_at()).owned_by(old.owner());
    store.replace(key, old.version(), &new).await.unwrap();
}

fn assert_newer(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_newer_format(), "{error}");
}

fn log_in_as_eve(session: &Session) -> Result<(), Error> {
    log_in_as(session, "eve")
}

fn save(session: &Session) -> Result<(), Error> {
    session.insert("n", 2)?;
    at_once(session.save()).map(drop)
}

fn rotate_and_save(session: &Session) -> Result<(), Error> {
    session.rotate_id()?;
    at_once(session.save()).map(drop)
}

const CHANGES: &[(&str, Handler)] = &[
    ("insert", |session| session.insert("n", 2)),
    ("save", save),
    ("set_modified", |session| session.set_modified(true)),
    ("set_lifetime", |session| session.set_lifetime(HOUR)),
    ("clear", Session::clear),
    ("rotate_id", Session::rotate_id),
    ("rotate_id, then save", rotate_and_save),
    ("log_in", log_in),
    ("log_in as another user", log_in_as_eve),
    ("log_out", log_out),
    ("log_out, then insert", |session| log_out(session).and_then(|()| write_user(session))),
];

/// The cookie of a session of this kind, whose record is then upgraded.
const BEGINS: [Handler; 2] = [|session| session.insert("n", 1), log_in];

#[tokio::test]
async fn newer_record_is_not_opened_and_not_replaced() {
    for begin in BEGINS {
        let app = App::new();
        let cookie = app.begin(begin).await;
        upgrade(&app.store, &store_key(&cookie)).await;
        let before = app.store.records();
        for sent in [cookie.clone(), format!("{cookie}~")] {
            let request = app.open(&sent);
            assert_newer(&request.session().await.unwrap_err());
            let Committed { headers, .. } = request.commit().await;
            assert_eq!(headers.set_cookie(), None);
            assert_eq!(app.store.records(), before);
        }
        downgrade(&app.store, &store_key(&cookie)).await;
        assert!(!app.peek(&cookie).await.is_new());
    }
}

#[tokio::test]
async fn anonymous_session_over_newer_record_changes_nothing() {
    let app = App::new();
    let cookie = app.begin(log_in).await;
    upgrade(&app.store, &store_key(&cookie)).await;
    let before = app.store.records();
    let view = RequestView::builder().cookie_header(format!("session={cookie}").as_bytes()).build();
    let request = RequestSession::with_shared(app.sessions(), view, OutagePolicy::Anonymous);
    let session = request.session().await.unwrap();
    assert!(session.is_anonymous() && session.owner().is_none());
    session.insert("n", 2).unwrap();
    assert_eq!(request.commit().await.into_result().unwrap().set_cookie(), None);
    assert_eq!(app.store.records(), before);
}

#[tokio::test]
async fn one_newer_record_of_several_cookies_fails_request() {
    let app = App::new();
    let (one, other) = (app.begin(write_user).await, app.begin(write_user).await);
    upgrade(&app.store, &store_key(&other)).await;
    let before = app.store.records();
    let header = format!("session={one}; session={other}");
    let request = app.open_view(RequestView::builder().cookie_header(header.as_bytes()).build());
    assert_newer(&request.session().await.unwrap_err());
    assert_eq!(app.store.records(), before);
}

/// Another request writes the record in version 2 between the read and the write.
#[tokio::test]
async fn change_fails_if_record_is_upgraded_meanwhile() {
    for begin in BEGINS {
        for (name, change) in CHANGES {
            let app = App::new();
            let sent = app.begin(begin).await;
            let request = app.open(&sent);
            let session = request.session().await.unwrap();
            upgrade(&app.store, &store_key(&sent)).await;
            let before = app.store.records();
            let at_once = change(&session);
            let Committed { headers, error } = request.commit().await;
            let error = at_once.err().or(error);
            assert_newer(&error.unwrap_or_else(|| panic!("{name} succeeded")));
            assert_eq!(headers.set_cookie(), None, "{name}");
            assert_eq!(app.store.records(), before, "{name}");
        }
    }
}

/// Another request moves the session to a record in version 2 between the read and the write.
#[tokio::test]
async fn change_fails_if_successor_is_upgraded_meanwhile() {
    for begin in BEGINS {
        for (name, change) in CHANGES {
            let app = App::new();
            let sent = app.begin(begin).await;
            let request = app.open(&sent);
            let session = request.session().await.unwrap();
            let moved = app.request(&sent, Session::rotate_id).await.cookie().unwrap();
            upgrade(&app.store, &store_key(&moved)).await;
            let before = app.store.records();
            let at_once = change(&session);
            let Committed { headers, error } = request.commit().await;
            let error = at_once.err().or(error);
            assert_newer(&error.unwrap_or_else(|| panic!("{name} succeeded")));
            assert_eq!(headers.set_cookie(), None, "{name}");
            assert_eq!(app.store.records(), before, "{name}");
        }
    }
}

/// A tombstone in version 2 hides where the session is.
#[tokio::test]
async fn change_fails_if_tombstone_is_newer() {
    for (name, change) in CHANGES {
        let app = App::new();
        let sent = app.begin(log_in).await;
        let request = app.open(&sent);
        let session = request.session().await.unwrap();
        app.request(&sent, Session::rotate_id).await;
        upgrade(&app.store, &store_key(&sent)).await;
        let before = app.store.records();
        let at_once = change(&session);
        let error = at_once.err().or(request.commit().await.error);
        assert_newer(&error.unwrap_or_else(|| panic!("{name} succeeded")));
        assert_eq!(app.store.records(), before, "{name}");
    }
}

#[tokio::test]
async fn renewal_leaves_newer_record_alone() {
    let app = App::new();
    let sent = app.begin(write_user).await;
    app.clock.advance(HOUR);
    let request = app.open(&sent);
    read(&request.session().await.unwrap()).unwrap();
    upgrade(&app.store, &store_key(&sent)).await;
    let before = app.store.records();
    let headers = request.commit().await.into_result().unwrap();
    assert_eq!((cookie(&headers), app.store.records()), (None, before));
}

#[tokio::test]
async fn expired_newer_record_is_absent() {
    let app = App::new();
    let sent = app.begin(write_user).await;
    upgrade(&app.store, &store_key(&sent)).await;
    app.clock.advance(40 * DAY);
    assert!(app.peek(&sent).await.is_new());
}

#[tokio::test]
async fn planned_record_that_was_upgraded_is_not_created_again() {
    let app = App::new();
    let request = app.open("");
    let session = request.session().await.unwrap();
    session.insert("n", 1).unwrap();
    app.store.lose_reply(Call::Create);
    app.store.fail(Call::Load, ErrorKind::Unavailable);
    session.save().await.unwrap_err();
    app.store.recover();
    let (key, _) = app.store.records().pop_first().unwrap();
    upgrade(&app.store, &key).await;
    let before = app.store.records();
    let Committed { headers, error } = request.commit().await;
    assert_newer(&error.unwrap());
    assert_eq!((headers.set_cookie(), app.store.records()), (None, before));
}

/// Three sessions of one owner. The second one is in version 2.
async fn owner_with_newer_session() -> (App, [String; 3]) {
    let app = App::new();
    let cookies = [app.begin(log_in).await, app.begin(log_in).await, app.begin(log_in).await];
    upgrade(&app.store, &store_key(&cookies[1])).await;
    (app, cookies)
}

#[tokio::test]
async fn page_with_newer_record_is_error() {
    let (app, _) = owner_with_newer_session().await;
    assert_newer(&app.owners.page("ada", None, 100).await.unwrap_err());
    app.begin(|session| log_in_as(session, "eve")).await;
    assert_eq!(app.owners.page("eve", None, 100).await.unwrap().sessions.len(), 1);
}

#[tokio::test]
async fn end_all_reports_newer_record_as_left() {
    let (app, cookies) = owner_with_newer_session().await;
    let newer = app.store.record(&cookies[1]);
    let error = app.owners.end_all("ada").await.unwrap_err();
    assert_newer(&error);
    assert!(error.to_string().starts_with("2 sessions"), "{error}");
    assert!(error.to_string().contains("1 are left because a newer build"), "{error}");
    assert_eq!(app.store.record(&cookies[1]), newer);
    for ended in [&cookies[0], &cookies[2]] {
        assert!(app.peek(ended).await.is_new());
    }
}

#[tokio::test]
async fn end_all_reports_newer_tombstone_as_left() {
    let (app, [one, other, _]) = owner_with_newer_session().await;
    downgrade(&app.store, &store_key(&other)).await;
    // The list was read before the rotation, so it has the old key.
    app.request(&one, Session::rotate_id).await;
    upgrade(&app.store, &store_key(&one)).await;
    let record = app.store.record(&one).unwrap();
    let listed = NewRecord::new(record.payload(), record.created_at(), record.expires_at());
    let version = record.version();
    app.store.replace(&store_key(&one), version, &listed.owned_by(Some("ada"))).await.unwrap();
    assert_newer(&app.owners.end_all("ada").await.unwrap_err());
}

#[tokio::test]
async fn end_finds_session_beside_newer_record() {
    let (app, [one, other, _]) = owner_with_newer_session().await;
    let handle = app.owners.handle_of(&app.peek(&one).await).unwrap();
    assert!(app.owners.end("ada", &handle).await.unwrap());
    assert!(app.peek(&one).await.is_new());
    // The session may be the one in version 2.
    let newer = app.store.record(&other);
    assert_newer(&app.owners.end("ada", &handle).await.unwrap_err());
    assert_eq!(app.store.record(&other), newer);
}

#[tokio::test]
async fn end_others_reports_newer_record_as_left() {
    let (app, [one, other, third]) = owner_with_newer_session().await;
    let newer = app.store.record(&other);
    let session = app.peek(&one).await;
    assert_newer(&app.owners.end_others(&session).await.unwrap_err());
    assert_eq!(app.store.record(&other), newer);
    assert!(!app.peek(&one).await.is_new() && app.peek(&third).await.is_new());
}

#[tokio::test]
async fn newer_record_of_other_owner_is_ignored() {
    let (app, [one, other, _]) = owner_with_newer_session().await;
    let record = app.store.record(&other).unwrap();
    let theirs = NewRecord::new(record.payload(), record.created_at(), record.expires_at());
    let key = store_key(&other);
    app.store.replace(&key, record.version(), &theirs.owned_by(Some("eve"))).await.unwrap();
    assert_eq!(app.owners.page("ada", None, 100).await.unwrap().sessions.len(), 2);
    assert_eq!(app.owners.end_all("ada").await.unwrap(), 2);
    assert!(app.peek(&one).await.is_new());
}

#[tokio::test]
async fn login_within_limit_fails_beside_newer_record() {
    let app = App::with(|config| config.max_sessions(2));
    let newer = app.begin(log_in).await;
    upgrade(&app.store, &store_key(&newer)).await;
    let before = app.store.records();
    assert_newer(&app.respond("", log_in).await.err().unwrap());
    assert_eq!(app.store.records(), before);
}

struct Remembering {
    store: TestStore,
    sessions: Arc<ServerSideSessions<TestStore>>,
    settings: RememberMe,
}

impl Remembering {
    fn new() -> Self {
        let app = App::new();
        let config = SessionConfig::builder().clock(app.clock.clone()).build().unwrap();
        let sessions = Arc::new(ServerSideSessions::new(app.store.clone(), config));
        let key = SecretKey::generate().unwrap();
        let settings = RememberMe::new(Arc::clone(&sessions), &key).unwrap();
        Self { store: app.store, sessions, settings }
    }

    fn request(&self, token: &str) -> (RequestSession, RememberRequest) {
        let header = format!("__Host-session-remember={token}");
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        let request = RequestSession::new(Arc::clone(&self.sessions), view);
        let remember = RememberRequest::new(&self.settings, request.clone());
        (request, remember)
    }

    /// Returns the token of a browser that is remembered, and the key of its series.
    async fn begin(&self) -> (String, StoreKey) {
        let (request, remember) = self.request("");
        request.session().await.unwrap().log_in("ada", None).await.unwrap();
        remember.open().await.unwrap().start().await.unwrap();
        let header = remember.finish().unwrap().unwrap();
        request.commit().await.into_result().unwrap();
        let token = header.split(['=', ';']).nth(1).unwrap().to_owned();
        let is_series = |record: &Record| record.payload().starts_with(&[4]);
        let records = self.store.records();
        let (key, _) = records.iter().find(|(_, record)| is_series(record)).unwrap();
        (token, *key)
    }
}

#[tokio::test]
async fn newer_series_keeps_cookie_and_record() {
    let remembering = Remembering::new();
    let (token, series) = remembering.begin().await;
    upgrade(&remembering.store, &series).await;
    let before = remembering.store.records();
    let (_, remember) = remembering.request(&token);
    assert_newer(&remember.restore().await.unwrap_err());
    assert_eq!(remember.finish().unwrap(), None);
    assert_eq!(remembering.store.records(), before);
    downgrade(&remembering.store, &series).await;
    let (request, remember) = remembering.request(&token);
    remember.restore().await.unwrap();
    assert_eq!(request.session().await.unwrap().owner().as_deref(), Some("ada"));
}

#[tokio::test]
async fn logout_fails_beside_newer_series() {
    let remembering = Remembering::new();
    let (token, series) = remembering.begin().await;
    let (request, remember) = remembering.request(&token);
    remember.restore().await.unwrap();
    let session = request.session().await.unwrap();
    upgrade(&remembering.store, &series).await;
    let newer = remembering.store.load(&series).await.unwrap();
    assert_newer(&session.log_out().await.unwrap_err());
    assert_eq!(remembering.store.load(&series).await.unwrap(), newer);
}

#[tokio::test]
async fn end_all_reports_newer_series_as_left() {
    use session_core::OwnerSessions as _;

    let remembering = Remembering::new();
    let (_, series) = remembering.begin().await;
    upgrade(&remembering.store, &series).await;
    let newer = remembering.store.load(&series).await.unwrap();
    assert_newer(&remembering.sessions.end_all("ada").await.unwrap_err());
    assert_eq!(remembering.store.load(&series).await.unwrap(), newer);
}

#[tokio::test]
async fn newer_record_does_not_begin_outage() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use session_core::events::{Event, Events};

    let outages = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&outages);
    let events = Events::new(move |event: &Event<'_>| {
        if matches!(event, Event::OutageBegan) {
            seen.fetch_add(1, Ordering::Relaxed);
        }
    });
    let newer = async { Err::<(), _>(Error::newer_format("record is too new")) };
    events.observe(session_core::events::StoreCall::Load, newer).await.unwrap_err();
    assert_eq!(outages.load(Ordering::Relaxed), 0);
    let down = async { Err::<(), _>(Error::new(ErrorKind::Unavailable, "down")) };
    events.observe(session_core::events::StoreCall::Load, down).await.unwrap_err();
    assert_eq!(outages.load(Ordering::Relaxed), 1);
}

#[test]
fn error_with_newer_format_as_source_is_recognized() {
    let source = Error::newer_format("record is too new");
    assert!(source.is_newer_format());
    let error = Error::new(ErrorKind::Unavailable, "1 is left");
    assert!(!error.is_newer_format());
    assert!(error.with_source(source).is_newer_format());
}
