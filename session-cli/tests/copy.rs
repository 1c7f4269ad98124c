//! Copies sessions between a SQL store and Redis while an application changes and ends them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use session_core::request::{RequestSession, RequestView};
use session_core::store::{Scan, SessionStore};
use session_core::{OutagePolicy, Outcome, ServerSideSessions, SessionConfig, SessionInterface};
use session_migration::MigratingSessions;
use session_redis::RedisStore;
use session_sql::SqlStore;
use test_servers::{RedisOptions, TemporaryFolder};
use tokio::task::JoinSet;

const SESSIONS: usize = 300;
/// Sessions that requests increment, read and end in the meantime. The others stay unused.
const USED: usize = 24;

type App = Arc<dyn SessionInterface>;

fn engine<S: SessionStore>(store: S) -> ServerSideSessions<S> {
    ServerSideSessions::new(store, SessionConfig::default())
}

fn request(app: &App, cookie: &str) -> RequestSession {
    let header = format!("session={cookie}");
    let view = RequestView::builder().cookie_header(header.as_bytes()).build();
    RequestSession::with_shared(Arc::clone(app), view, OutagePolicy::Refuse)
}

/// Creates sessions with a counter and returns their cookies.
async fn fill(app: &App) -> Vec<String> {
    let mut cookies = Vec::new();
    for number in 0..SESSIONS {
        let request = request(app, "");
        let session = request.session().await.unwrap();
        session.insert("count", 0).unwrap();
        if number % 2 == 0 {
            session.log_in("ada", None).await.unwrap();
        }
        let headers = request.commit().await.into_result().unwrap();
        let cookie = headers.set_cookie().unwrap().split(';').next().unwrap();
        cookies.push(cookie.split_once('=').unwrap().1.to_owned());
    }
    cookies
}

/// Increments the counter until the command has ended, and returns the number of stored increments.
async fn increment(app: App, cookie: String, has_ended: Arc<AtomicBool>) -> u64 {
    let mut stored = 0;
    loop {
        let is_last = has_ended.load(Ordering::SeqCst);
        let request = request(&app, &cookie);
        let session = request.session().await.unwrap();
        session.update("count", |count: Option<u64>| Some(count.unwrap() + 1)).unwrap();
        request.commit().await.into_result().unwrap();
        assert_eq!(session.outcome(), Some(Outcome::Stored));
        stored += 1;
        if is_last {
            return stored;
        }
    }
}

async fn log_out(app: App, cookie: String) {
    let request = request(&app, &cookie);
    request.session().await.unwrap().log_out().await.unwrap();
    request.commit().await.into_result().unwrap();
}

/// Runs the program and returns its output.
async fn copy(old: String, new: String) -> String {
    tokio::task::spawn_blocking(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_session-cli"));
        command.arg("copy").env_clear();
        let output = command.env("SESSION_STORE", old).env("NEW_SESSION_STORE", new).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    })
    .await
    .unwrap()
}

/// Copies during traffic, and checks the sessions in the new store alone.
async fn copy_loses_nothing<O, N>(old: (O, String), new: (N, String))
where
    O: Scan + Clone,
    N: Scan + Clone,
{
    let only_old: App = Arc::new(engine(old.0.clone()));
    let cookies = fill(&only_old).await;
    let end = SystemTime::now() + Duration::from_hours(1);
    let migrating = MigratingSessions::new(engine(new.0.clone()), engine(old.0.clone()), end);
    let app: App = Arc::new(migrating.unwrap());
    let has_ended = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    let mut logouts = JoinSet::new();
    for (number, cookie) in cookies.iter().take(USED).cloned().enumerate() {
        let app = Arc::clone(&app);
        if number % 3 == 0 {
            logouts.spawn(log_out(app, cookie));
        } else {
            let has_ended = Arc::clone(&has_ended);
            writers.spawn(async move { (number, increment(app, cookie, has_ended).await) });
        }
    }
    let output = copy(old.1, new.1).await;
    has_ended.store(true, Ordering::SeqCst);
    assert!(output.starts_with("moved  "), "{output}");
    logouts.join_all().await;
    let mut counts = vec![0; SESSIONS];
    for (number, count) in writers.join_all().await {
        counts[number] = count;
    }

    let only_new: App = Arc::new(engine(new.0.clone()));
    for (number, cookie) in cookies.iter().enumerate() {
        let session = request(&only_new, cookie).session().await.unwrap();
        if number < USED && number % 3 == 0 {
            assert!(session.is_new(), "session {number} has ended");
            continue;
        }
        assert_eq!(session.get::<u64>("count").unwrap(), Some(counts[number]), "{number}");
        assert_eq!(session.owner().is_some(), number % 2 == 0);
    }
    let left = engine(old.0).all().page(None, 100).await.unwrap();
    assert!(left.sessions.is_empty(), "{left:?}");
}

async fn sqlite(folder: &TemporaryFolder) -> (SqlStore, String) {
    let address = format!("sqlite:{}?mode=rwc", folder.path().join("shop.db").display());
    let store = SqlStore::connect(&address).await.unwrap();
    store.migrate().await.unwrap();
    (store, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_from_sql_to_redis_during_traffic_loses_nothing() {
    let folder = TemporaryFolder::new();
    let server = test_servers::redis_with(RedisOptions::default()).await;
    let redis = RedisStore::builder(server.url()).connect().await.unwrap();
    copy_loses_nothing(sqlite(&folder).await, (redis, server.url().to_owned())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_from_redis_to_sql_during_traffic_loses_nothing() {
    let folder = TemporaryFolder::new();
    let server = test_servers::redis_with(RedisOptions::default()).await;
    let redis = RedisStore::builder(server.url()).connect().await.unwrap();
    copy_loses_nothing((redis, server.url().to_owned()), sqlite(&folder).await).await;
}
