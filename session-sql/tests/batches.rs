//! Batches: calls that would wait for a connection share a statement, and each gets its own result.
//! On MariaDB, only loads do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::time::Duration;

use session_core::ErrorKind;
use session_core::store::{Replaced, SessionStore as _, StoreKey, Version};
use session_sql::SqlStore;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use support::{drop_table, migrated_by, new_key, on_its_own_table, record};
use test_servers::{LostReply, PrivateServer, postgres_with, proxy};
use tokio::task::JoinSet;

/// Returns a store with one connection: calls wait while another is in progress.
async fn store(url: &str, table: &str) -> SqlStore {
    migrated_by(SqlStore::builder().max_connections(1).table(table), url).await
}

async fn shared() -> (&'static str, SqlStore, String) {
    let url = test_servers::postgres().await.url();
    let (_, table) = on_its_own_table(url).await;
    (url, store(url, &table).await, table)
}

async fn execute(url: &str, statement: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}

async fn create(store: &SqlStore, count: usize) -> Vec<(StoreKey, Version)> {
    let mut records = Vec::new();
    for _ in 0..count {
        let key = new_key();
        records.push((key, store.create(&key, &record(b"first")).await.unwrap()));
    }
    records
}

/// Returns how many statements the server ran.
fn logged(server: &PrivateServer) -> usize {
    server.log().lines().filter(|line| line.contains("LOG:  execute ")).count()
}

#[tokio::test]
async fn concurrent_calls_share_statements() {
    let server = postgres_with(&[("log_statement", "all")]).await;
    let store = store(server.url(), "sessions").await;
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

#[tokio::test]
async fn each_call_of_batch_gets_its_own_result() {
    let (url, store, table) = shared().await;
    let [(first, one), (used, two), (stale, _), (foreign, three)] =
        create(&store, 4).await.try_into().unwrap();
    let (a, b, c) = (record(b"a"), record(b"b").owned_by(Some("ada")), record(b"c"));
    let nothing = new_key();
    let (alone, b_or, c_or, gone, old) = tokio::join!(
        store.replace(&first, one, &a),
        store.replace(&used, two.clone(), &b),
        store.replace(&used, two.clone(), &c),
        store.replace(&nothing, two.clone(), &a),
        store.replace(&stale, two, &a),
    );
    assert!(matches!(alone.unwrap(), Replaced::Done(_)));
    assert_eq!((gone.unwrap(), old.unwrap()), (Replaced::Stale, Replaced::Stale));
    let (version, payload, owner) = match (b_or.unwrap(), c_or.unwrap()) {
        (Replaced::Done(version), Replaced::Stale) => (version, b"b", Some("ada")),
        (Replaced::Stale, Replaced::Done(version)) => (version, b"c", None),
        both => unreachable!("one version was replaced twice: {both:?}"),
    };

    execute(
        url,
        format!("UPDATE {table} SET owner = '\\xff' WHERE version = {}", three.get().cast_signed()),
    )
    .await;

    let (alone, found, again, absent, unreadable) = tokio::join!(
        store.load(&first),
        store.load(&used),
        store.load(&used),
        store.load(&nothing),
        store.load(&foreign),
    );
    assert_eq!(alone.unwrap().unwrap().payload(), b"a");
    for found in [found, again] {
        let found = found.unwrap().unwrap();
        assert_eq!(
            (found.version(), found.payload(), found.owner()),
            (version.clone(), &payload[..], owner)
        );
    }
    assert_eq!((absent.unwrap(), unreadable.unwrap()), (None, None));
    drop_table(url, &table).await;
}

#[tokio::test]
async fn each_remove_of_batch_gets_its_own_result() {
    let (url, store, table) = shared().await;
    let [(first, one), (twice, two), (stale, three), (kept, four)] =
        create(&store, 4).await.try_into().unwrap();
    let nothing = new_key();
    let (alone, earlier, again, absent, old) = tokio::join!(
        store.remove(&first, one),
        store.remove(&twice, two.clone()),
        store.remove(&twice, two.clone()),
        store.remove(&nothing, two.clone()),
        store.remove(&stale, two),
    );
    assert!(alone.unwrap());
    assert!(earlier.unwrap() != again.unwrap(), "one of two removals of a version removes it");
    assert!(!absent.unwrap() && !old.unwrap());
    let left = store.load_many(&[first, twice, stale, kept]).await.unwrap();
    let left: Vec<_> =
        left.into_iter().map(|record| record.map(|record| record.version())).collect();
    assert_eq!(left, [None, None, Some(three), Some(four)]);
    drop_table(url, &table).await;
}

#[tokio::test]
async fn concurrent_loads_share_statements_on_mariadb() {
    let server = test_servers::mysql_with(&[]).await;
    let store = store(server.url(), "sessions").await;
    let records = create(&store, 64).await;
    let selects = async || {
        let mut connection = sqlx::MySqlConnection::connect(server.url()).await.unwrap();
        let status = "SHOW GLOBAL STATUS LIKE 'Com_select'";
        let (_, count): (String, String) =
            sqlx::query_as(status).fetch_one(&mut connection).await.unwrap();
        count.parse::<u64>().unwrap()
    };

    let before = selects().await;
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
    let statements = selects().await - before;
    assert!((2..=10).contains(&statements), "72 loads took {statements} statements");
}

#[tokio::test]
async fn load_many_treats_foreign_row_as_missing() {
    let (url, store, table) = shared().await;
    let [(first, version), (foreign, number)] = create(&store, 2).await.try_into().unwrap();
    let number = number.get().cast_signed();
    execute(url, format!("UPDATE {table} SET owner = '\\xff' WHERE version = {number}")).await;
    let records = store.load_many(&[foreign, first]).await.unwrap();
    assert_eq!(records[0], None);
    assert_eq!(records[1].as_ref().unwrap().version(), version);
    drop_table(url, &table).await;
}

#[tokio::test]
async fn rejected_call_does_not_fail_others_of_its_batch() {
    let (url, store, table) = shared().await;
    execute(url, format!("ALTER TABLE {table} ADD CHECK (length(payload) < 1000)")).await;
    let [(first, one), (before, two), (long, three), (after, four)] =
        create(&store, 4).await.try_into().unwrap();
    let (short, too_long) = (record(b"short"), vec![0; 1000]);
    let too_long = record(&too_long);
    let (alone, early, refused, late) = tokio::join!(
        store.replace(&first, one, &short),
        store.replace(&before, two, &short),
        store.replace(&long, three.clone(), &too_long),
        store.replace(&after, four, &short),
    );
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Backend);
    assert_eq!(store.load(&long).await.unwrap().unwrap().version(), three);
    for (key, replaced) in [(first, alone), (before, early), (after, late)] {
        let record = store.load(&key).await.unwrap().unwrap();
        assert_eq!(
            (record.payload(), Replaced::Done(record.version())),
            (&b"short"[..], replaced.unwrap())
        );
    }
    drop_table(url, &table).await;
}

/// Cancels different calls at different times, including the one that has the connection.
#[tokio::test]
async fn cancelled_call_does_not_cancel_others() {
    let (url, store, table) = shared().await;
    let mut records = create(&store, 8).await;
    for round in 0..60 {
        let mut calls = JoinSet::new();
        let mut aborted = Vec::new();
        for (number, (key, version)) in records.clone().into_iter().enumerate() {
            let store = store.clone();
            let call = calls.spawn(async move {
                (key, store.replace(&key, version, &record(b"kept")).await.unwrap())
            });
            if number == 0 || number == round % 8 {
                aborted.push(call);
            }
        }
        tokio::time::sleep(Duration::from_micros(40 * u64::try_from(round).unwrap())).await;
        for call in &aborted {
            call.abort();
        }
        let mut kept = 0;
        while let Some(call) = calls.join_next().await {
            let Ok((key, replaced)) = call else { continue };
            kept += 1;
            let version = store.load(&key).await.unwrap().unwrap().version();
            assert_eq!(replaced, Replaced::Done(version), "no other task writes");
        }
        assert!(kept + aborted.len() >= 8, "round {round}: {kept}");
        for (key, version) in &mut records {
            *version = store.load(key).await.unwrap().unwrap().version();
        }
    }
    drop_table(url, &table).await;
}

/// It is not known whether the batch was applied. Each call fails, and none is repeated.
#[tokio::test]
async fn lost_reply_fails_each_call_and_repeats_none() {
    let server = postgres_with(&[]).await;
    let proxy = proxy(server.port()).await;
    let store = store(&proxy.before(server.url()), "sessions").await;
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
    let store = store(server.url(), "sessions").await;
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
    let store = store(server.url(), "sessions").await;
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
