//! Batches: calls that would wait for a connection share a statement, or a transaction on MariaDB.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::time::Duration;

use session_core::ErrorKind;
use session_core::store::{Replaced, SessionStore as _, Version};
use session_sql::SqlStore;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};
use support::{create, migrated_by, new_key, record};
use test_servers::{LostReply, PrivateServer, mysql_with, postgres_with, proxy};
use tokio::task::JoinSet;

/// Returns a store with one connection: calls wait while another is in progress.
async fn store(url: &str) -> SqlStore {
    migrated_by(SqlStore::builder().max_connections(1), url).await
}

async fn execute(url: &str, statement: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}

/// Returns how many statements the server ran.
fn logged(server: &PrivateServer) -> usize {
    server.log().lines().filter(|line| line.contains("LOG:  execute ")).count()
}

#[tokio::test]
async fn concurrent_calls_share_statements() {
    let server = postgres_with(&[("log_statement", "all")]).await;
    let store = store(server.url()).await;
    let records = create(&store, 64).await;

    let before = logged(&server);
    let mut calls = JoinSet::new();
    for (key, version) in records.clone() {
        let store = store.clone();
        calls.spawn(async move {
            (key, store.replace(&key, version, &record(key.as_bytes())).await.unwrap())
        });
    }
    let replaced = calls.join_all().await;
    let statements = logged(&server) - before;
    assert!((2..=8).contains(&statements), "64 writes took {statements} statements");

    let before = logged(&server);
    let mut calls = JoinSet::new();
    for (key, replaced) in replaced {
        let store = store.clone();
        calls.spawn(async move {
            let record = store.load(&key).await.unwrap().unwrap();
            assert_eq!(record.payload(), key.as_bytes());
            assert_eq!(Replaced::Done(record.version()), replaced);
            (key, record.version())
        });
    }
    let loaded = calls.join_all().await;
    let statements = logged(&server) - before;
    assert!((2..=8).contains(&statements), "64 loads took {statements} statements");

    let before = logged(&server);
    let mut calls = JoinSet::new();
    for (key, version) in loaded {
        let store = store.clone();
        calls.spawn(async move { assert!(store.remove(&key, version).await.unwrap()) });
    }
    calls.join_all().await;
    let statements = logged(&server) - before;
    assert!((2..=8).contains(&statements), "64 removals took {statements} statements");
}

/// Returns how often a MariaDB ran a kind of statement, such as `select`.
async fn counted(server: &PrivateServer, kind: &str) -> u64 {
    let mut connection = MySqlConnection::connect(server.url()).await.unwrap();
    let status = AssertSqlSafe(format!("SHOW GLOBAL STATUS LIKE 'Com_{kind}'"));
    let (_, count): (String, String) =
        sqlx::query_as(status).fetch_one(&mut connection).await.unwrap();
    count.parse().unwrap()
}

#[tokio::test]
async fn concurrent_loads_share_statements_on_mariadb() {
    let server = mysql_with(&[]).await;
    let store = store(server.url()).await;
    let records = create(&store, 64).await;
    let before = counted(&server, "select").await;
    let mut loads = JoinSet::new();
    let keys = records.iter().map(|(key, version)| (*key, Some(version.clone())));
    for (key, version) in keys.chain((0..8).map(|_| (new_key(), None))) {
        let store = store.clone();
        loads.spawn(async move {
            let loaded = store.load(&key).await.unwrap();
            assert_eq!(loaded.map(|record| record.version()), version);
        });
    }
    loads.join_all().await;
    let statements = counted(&server, "select").await - before;
    assert!((2..=10).contains(&statements), "72 loads took {statements} statements");
}

#[tokio::test]
async fn concurrent_writes_share_transactions_on_mariadb() {
    let server = mysql_with(&[]).await;
    let store = store(server.url()).await;
    let records = create(&store, 64).await;
    let (updates, commits) = (counted(&server, "update").await, counted(&server, "commit").await);
    let mut calls = JoinSet::new();
    for (key, version) in records {
        let store = store.clone();
        calls.spawn(async move {
            (key, store.replace(&key, version, &record(key.as_bytes())).await.unwrap())
        });
    }
    let replaced = calls.join_all().await;
    assert_eq!(counted(&server, "update").await - updates, 64);
    let shared = counted(&server, "commit").await - commits;
    assert!((1..=7).contains(&shared), "64 writes took {shared} transactions");

    let mut removals = JoinSet::new();
    let mut records = Vec::new();
    for (key, replaced) in replaced {
        let stored = store.load(&key).await.unwrap().unwrap();
        assert_eq!(stored.payload(), key.as_bytes());
        assert_eq!(Replaced::Done(stored.version()), replaced);
        records.push((key, stored.version()));
    }
    for (key, version) in records {
        let store = store.clone();
        removals.spawn(async move { store.remove(&key, version).await.unwrap() });
    }
    assert!(removals.join_all().await.into_iter().all(|removed| removed));
    let shared = counted(&server, "commit").await - commits - shared;
    assert!((1..=7).contains(&shared), "64 removals took {shared} transactions");
}

/// It is not known whether the batch was applied. Each call fails, and none is repeated.
#[tokio::test]
async fn lost_reply_fails_each_call_and_repeats_none() {
    let server = postgres_with(&[]).await;
    let proxy = proxy(server.port()).await;
    let store = store(&proxy.before(server.url())).await;
    let records = create(&store, 8).await;
    proxy.lose_next_reply(b"marked", LostReply::Closes);
    let mut calls = JoinSet::new();
    for (number, (key, version)) in records.into_iter().enumerate() {
        let (store, payload) = (store.clone(), if number == 0 { "alone" } else { "marked" });
        calls.spawn(async move {
            (key, version.clone(), store.replace(&key, version, &record(payload.as_bytes())).await)
        });
    }
    let mut failed = 0;
    for (key, version, replaced) in calls.join_all().await {
        let stored = store.load(&key).await.unwrap().unwrap();
        assert_ne!(stored.version(), version);
        match replaced {
            Ok(replaced) => assert_eq!(
                (stored.payload(), replaced),
                (&b"alone"[..], Replaced::Done(stored.version()))
            ),
            Err(error) => {
                failed += 1;
                assert_eq!(
                    (error.kind(), stored.payload()),
                    (ErrorKind::Unavailable, &b"marked"[..])
                );
            }
        }
    }
    assert_eq!((failed, proxy.lost()), (7, 1));
}

#[tokio::test]
async fn read_only_server_fails_each_call_and_repeats_none() {
    let server = postgres_with(&[("log_statement", "all")]).await;
    let store = store(server.url()).await;
    let records = create(&store, 8).await;
    execute(server.url(), "ALTER ROLE postgres SET default_transaction_read_only = on".to_owned())
        .await;
    // The connection of the store is older than the setting.
    let terminate = "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity \
                     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    server.ask(&[terminate]).await;
    let _ = store.load(&records[0].0).await;

    let before = logged(&server);
    let mut calls = JoinSet::new();
    for (key, version) in records.clone() {
        let store = store.clone();
        calls.spawn(async move { store.replace(&key, version, &record(b"late")).await });
    }
    for replaced in calls.join_all().await {
        assert_eq!(replaced.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    // One call alone, and a batch.
    assert_eq!(logged(&server) - before, 2);
    for (key, version) in records {
        assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
    }
}

#[tokio::test]
async fn connection_closed_by_server_fails_each_call() {
    let server = postgres_with(&[]).await;
    let store = store(server.url()).await;
    let records = create(&store, 8).await;
    let mut blocker = PgConnection::connect(server.url()).await.unwrap();
    let mut administrator = PgConnection::connect(server.url()).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE sessions").execute(&mut blocker).await.unwrap();
    let mut calls = JoinSet::new();
    for (key, version) in records.clone() {
        let store = store.clone();
        calls.spawn(async move { store.replace(&key, version, &record(b"late")).await });
    }
    // First the first call, then the batch of the others waits for the table. Each connection is
    // terminated.
    let mut ended = HashSet::new();
    while ended.len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let terminate = "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        ended.extend(
            sqlx::query_scalar::<_, i32>(terminate).fetch_all(&mut administrator).await.unwrap(),
        );
    }
    for replaced in calls.join_all().await {
        assert_eq!(replaced.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut blocker).await.unwrap();
    for (key, version) in records {
        assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
        assert!(matches!(
            store.replace(&key, version, &record(b"new")).await.unwrap(),
            Replaced::Done(_)
        ));
    }
}

/// Starts a write alone and seven as a batch, and loses the reply to a message with this text.
/// Returns the version before, the stored version and the error of each write of the batch.
async fn lose_reply_on_mariadb(marker: &'static [u8]) -> Vec<(Version, Version, ErrorKind)> {
    let server = mysql_with(&[]).await;
    let proxy = proxy(server.port()).await;
    let store = store(&proxy.before(server.url())).await;
    let records = create(&store, 8).await;
    proxy.lose_next_reply(marker, LostReply::Closes);
    let mut calls = JoinSet::new();
    for (number, (key, version)) in records.into_iter().enumerate() {
        let (store, payload) = (store.clone(), if number == 0 { "alone" } else { "marked" });
        calls.spawn(async move {
            (key, version.clone(), store.replace(&key, version, &record(payload.as_bytes())).await)
        });
    }
    let mut failed = Vec::new();
    for (key, before, replaced) in calls.join_all().await {
        let stored = store.load(&key).await.unwrap().unwrap();
        match replaced {
            Ok(replaced) => {
                assert_eq!(stored.payload(), b"alone");
                assert_eq!(replaced, Replaced::Done(stored.version()));
            }
            Err(error) => failed.push((before, stored.version(), error.kind())),
        }
    }
    assert_eq!((failed.len(), proxy.lost()), (7, 1));
    failed
}

#[tokio::test]
async fn lost_reply_in_transaction_applies_none_on_mariadb() {
    for (before, stored, error) in lose_reply_on_mariadb(b"marked").await {
        assert_eq!((stored, error), (before, ErrorKind::Unavailable));
    }
}

#[tokio::test]
async fn lost_reply_of_commit_fails_each_call_on_mariadb() {
    for (before, stored, error) in lose_reply_on_mariadb(b"COMMIT").await {
        assert_ne!(stored, before);
        assert_eq!(error, ErrorKind::Unavailable);
    }
}

/// The batch waits for the row of its last key. Then the server closes its connection.
#[tokio::test]
async fn killed_transaction_applies_none_on_mariadb() {
    let server = mysql_with(&[]).await;
    let store = store(server.url()).await;
    let mut records = create(&store, 8).await;
    records.sort_by_key(|(key, _)| *key.as_bytes());
    let mut administrator = MySqlConnection::connect(server.url()).await.unwrap();
    let mut blocker = MySqlConnection::connect(server.url()).await.unwrap();
    sqlx::raw_sql("START TRANSACTION").execute(&mut blocker).await.unwrap();
    let (last, _) = records.last().unwrap();
    let lock = sqlx::query("SELECT version FROM sessions WHERE key_hash = ? FOR UPDATE");
    lock.bind(&last.as_bytes()[..]).fetch_all(&mut blocker).await.unwrap();
    let mut calls = JoinSet::new();
    for (key, version) in records.clone() {
        let store = store.clone();
        calls.spawn(async move { (key, store.replace(&key, version, &record(b"late")).await) });
    }
    let waiting = "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx \
                   WHERE trx_state = 'LOCK WAIT'";
    let thread = loop {
        let threads = sqlx::query_scalar::<_, u64>(waiting).fetch_all(&mut administrator).await;
        if let [thread] = threads.unwrap()[..] {
            break thread;
        }
        // More frequent queries would read the same copy of the table again.
        tokio::time::sleep(Duration::from_millis(150)).await;
    };
    let kill = AssertSqlSafe(format!("KILL {thread}"));
    sqlx::raw_sql(kill).execute(&mut administrator).await.unwrap();
    let results = calls.join_all().await;
    sqlx::raw_sql("ROLLBACK").execute(&mut blocker).await.unwrap();
    let mut failed = 0;
    for (key, replaced) in results {
        let stored = store.load(&key).await.unwrap().unwrap().version();
        match replaced {
            Ok(replaced) => assert_eq!(replaced, Replaced::Done(stored)),
            Err(error) => {
                failed += 1;
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                assert!(records.contains(&(key, stored)));
            }
        }
    }
    assert_eq!(failed, 7);
}
