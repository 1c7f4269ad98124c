//! What the server runs for each call and for each request: single statements, no transaction around them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use session_core::{ManualClock, OwnerIndex as _, Replaced, Session, SessionConfig, SessionStore as _, Sweep as _};
use session_sql::{SqlSessions, SqlStore};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use support::requests::Client;
use support::{migrated, new_key, record, through_pooler};
use test_servers::{PrivateServer, TemporaryFolder, mysql_with, pgbouncer, postgres_with};

/// One connection, so that none is made in between.
async fn store(url: &str) -> SqlStore {
    migrated(url).await;
    SqlStore::builder().max_connections(1).connect(url).await.unwrap()
}

/// Makes each call and each request twice: the first time, a statement may have to be prepared.
async fn all_is_counted(store: SqlStore, sweep: &str, statements: impl Fn() -> Vec<String>) {
    calls(&store, |_| ()).await;
    let expected = ["INSERT", "SELECT", "UPDATE", "UPDATE", "UPDATE", "SELECT", "DELETE", sweep];
    let mut seen = Counter::new(&statements);
    calls(&store, |call| seen.note(call)).await;
    assert_eq!(seen.steps.len(), expected.len());
    for ((call, statements), verb) in seen.steps.into_iter().zip(expected) {
        assert_eq!(statements.len(), 1, "{call}: {statements:#?}");
        assert!(statements[0].contains(verb), "{call}: {statements:?}");
    }

    let mut seen = Counter::new(&statements);
    requests(store, |request| seen.note(request)).await;
    let counted: Vec<_> = seen.steps.iter().map(|(request, statements)| (*request, statements.len())).collect();
    assert_eq!(counted, REQUESTS, "{:#?}", seen.steps);
}

/// The statements of one step after another.
struct Counter<F> {
    statements: F,
    before: usize,
    steps: Vec<(&'static str, Vec<String>)>,
}

impl<F: Fn() -> Vec<String>> Counter<F> {
    fn new(statements: F) -> Self {
        Self { before: statements().len(), statements, steps: Vec::new() }
    }

    fn note(&mut self, step: &'static str) {
        let all = (self.statements)();
        self.steps.push((step, all[self.before..].to_vec()));
        self.before = all.len();
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

/// What each request costs on every database.
const REQUESTS: [(&str, usize); 12] = [
    ("makes a session", 1),
    ("leaves its session alone", 0),
    ("reads", 1),
    ("writes", 2),
    ("reads, and a renewal is not due", 1),
    ("reads, and a renewal is due", 2),
    ("reads, and a renewal was made", 1),
    ("takes a new id", 3),
    ("logs in", 3),
    ("reads under its new id", 1),
    ("logs out", 2),
    ("reads what has ended", 1),
];

async fn requests(store: SqlStore, mut after: impl FnMut(&'static str)) {
    let clock = ManualClock::at(SystemTime::now());
    let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
    let mut client = Client::new(Arc::new(SqlSessions::with_store(store, config)));
    client.request(|session| session.insert("cart", 1)).await.unwrap();
    after("makes a session");
    client.untouched().await.unwrap();
    after("leaves its session alone");
    assert_eq!(client.request(|session| session.get("cart")).await.unwrap(), Some(1));
    after("reads");
    client.request(|session| session.insert("cart", 2)).await.unwrap();
    after("writes");
    clock.advance(Duration::from_secs(50));
    client.request(|session| session.get::<u32>("cart")).await.unwrap();
    after("reads, and a renewal is not due");
    clock.advance(Duration::from_secs(20));
    client.request(|session| session.get::<u32>("cart")).await.unwrap();
    after("reads, and a renewal is due");
    client.request(|session| session.get::<u32>("cart")).await.unwrap();
    after("reads, and a renewal was made");
    client.request(Session::rotate_id).await.unwrap();
    after("takes a new id");
    client.request(|session| session.set_owner("ada")).await.unwrap();
    after("logs in");
    assert_eq!(client.request(|session| session.get("cart")).await.unwrap(), Some(2));
    after("reads under its new id");
    client.request(Session::destroy).await.unwrap();
    after("logs out");
    assert_eq!(client.request(|session| session.get::<u32>("cart")).await.unwrap(), None);
    after("reads what has ended");
}

/// What PostgreSQL logs with `log_statement=all`.
fn logged(server: &PrivateServer) -> Vec<String> {
    let ran = |line: &&str| line.contains("LOG:  execute ") || line.contains("LOG:  statement: ");
    server.log().lines().filter(ran).map(str::to_owned).collect()
}

#[tokio::test]
async fn on_postgres_each_is_what_it_must_be() {
    let server = postgres_with(&[("log_statement", "all")]).await;
    all_is_counted(store(server.url()).await, "WITH expired", || logged(&server)).await;
}

#[tokio::test]
async fn behind_pgbouncer_each_is_what_it_must_be() {
    let server = postgres_with(&[("log_statement", "all")]).await;
    let pooler = pgbouncer(server.url()).await;
    all_is_counted(store(&through_pooler(pooler.url())).await, "WITH expired", || logged(&server)).await;
}

#[tokio::test]
async fn on_mariadb_each_is_what_it_must_be() {
    let server = mysql_with(&[("general_log", "1"), ("general_log_file", "statements")]).await;
    let statements = || {
        let log = std::fs::read(server.folder().join("data/statements")).unwrap();
        let ran = |line: &&str| line.contains(" Execute\t") || line.contains(" Query\t");
        String::from_utf8_lossy(&log).lines().filter(ran).map(str::to_owned).collect()
    };
    all_is_counted(store(server.url()).await, "DELETE", statements).await;
}

/// sqlx tells of each statement that it runs.
#[tokio::test]
async fn on_sqlite_each_is_what_it_must_be() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .init();
    let folder = TemporaryFolder::new();
    let options = support::sqlite(&folder).parse::<SqliteConnectOptions>().unwrap().create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let store = SqlStore::builder().sqlite_pool(pool).unwrap();
    store.migrate().await.unwrap();
    let statements = || {
        let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        told.lines().filter(|line| line.contains("sqlx::query")).map(str::to_owned).collect()
    };
    all_is_counted(store, "DELETE", statements).await;
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
