//! Checks of a store that implements [`Scan`]: whether a scan finds all records, and whether
//! sessions end while requests write them.
//!
//! Call each function in a test, on a tokio runtime, with an empty store without other users. A
//! function panics if the store violates the contract.
//!
//! ```
//! # use session_memory::MemoryStore;
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! session_conformance::scan::check_scan(MemoryStore::new()).await;
//! session_conformance::scan::check_administration(MemoryStore::new()).await;
//! # });
//! ```

#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a check fails by panicking")]

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::admin::Selection;
use session_core::request::{OutagePolicy, RequestSession, RequestView};
use session_core::store::{NewRecord, OwnerIndex, Scan, SessionStore, StoreKey};
use session_core::{
    Error, ErrorKind, OwnerSessions as _, ServerSideSessions, Session, SessionConfig,
    SessionInterface,
};
use tokio::task::JoinSet;

/// The number of records or sessions in a check. This number exceeds one page.
const MANY: usize = 2000;
const VISITORS: usize = 100;
const WRITERS: usize = 4;
/// The number of sessions that are created at a time.
const CONCURRENT: usize = 32;
const HOUR: Duration = Duration::from_hours(1);

/// Checks the contract of [`Scan`].
///
/// A scan returns each of 2,000 records while other records are created and removed. The records
/// have an owner or none, any payload, and an expiry in the past or the future. A count includes
/// every live record. A scan from an invalid position fails.
pub async fn check_scan<S: Scan + Clone>(store: S) {
    assert!(scanned(&store).await.is_empty(), "the store must be empty");
    let keys: Vec<_> = (0..MANY).map(|_| random_key()).collect();
    for keys in keys.chunks(CONCURRENT) {
        let mut creating = JoinSet::new();
        for key in keys {
            let (store, key) = (store.clone(), *key);
            creating.spawn(async move { drop(create(&store, &key).await) });
        }
        creating.join_all().await;
    }
    let missing: HashSet<_> = keys.iter().copied().collect();
    let found = scanned(&store).await;
    assert_eq!(missing.difference(&found).count(), 0, "keys are missing");
    let (count, now) = (store.count(SystemTime::now()).await.unwrap(), SystemTime::now());
    let live = keys.iter().filter(|key| expiry(key, now) > now).count() as u64;
    assert!((live..=MANY as u64).contains(&count), "{count} records are counted");
    for text in ["nothing that a store returns", "\u{1f600}"] {
        let error = store.scan(Some(text), 10).await.map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    }
    for keys in keys.chunks(CONCURRENT) {
        let mut removing = JoinSet::new();
        for key in keys {
            let (store, key) = (store.clone(), *key);
            removing.spawn(async move { remove(&store, &key).await });
        }
        removing.join_all().await;
    }
    assert!(scanned(&store).await.is_disjoint(&missing), "removed keys are found");
}

/// Checks [`admin`](session_core::admin) over the store, and the end of all sessions of an owner.
///
/// An owner has 2,000 sessions, and the pages list all of them. While requests write and rotate
/// some of these sessions, `end_all` ends every session of the owner. The sessions of visitors
/// remain. Then [`admin`](session_core::admin) ends all sessions. No request revives a session.
pub async fn check_administration<S: Scan + OwnerIndex + Clone>(store: S) {
    let sessions = Arc::new(ServerSideSessions::new(store, SessionConfig::default()));
    let mut users = begin(&sessions, Some("ada"), MANY).await;
    let visitors = begin(&sessions, None, VISITORS).await;
    let (owned, without_owner) = count(&sessions).await;
    assert!(owned >= MANY && without_owner >= VISITORS, "{owned} and {without_owner}");
    let mut pages = sessions.pages_of("ada").await.unwrap();
    let mut handles = HashSet::new();
    while let Some(page) = pages.next().await.unwrap() {
        handles.extend(page.iter().map(|session| session.handle().to_owned()));
    }
    assert_eq!(handles.len(), MANY);
    drop(pages);

    let early = sessions.all().end(Selection::CreatedBefore(SystemTime::now() - HOUR)).await;
    assert_eq!(early.unwrap(), 0);
    let writers = write_until_ended(&sessions, users.split_off(MANY - WRITERS));
    assert_eq!(sessions.end_all("ada").await.unwrap(), MANY);
    writers.join_all().await;
    assert_eq!(count(&sessions).await, (0, VISITORS));

    begin(&sessions, Some("ada"), MANY / 10).await;
    let writers = write_until_ended(&sessions, visitors.into_iter().take(WRITERS).collect());
    let ended = sessions.all().end(Selection::All).await.unwrap();
    writers.join_all().await;
    assert_eq!((ended, count(&sessions).await), ((MANY / 10 + VISITORS) as u64, (0, 0)));
}

/// Scans a store while other records are created and removed.
async fn scanned<S: Scan>(store: &S) -> HashSet<StoreKey> {
    let (mut found, mut after, mut calls) = (HashSet::new(), None::<String>, 0);
    loop {
        let key = random_key();
        let version = create(store, &key).await;
        let page = store.scan(after.as_deref(), 100).await.unwrap();
        assert!(store.remove(&key, version).await.unwrap());
        found.extend(page.keys.into_iter().filter(|found| *found != key));
        after = page.next;
        calls += 1;
        assert!(calls < 100 * MANY, "the scan does not end");
        if after.is_none() {
            return found;
        }
    }
}

async fn remove<S: SessionStore>(store: &S, key: &StoreKey) {
    // A store may have removed an expired record.
    if let Some(record) = store.load(key).await.unwrap() {
        assert!(store.remove(key, record.version()).await.unwrap());
    }
}

async fn create<S: SessionStore>(store: &S, key: &StoreKey) -> session_core::store::Version {
    let now = SystemTime::now();
    let owner = key.as_bytes()[1].is_multiple_of(2).then_some("ada");
    let record = NewRecord::new(b"\0 %", now, expiry(key, now)).owned_by(owner);
    store.create(key, &record).await.unwrap()
}

/// Returns an expiry in the past for one of eight keys, and in the future for the others.
fn expiry(key: &StoreKey, now: SystemTime) -> SystemTime {
    let is_expired = key.as_bytes()[2].is_multiple_of(8);
    if is_expired { now - Duration::from_secs(10) } else { now + HOUR }
}

fn random_key() -> StoreKey {
    let mut bytes = [0; 32];
    fastrand::fill(&mut bytes);
    StoreKey::from_bytes(bytes)
}

/// Returns the numbers of sessions of users and of visitors.
async fn count<S: Scan>(sessions: &ServerSideSessions<S>) -> (usize, usize) {
    let (mut found, mut after) = (HashSet::new(), None::<String>);
    loop {
        let page = sessions.all().page(after.as_deref(), 100).await.unwrap();
        assert_eq!(page.unread, 0);
        for session in page.sessions {
            found.insert((session.owner().is_some(), session.details().handle().to_owned()));
        }
        after = page.next;
        if after.is_none() {
            let owned = found.iter().filter(|(is_owned, _)| *is_owned).count();
            return (owned, found.len() - owned);
        }
    }
}

/// Creates sessions, and returns their cookies.
async fn begin<S: SessionStore>(
    sessions: &Arc<ServerSideSessions<S>>,
    owner: Option<&'static str>,
    number: usize,
) -> Vec<String> {
    let mut cookies = Vec::new();
    while cookies.len() < number {
        let mut requests = JoinSet::new();
        for _ in 0..CONCURRENT.min(number - cookies.len()) {
            let sessions = Arc::clone(sessions) as Arc<dyn SessionInterface>;
            requests.spawn(async move {
                let request = open(sessions, "");
                let session = request.session().await.unwrap();
                match owner {
                    Some(owner) => session.log_in(owner, None).await.unwrap(),
                    None => session.insert("n", 0).unwrap(),
                }
                commit(request).await.unwrap().unwrap()
            });
        }
        cookies.extend(requests.join_all().await);
    }
    cookies
}

/// Starts a task for each session. The task changes and rotates the session until the session ends.
fn write_until_ended<S: SessionStore>(
    sessions: &Arc<ServerSideSessions<S>>,
    cookies: Vec<String>,
) -> JoinSet<()> {
    let mut writers = JoinSet::new();
    for mut cookie in cookies {
        let sessions = Arc::clone(sessions) as Arc<dyn SessionInterface>;
        writers.spawn(async move {
            for round in 0_u64.. {
                let request = open(Arc::clone(&sessions), &cookie);
                let session = request.session().await.unwrap();
                if session.is_new() {
                    return;
                }
                write(&session, round).unwrap();
                // A contended save may fail without a change.
                if let Ok(Some(rotated)) = commit(request).await {
                    cookie = rotated;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    writers
}

fn write(session: &Session, round: u64) -> Result<(), Error> {
    if round.is_multiple_of(4) {
        session.rotate_id()?;
    }
    session.insert("n", round)
}

fn open(sessions: Arc<dyn SessionInterface>, cookie: &str) -> RequestSession {
    let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
    RequestSession::with_shared(sessions, view, OutagePolicy::Refuse)
}

/// Returns the cookie that the response sets.
async fn commit(request: RequestSession) -> Result<Option<String>, Error> {
    let headers = request.commit().await.into_result()?;
    let set = headers.set_cookie().and_then(|cookie| cookie.split(';').next());
    Ok(set.map(str::to_owned).filter(|cookie| !cookie.ends_with('=')))
}
