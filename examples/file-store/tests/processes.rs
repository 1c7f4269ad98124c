//! Two processes change one session at once, through the engine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::env;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;

use file_store::FileStore;
use session_core::request::{RequestSession, RequestView};
use session_core::{OutagePolicy, ServerSideSessions, SessionConfig, SessionInterface};
use support::{child, child_directory, directory, repetitions, runtime};

const COOKIE: &str = "FILE_STORE_COOKIE";
/// The increments of each process, unless `FILE_STORE_INCREMENTS` sets them.
const INCREMENTS: u64 = 1_000;

fn sessions(directory: &Path) -> Arc<dyn SessionInterface> {
    let store = FileStore::open(directory).unwrap();
    Arc::new(ServerSideSessions::new(store, SessionConfig::default()))
}

fn request(sessions: &Arc<dyn SessionInterface>, cookie: &str) -> RequestSession {
    let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
    RequestSession::with_shared(Arc::clone(sessions), view, OutagePolicy::Refuse)
}

/// Stores a session with `n` = 0 and returns its cookie.
async fn begin(sessions: &Arc<dyn SessionInterface>) -> String {
    let request = request(sessions, "");
    request.session().await.unwrap().insert("n", 0).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    headers.set_cookie().unwrap().split(';').next().unwrap().to_owned()
}

async fn increment(sessions: &Arc<dyn SessionInterface>, cookie: &str) {
    let request = request(sessions, cookie);
    let session = request.session().await.unwrap();
    session.update("n", |n: Option<u64>| n.map(|n| n + 1)).unwrap();
    request.commit().await.into_result().unwrap();
}

#[test]
fn increments_of_two_processes_all_count() {
    let test = "increments_of_two_processes_all_count";
    let increments = repetitions("FILE_STORE_INCREMENTS", INCREMENTS);
    if let Some(directory) = child_directory() {
        let (sessions, cookie) = (sessions(&directory), env::var(COOKIE).unwrap());
        runtime().block_on(async {
            for _ in 0..increments {
                increment(&sessions, &cookie).await;
            }
        });
        return;
    }
    let directory = directory();
    let (sessions, runtime) = (sessions(directory.path()), runtime());
    let cookie = runtime.block_on(begin(&sessions));
    let children: Vec<Child> = (0..2)
        .map(|_| child(test, directory.path()).env(COOKIE, &cookie).spawn().unwrap())
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let n = runtime
        .block_on(async { request(&sessions, &cookie).session().await.unwrap().get::<u64>("n") });
    assert_eq!(n.unwrap(), Some(2 * increments));
}
