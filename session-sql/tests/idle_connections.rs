//! Connections that a server or a proxy closes while they are idle.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use session_core::store::{SessionStore as _, StoreKey};
use session_sql::{SqlStore, SqlStoreBuilder};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};
use support::load::in_time;
use support::{migrated_by, new_key, record};
use test_servers::{LostReply, PrivateServer, mysql_with, proxy};

const DEADLINE: Duration = Duration::from_secs(1);

/// Returns a store that tests each idle connection.
async fn store(url: &str) -> SqlStore {
    let builder = SqlStore::builder().deadline(DEADLINE).test_after_idle(Duration::ZERO);
    migrated_by(builder, url).await
}

async fn create(store: &SqlStore) -> StoreKey {
    let key = new_key();
    store.create(&key, &record(b"")).await.unwrap();
    key
}

/// Opens several connections, which are idle afterwards.
async fn use_several_connections(store: &SqlStore) {
    let key = create(store).await;
    let loads = (0..5).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.load(&key).await.unwrap() })
    });
    for load in loads.collect::<Vec<_>>() {
        load.await.unwrap();
    }
}

/// The first call after a pause can be any call. None of them may be repeated.
async fn closed_connections_fail_no_call(server: &PrivateServer) {
    let store = store(server.url()).await;
    for _ in 0..3 {
        use_several_connections(&store).await;
        close_connections(server).await;
        for _ in 0..10 {
            create(&store).await;
        }
    }
}

/// A connection of which a proxy or a firewall has lost track is not closed. It is silent.
async fn silent_connection_fails_no_call(server: &PrivateServer) {
    let proxy = proxy(server.port()).await;
    let store = store(&proxy.before(server.url())).await;
    for round in 1..=3 {
        create(&store).await;
        // sqlx also tests a connection after its use. This takes more time than that.
        server.ask(&["SELECT 1"]).await;
        proxy.lose_next_reply(b"", LostReply::Hangs);
        in_time(DEADLINE, create(&store)).await;
        assert_eq!(proxy.lost(), round);
    }
}

/// Lets the server close each connection, as it does after its timeout, and waits for it.
async fn close_connections(server: &PrivateServer) {
    if server.url().starts_with("postgres") {
        let others = "backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let terminate = format!(
            "SELECT count(pg_terminate_backend(pid, 30000)) FROM pg_stat_activity WHERE {others}"
        );
        assert_ne!(server.ask(&[&terminate]).await.trim(), "0");
        return;
    }
    let mut administrator = MySqlConnection::connect(server.url()).await.unwrap();
    let others = "SELECT id FROM information_schema.processlist \
                  WHERE user = 'root' AND id <> CONNECTION_ID()";
    let (start, mut closed) = (Instant::now(), HashSet::new());
    loop {
        let open: Vec<i64> =
            sqlx::query_scalar(others).fetch_all(&mut administrator).await.unwrap();
        if open.is_empty() {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "connections stay open: {open:?}");
        for id in open {
            // The connection may have ended in the meantime.
            let kill = AssertSqlSafe(format!("KILL {id}"));
            let _ = sqlx::raw_sql(kill).execute(&mut administrator).await;
            closed.insert(id);
        }
    }
    assert!(!closed.is_empty());
}

/// Returns how many pings 10 calls cause on one connection. sqlx also sends one after each call.
async fn pings(server: &PrivateServer, builder: SqlStoreBuilder) -> usize {
    // Other commands of this kind do not occur.
    let status = ["SHOW GLOBAL STATUS LIKE 'Com_admin_commands'"];
    let count = async || {
        server.ask(&status).await.split_whitespace().last().unwrap().parse::<usize>().unwrap()
    };
    let store = migrated_by(builder.max_connections(1), server.url()).await;
    create(&store).await;
    let before = count().await;
    for _ in 0..10 {
        create(&store).await;
    }
    count().await - before
}

#[test]
fn connections_are_tested_after_five_seconds_by_default() {
    let shown = format!("{:?}", SqlStore::builder());
    assert!(shown.contains("test_after_idle: 5s"), "{shown}");
}

#[tokio::test]
async fn test_of_idle_connection_costs_one_ping() {
    let server = mysql_with(&[]).await;
    let without = pings(&server, SqlStore::builder().test_after_idle(Duration::MAX)).await;
    assert!((9..=11).contains(&without), "{without} pings");
    let with = pings(&server, SqlStore::builder().test_after_idle(Duration::ZERO)).await;
    assert!((19..=21).contains(&with), "{with} pings");
}

/// The tests of one database, each on its own server.
macro_rules! on {
    ($database:ident, $start:path, [$($test:ident),*]) => {
        mod $database {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(&$start(&[]).await).await;
                }
            )*
        }
    };
    ($database:ident, $start:path) => {
        on!($database, $start, [closed_connections_fail_no_call, silent_connection_fails_no_call]);
    };
}

on!(postgres, test_servers::postgres_with);
on!(mariadb, test_servers::mysql_with);
