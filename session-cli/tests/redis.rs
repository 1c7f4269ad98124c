//! Runs the program on one Redis server, on a Cluster and behind Sentinel.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;
use std::sync::Arc;

use session_core::request::{RequestSession, RequestView};
use session_core::store::SessionStore;
use session_core::{OutagePolicy, ServerSideSessions, SessionConfig, SessionInterface};
use session_redis::RedisStore;
use test_servers::RedisOptions;

/// Checks the exit code and the whole output.
#[track_caller]
fn prints(address: &str, arguments: &str, code: i32, expected: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_session-cli"));
    command.args(arguments.split_whitespace()).env_clear().env("SESSION_STORE", address);
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{error}");
    assert_eq!(output.status.code(), Some(code), "{error}");
}

/// Stores sessions of two users, and one of a visitor.
async fn fill(store: impl SessionStore) {
    let sessions = ServerSideSessions::new(store, SessionConfig::default());
    let sessions: Arc<dyn SessionInterface> = Arc::new(sessions);
    for owner in [Some("ada"), Some("ada"), Some("bob"), None] {
        let view = RequestView::builder().build();
        let request =
            RequestSession::with_shared(Arc::clone(&sessions), view, OutagePolicy::Refuse);
        let session = request.session().await.unwrap();
        session.insert("cart", "tulips").unwrap();
        if let Some(owner) = owner {
            session.log_in(owner, None).await.unwrap();
        }
        request.commit().await.into_result().unwrap();
    }
}

fn sessions_are_counted_and_ended(address: &str) {
    prints(address, "check", 0, "state  ready\n");
    let counts = "\
sessions     4
of users     3
of visitors  1
";
    prints(address, "count --exact", 0, counts);
    prints(address, "end ada --all", 0, "ended  2\n");
    prints(address, "end --older-than 0s", 0, "ended  2\n");
    prints(address, "list --everyone --json", 1, "[]\n");
}

#[tokio::test]
async fn sessions_on_redis_are_counted_and_ended() {
    let server = test_servers::redis_with(RedisOptions::default()).await;
    fill(RedisStore::builder(server.url()).connect().await.unwrap()).await;
    sessions_are_counted_and_ended(server.url());
}

#[tokio::test]
async fn sessions_on_cluster_are_counted_and_ended() {
    let cluster = test_servers::redis_cluster().await;
    fill(RedisStore::cluster(cluster.urls()).connect().await.unwrap()).await;
    let nodes: Vec<_> = cluster.nodes().iter().map(address).collect();
    sessions_are_counted_and_ended(&format!("redis+cluster://{}", nodes.join(",")));
}

#[tokio::test]
async fn sessions_behind_sentinel_are_counted_and_ended() {
    let redis = test_servers::redis_sentinel().await;
    let store = RedisStore::sentinel(redis.master_name(), redis.urls());
    fill(store.connect().await.unwrap()).await;
    let sentinels: Vec<_> = redis.sentinels().iter().map(address).collect();
    let sentinels = format!("redis+sentinel://{}", sentinels.join(","));
    let address = format!("{sentinels}/{}", redis.master_name());
    redis.switch_over().await;
    sessions_are_counted_and_ended(&address);
    prints(&sentinels, "check", 2, "");
}

fn address(server: &test_servers::PrivateServer) -> String {
    format!("127.0.0.1:{}", server.port())
}
