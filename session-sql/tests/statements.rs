//! Each call is one statement, counted on the server; no transaction around it.

#![cfg(any(feature = "postgres", feature = "mysql"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::SystemTime;

use session_core::{OwnerIndex as _, Replaced, SessionStore as _, Sweep as _};
use session_sql::SqlStore;
use support::{migrated, new_key, record};

/// Makes each call twice: the first time, a statement may have to be prepared.
async fn each_call_is_one_statement(url: &str, statements: impl Fn() -> Vec<String>) {
    migrated(url).await;
    // One connection, so that none is made in between.
    let store = &SqlStore::builder().max_connections(1).connect(url).await.unwrap();
    calls(store, |_| ()).await;
    let mut before = statements().len();
    let mut seen = Vec::new();
    calls(store, |call| {
        let all = statements();
        seen.push((call, all[before..].to_vec()));
        before = all.len();
    })
    .await;
    let sweep = if url.starts_with("mysql") { "DELETE" } else { "WITH expired" };
    let expected = ["INSERT", "SELECT", "UPDATE", "UPDATE", "UPDATE", "SELECT", "DELETE", sweep];
    assert_eq!(seen.len(), expected.len());
    for ((call, statements), verb) in seen.into_iter().zip(expected) {
        assert_eq!(statements.len(), 1, "{call}: {statements:#?}");
        assert!(statements[0].contains(verb), "{call}: {statements:?}");
    }
}

async fn calls(store: &SqlStore, mut after: impl FnMut(&'static str)) {
    let (key, record) = (new_key(), record(b"payload").owned_by(Some("ada")));
    let first = store.create(&key, &record).await.unwrap();
    after("create");
    store.load(&key).await.unwrap().unwrap();
    after("load");
    let Replaced::Done(second) = store.replace(&key, first, &record).await.unwrap() else { panic!("stale") };
    after("replace");
    assert_eq!(store.replace(&key, first, &record).await.unwrap(), Replaced::Stale);
    after("replace, stale");
    assert!(store.touch(&key, second, SystemTime::now()).await.unwrap());
    after("touch");
    assert_eq!(store.keys_of("ada").await.unwrap(), [key]);
    after("keys_of");
    assert!(store.remove(&key, second).await.unwrap());
    after("remove");
    store.sweep(SystemTime::now(), 10).await.unwrap();
    after("sweep");
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn on_postgres_each_call_is_one_statement() {
    let server = support::Postgres::start();
    each_call_is_one_statement(&server.url(), || server.statements()).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn behind_pgbouncer_each_call_is_one_statement() {
    let server = support::PgBouncer::start();
    each_call_is_one_statement(&server.url(), || server.postgres.statements()).await;
}

#[cfg(feature = "mysql")]
#[tokio::test]
async fn on_mariadb_each_call_is_one_statement() {
    let server = support::MariaDb::start();
    each_call_is_one_statement(&server.url(), || server.statements()).await;
}
