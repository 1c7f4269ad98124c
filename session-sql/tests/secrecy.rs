//! Whoever reads the table learns no session's id.

#![cfg(feature = "sqlite")]

mod support;

use session_core::{RequestSession, RequestView, SessionConfig};
use session_sql::SqlSessions;
use sqlx::Row as _;
use support::TemporaryFolder;

#[tokio::test]
async fn the_table_holds_no_id() {
    let folder = TemporaryFolder::new();
    let sessions = SqlSessions::connect(&folder.sqlite(), SessionConfig::default()).await.unwrap();
    sessions.store().migrate().await.unwrap();
    let request = RequestSession::new(sessions, RequestView::default());
    request.session().await.unwrap().insert("greeting", "good morning").unwrap();
    let headers = request.commit().await.unwrap();
    let cookie = headers.set_cookie().unwrap();
    let id = cookie.split_once('=').unwrap().1.split(';').next().unwrap();
    assert!(id.len() >= 40, "{cookie}");

    // Every byte of it is looked at, in the file and in what SQL shows.
    let pool = sqlx::SqlitePool::connect(&folder.sqlite()).await.unwrap();
    let row = sqlx::query("SELECT key_hash, payload FROM sessions").fetch_one(&pool).await.unwrap();
    let (key, payload) = (row.get::<Vec<u8>, _>(0), row.get::<Vec<u8>, _>(1));
    assert_eq!(key.len(), 32);
    assert!(contains(&payload, b"good morning"));
    let mut files = vec![key, payload];
    for name in ["sessions.db", "sessions.db-wal"] {
        files.push(std::fs::read(folder.path(name)).unwrap());
    }
    assert!(files.iter().all(|bytes| !contains(bytes, id.as_bytes()) && !contains(bytes, &id.as_bytes()[..16])));
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
