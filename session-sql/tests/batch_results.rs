//! The result of each call of a batch.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use session_core::ErrorKind;
use session_core::store::{Replaced, SessionStore as _, StoreKey, Version};
use session_sql::SqlStore;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};
use support::{create, drop_table, migrated_by, new_key, on_its_own_table, record};
use tokio::task::JoinSet;

/// Returns a store with one connection and its own table. Calls wait while another is in progress.
async fn store(url: &str) -> (SqlStore, String) {
    let (_, table) = on_its_own_table(url).await;
    let builder = SqlStore::builder().max_connections(1).table(&*table);
    (migrated_by(builder, url).await, table)
}

async fn execute(url: &str, statement: String) {
    let statement = sqlx::raw_sql(AssertSqlSafe(statement));
    if url.starts_with("postgres") {
        statement.execute(&mut PgConnection::connect(url).await.unwrap()).await.unwrap();
    } else {
        statement.execute(&mut MySqlConnection::connect(url).await.unwrap()).await.unwrap();
    }
}

/// Stores an owner that is not text.
async fn make_foreign(url: &str, table: &str, version: &Version) {
    let owner = if url.starts_with("postgres") { "'\\xff'" } else { "X'FF'" };
    let number = version.get().cast_signed();
    execute(url, format!("UPDATE {table} SET owner = {owner} WHERE version = {number}")).await;
}

/// Creates records whose keys descend. A batch runs its calls in ascending order of the keys.
async fn create_four(store: &SqlStore) -> [(StoreKey, Version); 4] {
    let mut records = create(store, 4).await;
    records.sort_by_key(|(key, _)| std::cmp::Reverse(*key));
    records.try_into().unwrap()
}

async fn each_call_of_batch_gets_its_own_result(url: &str) {
    let (store, table) = store(url).await;
    let [(first, one), (used, two), (stale, _), (foreign, three)] = create_four(&store).await;
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

    make_foreign(url, &table, &three).await;

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

async fn each_remove_of_batch_gets_its_own_result(url: &str) {
    let (store, table) = store(url).await;
    let [(first, one), (twice, two), (stale, three), (kept, four)] = create_four(&store).await;
    let nothing = StoreKey::from_bytes([0; 32]);
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

async fn rejected_call_does_not_fail_others_of_its_batch(url: &str) {
    let (store, table) = store(url).await;
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
async fn cancelled_call_does_not_cancel_others(url: &str) {
    let (store, table) = store(url).await;
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

async fn load_many_treats_foreign_row_as_missing(url: &str) {
    let (store, table) = store(url).await;
    let [(first, version), (foreign, number)] = create(&store, 2).await.try_into().unwrap();
    make_foreign(url, &table, &number).await;
    let records = store.load_many(&[foreign, first]).await.unwrap();
    assert_eq!(records[0], None);
    assert_eq!(records[1].as_ref().unwrap().version(), version);
    drop_table(url, &table).await;
}

/// The tests on one shared server.
macro_rules! on {
    ($database:ident, $server:path, $($test:ident),+ $(,)?) => {
        mod $database {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test($server().await.url()).await;
                }
            )+
        }
    };
}

on!(
    postgres,
    test_servers::postgres,
    each_call_of_batch_gets_its_own_result,
    each_remove_of_batch_gets_its_own_result,
    rejected_call_does_not_fail_others_of_its_batch,
    cancelled_call_does_not_cancel_others,
    load_many_treats_foreign_row_as_missing,
);

on!(
    mariadb,
    test_servers::mysql,
    each_call_of_batch_gets_its_own_result,
    each_remove_of_batch_gets_its_own_result,
    rejected_call_does_not_fail_others_of_its_batch,
    cancelled_call_does_not_cancel_others,
    load_many_treats_foreign_row_as_missing,
);
