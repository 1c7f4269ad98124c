//! Faults of each backend. The error has the right kind, names the backend, is returned by the
//! deadline and contains no secret.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod redis;
mod sql;

use std::error::Error as _;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use session_core::Error;
use session_core::ErrorKind::{self, Backend as Refused, Configuration, TooLarge, Unavailable};
use session_core::store::{NewRecord, SessionStore, StoreKey};
use tokio::time::timeout;

/// The deadline of every store.
const DEADLINE: Duration = Duration::from_secs(1);

/// The time after the deadline plus ten percent that an error may take on a busy machine.
const SLACK: Duration = Duration::from_millis(500);

/// Parts of every password, every payload and the key, in the forms in which a driver quotes them.
const SECRETS: [&str; 7] = [
    "-test-password",
    "wrong-word",
    "payload-of-a-session",
    "abababab",
    "171, 171",
    "\\xab\\xab",
    "\u{fffd}\u{fffd}",
];

const KEY: StoreKey = StoreKey::from_bytes([0xab; 32]);

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The address is invalid.
    Address,
    WrongPassword,
    /// Nothing listens at the address.
    Unreachable,
    /// The server at the address does not reply.
    Silent,
    /// The file or the server is of another kind.
    SomethingElse,
    NoTable,
    /// Another program has written under the key.
    ForeignRecord,
    /// The key of the owner's list has a value of another type.
    ForeignList,
    /// The payload exceeds the limit of the store.
    LongPayload,
    /// The payload exceeds the limit of the server.
    LongPacket,
    NoRights,
    /// The file is opened for reading, or the server becomes read-only after the store connected.
    ReadOnly,
    FullMemory,
    FullDisk,
    /// The server hangs after the store connected.
    Hangs,
}

/// The kind of the error of each fault, on SQLite, PostgreSQL, PostgreSQL behind PgBouncer,
/// MariaDB, Redis and a Cluster. `None` if the fault does not exist, or does not differ from that
/// of a similar backend.
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
    (Fault::ReadOnly,      [Some(Unavailable),   Some(Unavailable),   Some(Unavailable), Some(Unavailable),   Some(Unavailable),   None]),
    (Fault::FullMemory,    [None,                None,                None,              None,                Some(Unavailable),   Some(Unavailable)]),
    (Fault::FullDisk,      [Some(Unavailable),   Some(Unavailable),   Some(Unavailable), Some(Unavailable),   Some(Unavailable),   None]),
    (Fault::Hangs,         [Some(Unavailable),   Some(Unavailable),   Some(Unavailable), Some(Unavailable),   Some(Unavailable),   Some(Unavailable)]),
];

/// A call that must fail.
type Call<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

trait Backend {
    /// The name of the backend in its errors.
    const NAME: &str;

    /// Causes a fault and returns the call that fails because of it. The faults are caused in the
    /// order of the table, each once.
    async fn call(&self, fault: Fault) -> Call<'_>;
}

#[tokio::test]
async fn sqlite() {
    check_all(0, &sql::Sqlite::new()).await;
}

#[tokio::test]
async fn postgres() {
    check_all(1, &sql::Postgres::start().await).await;
}

#[tokio::test]
async fn postgres_behind_pgbouncer() {
    check_all(2, &sql::Postgres::start_behind_pgbouncer().await).await;
}

#[tokio::test]
async fn mariadb() {
    check_all(3, &sql::MariaDb::start().await).await;
}

#[tokio::test]
async fn one_redis() {
    check_all(4, &redis::OneServer::start().await).await;
}

#[tokio::test]
async fn a_redis_cluster() {
    check_all(5, &redis::OneNode::start().await).await;
}

async fn check_all<B: Backend>(column: usize, backend: &B) {
    for (fault, kinds) in TABLE {
        let Some(kind) = kinds[column] else { continue };
        let call = backend.call(fault).await;
        let Ok(result) = timeout(DEADLINE * 11 / 10 + SLACK, call).await else {
            panic!("{fault:?} on {}: no error at the deadline", B::NAME)
        };
        let Err(error) = result else { panic!("{fault:?} on {}: no error", B::NAME) };
        check(&error, kind, &format!("{fault:?}"), B::NAME);
    }
}

fn check(error: &Error, kind: ErrorKind, fault: &str, backend: &str) {
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

/// Returns a call that connects.
fn connecting<'a, S>(connect: impl Future<Output = Result<S, Error>> + 'a) -> Call<'a> {
    Box::pin(async { connect.await.map(drop) })
}

/// Returns a call that connects to a server that does not reply. `connect` gets its port.
fn connecting_to_silence<'a, S, F: Future<Output = Result<S, Error>> + 'a>(
    connect: impl FnOnce(u16) -> F + 'a,
) -> Call<'a> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    Box::pin(async move {
        let port = listener.local_addr().unwrap().port();
        connect(port).await.map(drop)
    })
}

/// Returns a call that creates a record.
fn creating<'a>(store: impl SessionStore + 'a) -> Call<'a> {
    creating_with(store, "payload-of-a-session".repeat(6).into_bytes())
}

fn creating_with<'a>(store: impl SessionStore + 'a, payload: Vec<u8>) -> Call<'a> {
    Box::pin(async move {
        let now = SystemTime::now();
        let record =
            NewRecord::new(&payload, now, now + Duration::from_hours(1)).owned_by(Some("ada"));
        store.create(&KEY, &record).await.map(drop)
    })
}
