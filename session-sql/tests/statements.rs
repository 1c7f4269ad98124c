//! The statements of each call and each request: single statements without a transaction.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use session_core::store::{OwnerIndex as _, Replaced, SessionStore as _, Sweep as _};
use session_core::{ManualClock, Session, SessionConfig};
use session_sql::{SqlSessions, SqlStore};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use support::requests::Client;
use support::{migrated, new_key, record, through_pooler};
use test_servers::{PrivateServer, TemporaryFolder, mysql_with, pgbouncer, postgres_with};

/// Returns a store with one connection, so that the test opens no other.
async fn store(url: &str) -> SqlStore {
    migrated(url).await;
    SqlStore::builder().max_connections(1).connect(url).await.unwrap()
}

/// Counts the statements of each call and each request. Each call runs once before, because its
/// statement may have to be prepared.
async fn assert_statements(store: SqlStore, sweep: &str, statements: impl Fn() -> Vec<String>) {
    calls(&store, |_| ()).await;
    let expected =
        ["INSERT", "SELECT", "SELECT", "UPDATE", "UPDATE", "UPDATE", "SELECT", "DELETE", sweep];
    let mut seen = Counter::new(&statements);
    calls(&store, |call| seen.record(call)).await;
    assert_eq!(seen.steps.len(), expected.len());
    for ((call, statements), verb) in seen.steps.into_iter().zip(expected) {
        assert_eq!(statements.len(), 1, "{call}: {statements:#?}");
        assert!(statements[0].contains(verb), "{call}: {statements:?}");
    }

    let mut seen = Counter::new(&statements);
    requests(store, |request| seen.record(request)).await;
    let counted: Vec<_> =
        seen.steps.iter().map(|(request, statements)| (*request, statements.len())).collect();
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

    fn record(&mut self, step: &'static str) {
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
    assert_eq!(store.load_many(&[key, new_key(), key]).await.unwrap().len(), 3);
    after("load_many");
    let Replaced::Done(second) = store.replace(&key, first.clone(), &record).await.unwrap() else {
        panic!("stale")
    };
    after("replace");
    assert_eq!(store.replace(&key, first, &record).await.unwrap(), Replaced::Stale);
    after("replace, stale");
    assert!(store.touch(&key, second.clone(), SystemTime::now()).await.unwrap());
    after("touch");
    assert_eq!(store.keys_of("ada").await.unwrap(), [key]);
    after("keys_of");
    assert!(store.remove(&key, second).await.unwrap());
    after("remove");
    store.sweep(SystemTime::now(), 10).await.unwrap();
    after("sweep");
}

/// The number of statements of each request, on every database.
const REQUESTS: [(&str, usize); 12] = [
    ("creates a session", 1),
    ("does not use its session", 0),
    ("reads the session", 1),
    ("changes the session", 2),
    ("reads when a renewal is not due", 1),
    ("reads when a renewal is due", 2),
    ("reads after a renewal", 1),
    ("rotates the id", 3),
    ("logs in", 3),
    ("reads with the new id", 1),
    ("logs out", 2),
    ("reads the ended session", 1),
];

async fn requests(store: SqlStore, mut after: impl FnMut(&'static str)) {
    let clock = ManualClock::at(SystemTime::now());
    let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
    let mut client = Client::new(Arc::new(SqlSessions::new(store, config)));
    client.request(|session| session.insert("cart", 1)).await.unwrap();
    after("creates a session");
    client.untouched().await.unwrap();
    after("does not use its session");
    assert_eq!(client.request(|session| session.get("cart")).await.unwrap(), Some(1));
    after("reads the session");
    client.request(|session| session.insert("cart", 2)).await.unwrap();
    after("changes the session");
    clock.advance(Duration::from_secs(50));
    client.request(|session| session.get::<u32>("cart")).await.unwrap();
    after("reads when a renewal is not due");
    clock.advance(Duration::from_secs(20));
    client.request(|session| session.get::<u32>("cart")).await.unwrap();
    after("reads when a renewal is due");
    client.request(|session| session.get::<u32>("cart")).await.unwrap();
    after("reads after a renewal");
    client.request(Session::rotate_id).await.unwrap();
    after("rotates the id");
    client.log_in("ada").await.unwrap();
    after("logs in");
    assert_eq!(client.request(|session| session.get("cart")).await.unwrap(), Some(2));
    after("reads with the new id");
    client.log_out().await.unwrap();
    after("logs out");
    assert_eq!(client.request(|session| session.get::<u32>("cart")).await.unwrap(), None);
    after("reads the ended session");
}

/// Returns the statements that PostgreSQL logs with `log_statement=all`.
fn logged(server: &PrivateServer) -> Vec<String> {
    let ran = |line: &&str| line.contains("LOG:  execute ") || line.contains("LOG:  statement: ");
    server.log().lines().filter(ran).map(str::to_owned).collect()
}

#[tokio::test]
async fn postgres_runs_expected_statements() {
    let server = postgres_with(&[("log_statement", "all")]).await;
    assert_statements(store(server.url()).await, "WITH expired", || logged(&server)).await;
}

#[tokio::test]
async fn postgres_behind_pgbouncer_runs_expected_statements() {
    let server = postgres_with(&[("log_statement", "all")]).await;
    let pooler = pgbouncer(server.url()).await;
    assert_statements(store(&through_pooler(pooler.url())).await, "WITH expired", || {
        logged(&server)
    })
    .await;
}

#[tokio::test]
async fn mariadb_runs_expected_statements() {
    let server = mysql_with(&[("general_log", "1"), ("general_log_file", "statements")]).await;
    let statements = || {
        let log = std::fs::read(server.folder().join("data/statements")).unwrap();
        let ran = |line: &&str| line.contains(" Execute\t") || line.contains(" Query\t");
        String::from_utf8_lossy(&log).lines().filter(ran).map(str::to_owned).collect()
    };
    assert_statements(store(server.url()).await, "DELETE", statements).await;
}

/// sqlx logs each statement.
#[tokio::test]
async fn sqlite_runs_expected_statements() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .init();
    let folder = TemporaryFolder::new();
    let options =
        support::sqlite(&folder).parse::<SqliteConnectOptions>().unwrap().create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let store = SqlStore::builder().sqlite_pool(pool).unwrap();
    store.migrate().await.unwrap();
    let statements = || {
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains("sqlx::query")).map(str::to_owned).collect()
    };
    assert_statements(store, "DELETE", statements).await;
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
