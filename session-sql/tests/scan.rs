//! Finding and ending all records, on each database.

mod support;

use session_conformance::scan::{check_administration, check_scan};
use session_core::store::{Scan as _, SessionStore as _};
use session_sql::sqlx::{self, Connection as _};
use support::{drop_table, migrated, new_key, on_its_own_table, record, sqlite};
use test_servers::{TemporaryFolder, mysql, postgres};

async fn check_on(url: &str) {
    let (store, table) = on_its_own_table(url).await;
    check_scan(store.clone()).await;
    check_administration(store).await;
    drop_table(url, &table).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_sessions_are_found_and_ended() {
    let folder = TemporaryFolder::new();
    check_on(&format!("{}?mode=rwc", sqlite(&folder))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_sessions_are_found_and_ended() {
    check_on(postgres().await.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_sessions_are_found_and_ended() {
    check_on(mysql().await.url()).await;
}

#[tokio::test]
async fn scan_continues_after_key_of_another_program() {
    let folder = TemporaryFolder::new();
    let url = format!("{}?mode=rwc", sqlite(&folder));
    let store = migrated(&url).await;
    store.create(&new_key(), &record(b"")).await.unwrap();
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    for key in ["x''", "x'00'", "x'ff'"] {
        let row = format!("INSERT INTO sessions VALUES ({key}, 0, x'', 0, 0, NULL)");
        sqlx::raw_sql(sqlx::AssertSqlSafe(row)).execute(&mut connection).await.unwrap();
    }
    let (mut keys, mut after) = (0, None::<String>);
    loop {
        let page = store.scan(after.as_deref(), 1).await.unwrap();
        keys += page.keys.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(keys, 1);
}
