//! Statements that the database rolls back because of others are repeated, after a pause.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use session_core::ErrorKind;
use session_core::store::{Replaced, SessionStore as _};
use session_sql::SqlStore;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};
use support::{create, migrated_by, new_key, record};
use test_servers::PrivateServer;
use tokio::task::JoinSet;

/// The maximum number of runs of a statement.
const MAX_RUNS: usize = 9;

/// Returns a store with one connection.
async fn store(server: &PrivateServer) -> SqlStore {
    let builder = SqlStore::builder().deadline(Duration::from_secs(20)).max_connections(1);
    migrated_by(builder, server.url()).await
}

/// Makes the first runs of an update fail with the error of a rollback by the database. A sequence
/// also counts runs that are rolled back.
async fn fail_updates(server: &PrivateServer, runs: usize) {
    if server.url().starts_with("postgres") {
        let body = format!(
            "BEGIN IF nextval('runs') <= {runs} THEN \
             RAISE EXCEPTION 'rolled back' USING ERRCODE = 'serialization_failure'; \
             END IF; RETURN NEW; END"
        );
        server.ask(&["CREATE SEQUENCE runs"]).await;
        server
            .ask(&[&format!(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
            )])
            .await;
        let trigger = "CREATE TRIGGER fail BEFORE UPDATE ON sessions \
                       FOR EACH STATEMENT EXECUTE FUNCTION fail()";
        server.ask(&[trigger]).await;
        return;
    }
    server.ask(&["CREATE SEQUENCE test.runs NOCACHE"]).await;
    let trigger = format!(
        "CREATE TRIGGER test.fail BEFORE UPDATE ON test.sessions FOR EACH ROW \
         IF NEXTVAL(test.runs) <= {runs} THEN \
         SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'rolled back'; END IF"
    );
    // The command-line client would split the statement.
    let mut connection = MySqlConnection::connect(server.url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(trigger)).execute(&mut connection).await.unwrap();
}

/// Returns how often an update ran.
async fn runs(server: &PrivateServer) -> usize {
    let postgres = server.url().starts_with("postgres");
    let next = if postgres { "SELECT nextval('runs')" } else { "SELECT NEXTVAL(test.runs)" };
    server.ask(&[next]).await.trim().parse::<usize>().unwrap() - 1
}

async fn rolled_back_statement_is_repeated(server: &PrivateServer) {
    let (store, key) = (store(server).await, new_key());
    let version = store.create(&key, &record(b"first")).await.unwrap();
    fail_updates(server, 3).await;
    let replaced = store.replace(&key, version, &record(b"second")).await.unwrap();
    let stored = store.load(&key).await.unwrap().unwrap();
    assert_eq!((Replaced::Done(stored.version()), stored.payload()), (replaced, &b"second"[..]));
    assert_eq!(runs(server).await, 4);
}

async fn repetitions_of_rolled_back_statement_are_bounded(server: &PrivateServer) {
    let (store, key) = (store(server).await, new_key());
    let version = store.create(&key, &record(b"first")).await.unwrap();
    fail_updates(server, usize::MAX >> 1).await;
    let error = store.replace(&key, version.clone(), &record(b"second")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
    assert_eq!(runs(server).await, MAX_RUNS);
}

/// One call runs alone, and the others as a batch. PostgreSQL counts the statements of the batch,
/// and MariaDB its rows.
async fn rolled_back_batch_is_repeated(server: &PrivateServer) {
    let store = store(server).await;
    let records = create(&store, 8).await;
    fail_updates(server, 4).await;
    let mut calls = JoinSet::new();
    for (key, version) in records {
        let store = store.clone();
        calls.spawn(async move {
            (key, store.replace(&key, version, &record(b"second")).await.unwrap())
        });
    }
    for (key, replaced) in calls.join_all().await {
        let version = store.load(&key).await.unwrap().unwrap().version();
        assert_eq!(Replaced::Done(version), replaced);
    }
    let successful = if server.url().starts_with("postgres") { 2 } else { 8 };
    assert_eq!(runs(server).await, 4 + successful);
}

/// The tests of one database, each on its own server.
macro_rules! on {
    ($database:ident, $start:path) => {
        mod $database {
            #[tokio::test]
            async fn rolled_back_statement_is_repeated() {
                super::rolled_back_statement_is_repeated(&$start(&[]).await).await;
            }

            #[tokio::test]
            async fn repetitions_of_rolled_back_statement_are_bounded() {
                super::repetitions_of_rolled_back_statement_are_bounded(&$start(&[]).await).await;
            }

            #[tokio::test]
            async fn rolled_back_batch_is_repeated() {
                super::rolled_back_batch_is_repeated(&$start(&[]).await).await;
            }
        }
    };
}

on!(postgres, test_servers::postgres_with);
on!(mariadb, test_servers::mysql_with);
