//! What goes wrong, on each backend: the kind of the error, whom it names, that it comes in time and gives nothing away.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod redis;
mod sql;

use std::error::Error as _;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use session_core::ErrorKind::{self, Backend as Refused, Configuration, TooLarge, Unavailable};
use session_core::{Error, NewRecord, SessionStore, StoreKey};
use tokio::time::timeout;

/// The deadline of every store.
const DEADLINE: Duration = Duration::from_secs(1);

/// How much later than the deadline and ten percent an error may come on a machine that is busy with other tests.
const SLACK: Duration = Duration::from_millis(500);

/// Part of every password, of every payload, and of the key, in the forms in which a driver would quote them.
const SECRETS: [&str; 7] =
    ["-test-password", "wrong-word", "payload-of-a-session", "abababab", "171, 171", "\\xab\\xab", "\u{fffd}\u{fffd}"];

const KEY: StoreKey = StoreKey::from_bytes([0xab; 32]);

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// An address that makes no sense.
    Address,
    WrongPassword,
    /// Nobody listens.
    Unreachable,
    /// Somebody listens, and says nothing.
    Silent,
    /// What is there is something else than this backend's.
    SomethingElse,
    NoTable,
    /// Something else has written under the key.
    ForeignRecord,
    /// The owner's list is none.
    ForeignList,
    /// The payload is longer than the store takes.
    LongPayload,
    /// The payload is longer than the server takes.
    LongPacket,
    NoRights,
    ReadOnly,
    FullMemory,
    FullDisk,
    /// It hangs, once the store is connected.
    Hangs,
}

/// The kind of each fault's error on SQLite, PostgreSQL, PostgreSQL behind PgBouncer, MariaDB, Redis and a Cluster; `None`
/// where there is no such fault, or none that the backend would not meet in the same way as its neighbour.
#[rustfmt::skip]
const TABLE: [(Fault, [Option<ErrorKind>; 6]); 15] = [
    (Fault::Address,       [Some(Configuration), Some(Configuration), None,              Some(Configuration), Some(Configuration), Some(Configuration)]),
    (Fault::WrongPassword, [None,                Some(Refused),       Some(Refused),     Some(Refused),       Some(Refused),       Some(Refused)]),
    (Fault::Unreachable,   [Some(Unavailable),   Some(Unavailable),   None,              Some(Unavailable),   Some(Unavailable),   Some(Unavailable)]),
    (Fault::Silent,        [None,                Some(Unavailable),   None,              Some(Unavailable),   Some(Unavailable),   Some(Unavailable)]),
    (Fault::SomethingElse, [Some(Refused),       None,                None,              None,                None,                Some(Refused)]),
    (Fault::NoTable,       [Some(Refused),       Some(Refused),       Some(Refused),     Some(Refused),       None,                None]),
    (Fault::ForeignRecord, [Some(Refused),       Some(Refused),       Some(Refused),     Some(Refused),       Some(Refused),       Some(Refused)]),
    (Fault::ForeignList,   [None,                None,                None,              None,                Some(Refused),       Some(Refused)]),
    (Fault::LongPayload,   [Some(TooLarge),      Some(TooLarge),      Some(TooLarge),    Some(TooLarge),      Some(TooLarge),      Some(TooLarge)]),
    (Fault::LongPacket,    [None,                None,                None,              Some(TooLarge),      None,                None]),
    (Fault::NoRights,      [None,                Some(Refused),       None,              Some(Refused),       Some(Refused),       Some(Refused)]),
    (Fault::ReadOnly,      [Some(Refused),       Some(Refused),       None,              Some(Refused),       Some(Unavailable),   None]),
    (Fault::FullMemory,    [None,                None,                None,              None,                Some(Refused),       Some(Refused)]),
    (Fault::FullDisk,      [Some(Unavailable),   Some(Unavailable),   Some(Unavailable), Some(Unavailable),   Some(Refused),       None]),
    (Fault::Hangs,         [Some(Unavailable),   Some(Unavailable),   Some(Unavailable), Some(Unavailable),   Some(Unavailable),   Some(Unavailable)]),
];

/// A call that must fail.
type Call<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

trait Backend {
    /// What its errors call it.
    const NAME: &str;

    /// Brings a fault about, and gives the call that meets it. The faults come in the order of the table, each once.
    async fn call(&self, fault: Fault) -> Call<'_>;
}

#[tokio::test]
async fn sqlite() {
    meet_all(0, &sql::Sqlite::new()).await;
}

#[tokio::test]
async fn postgres() {
    meet_all(1, &sql::Postgres::start().await).await;
}

#[tokio::test]
async fn postgres_behind_pgbouncer() {
    meet_all(2, &sql::Postgres::start_behind_pgbouncer().await).await;
}

#[tokio::test]
async fn mariadb() {
    meet_all(3, &sql::MariaDb::start().await).await;
}

#[tokio::test]
async fn one_redis() {
    meet_all(4, &redis::OneServer::start().await).await;
}

#[tokio::test]
async fn a_redis_cluster() {
    meet_all(5, &redis::OneNode::start().await).await;
}

async fn meet_all<B: Backend>(column: usize, backend: &B) {
    for (fault, kinds) in TABLE {
        let Some(kind) = kinds[column] else { continue };
        let call = backend.call(fault).await;
        let Ok(result) = timeout(DEADLINE * 11 / 10 + SLACK, call).await else {
            panic!("{fault:?} on {}: no error at the deadline", B::NAME)
        };
        let Err(error) = result else { panic!("{fault:?} on {}: no error", B::NAME) };
        judge(&error, kind, &format!("{fault:?}"), B::NAME);
    }
}

fn judge(error: &Error, kind: ErrorKind, fault: &str, backend: &str) {
    let mut shown = format!("{error} {error:?}");
    let mut source = error.source();
    assert!(source.is_some(), "{fault}: {error} has no source");
    while let Some(cause) = source {
        assert!(!cause.to_string().is_empty(), "{fault}: {error} has an empty source");
        shown = format!("{shown} {cause} {cause:?}");
        source = cause.source();
    }
    assert_eq!(error.kind(), kind, "{fault} on {backend}: {shown}");
    assert!(error.to_string().contains(backend), "{fault}: {error} does not name {backend}");
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{fault} on {backend} shows {secret:?}: {shown}");
    }
}

/// The call is that which connects.
fn connecting<'a, S>(connect: impl Future<Output = Result<S, Error>> + 'a) -> Call<'a> {
    Box::pin(async { connect.await.map(drop) })
}

/// The call is that which connects to a port where somebody listens and says nothing. `connect` is told the port.
fn connecting_to_silence<'a, S, F: Future<Output = Result<S, Error>> + 'a>(
    connect: impl FnOnce(u16) -> F + 'a,
) -> Call<'a> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    Box::pin(async move {
        let port = listener.local_addr().unwrap().port();
        connect(port).await.map(drop)
    })
}

/// The call is that which creates a record.
fn creating<'a>(store: impl SessionStore + 'a) -> Call<'a> {
    creating_with(store, "payload-of-a-session".repeat(6).into_bytes())
}

fn creating_with<'a>(store: impl SessionStore + 'a, payload: Vec<u8>) -> Call<'a> {
    Box::pin(async move {
        let now = SystemTime::now();
        let record = NewRecord::new(&payload, now, now + Duration::from_hours(1)).owned_by(Some("ada"));
        store.create(&KEY, &record).await.map(drop)
    })
}
