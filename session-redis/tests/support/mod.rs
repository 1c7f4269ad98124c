//! What the tests share: keys and records, questions to a server, and the time that a call may take.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod requests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime};

use session_core::{Error, ErrorKind, NewRecord, OwnerIndex as _, Replaced, SessionStore as _, StoreKey, Version};
use session_redis::{RedisStore, RedisStoreBuilder};
use sha2::{Digest as _, Sha256};
use test_servers::{PrivateServer, RedisOptions, redis_with};

/// A grace for suites that wait to see records go.
pub(crate) const SHORT_GRACE: Duration = Duration::from_millis(100);

/// The deadline of stores that meet a fault.
pub(crate) const DEADLINE: Duration = Duration::from_millis(500);

pub(crate) async fn new_server() -> PrivateServer {
    redis_with(RedisOptions::default()).await
}

pub(crate) fn builder(server: &PrivateServer) -> RedisStoreBuilder {
    RedisStore::builder(server.url())
}

pub(crate) async fn store(server: &PrivateServer) -> RedisStore {
    builder(server).connect().await.unwrap()
}

/// What redis-cli prints.
pub(crate) async fn cli(server: &PrivateServer, question: &[&str]) -> String {
    server.ask(question).await.trim_end().to_owned()
}

/// Waits until a master's one replica has everything that the master has. (`WAIT` would wait for its own connection's writes only.)
pub(crate) async fn until_replicated(master: &PrivateServer) {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let info = cli(master, &["INFO", "replication"]).await;
        let number =
            |name: &str| info.split([',', '\n', '\r']).find_map(|field| field.strip_prefix(name)?.parse::<u64>().ok());
        if let (Some(master), Some(replica)) = (number("master_repl_offset:"), number("offset="))
            && replica >= master
        {
            return;
        }
        assert!(Instant::now() < patience, "the replica stays behind: {info}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How often each command was called since the last reset, those in scripts too.
pub(crate) async fn calls(server: &PrivateServer) -> BTreeMap<String, u64> {
    let info = cli(server, &["INFO", "commandstats"]).await;
    let calls = info.lines().filter_map(|line| {
        let (command, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((command.to_owned(), rest.split_once(',')?.0.parse().unwrap()))
    });
    calls.filter(|(command, _)| !command.starts_with("config") && command != "info").collect()
}

pub(crate) async fn forget_calls(server: &PrivateServer) {
    cli(server, &["CONFIG", "RESETSTAT"]).await;
}

/// The outcome of a call that must be over at its deadline and ten percent. On a machine that is busy, the call's own timer
/// and this one are late together.
pub(crate) async fn in_time<T>(deadline: Duration, call: impl Future<Output = T>) -> T {
    let Ok(answer) = tokio::time::timeout(deadline * 11 / 10, call).await else {
        unreachable!("the call goes on beyond its deadline of {deadline:?}")
    };
    answer
}

/// Asserts that a call is an outage, in time.
pub(crate) async fn outage<T: std::fmt::Debug>(call: impl Future<Output = Result<T, Error>>) {
    let error = in_time(DEADLINE, call).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

/// Asserts that a store does all that it should.
pub(crate) async fn works(store: &RedisStore) {
    let key = random_key();
    let version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    let version = replaced(store, &key, version, &record(b"two")).await;
    assert!(store.touch(&key, version, SystemTime::now()).await.unwrap());
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"two");
    assert!(store.remove(&key, version).await.unwrap());
    let version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    assert!(store.touch(&key, version, SystemTime::now() + Duration::from_hours(100)).await.unwrap());
    assert_eq!(store.keys_of("ada").await.unwrap().iter().filter(|listed| **listed == key).count(), 1);
    assert!(store.remove(&key, version).await.unwrap());
}

/// Replaces a record that nobody else writes.
pub(crate) async fn replaced(store: &RedisStore, key: &StoreKey, version: Version, record: &NewRecord<'_>) -> Version {
    match store.replace(key, version, record).await.unwrap() {
        Replaced::Done(version) => version,
        Replaced::Stale => unreachable!("nobody else writes"),
    }
}

pub(crate) fn random_key() -> StoreKey {
    let mut bytes = [0; 32];
    fastrand::fill(&mut bytes);
    StoreKey::from_bytes(bytes)
}

/// A record that lives for an hour.
pub(crate) fn record(payload: &[u8]) -> NewRecord<'_> {
    let now = SystemTime::now();
    NewRecord::new(payload, now, now + Duration::from_hours(1))
}

/// The name of a record under the default prefix.
pub(crate) fn name_of(key: &StoreKey) -> String {
    format!("session:{}", hexadecimal(key.as_bytes()))
}

/// The name of an owner's list under the default prefix.
pub(crate) fn list_of(owner: &str) -> String {
    format!("session:owner:{}", hexadecimal(&Sha256::digest(owner)))
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in bytes {
        write!(digits, "{byte:02x}").unwrap();
    }
    digits
}
