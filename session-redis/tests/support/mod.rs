//! Helpers of the tests: keys, records, queries to a server, and checks of deadlines.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod log;
pub(crate) mod requests;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime};

use session_core::store::{
    NewRecord, OwnerIndex as _, Replaced, SessionStore as _, StoreKey, Version,
};
use session_core::{Error, ErrorKind};
use session_redis::{RedisStore, RedisStoreBuilder};
use sha2::{Digest as _, Sha256};
use test_servers::{PrivateServer, RedisOptions, redis_with};

/// A grace for tests that wait until Redis removes records.
pub(crate) const SHORT_GRACE: Duration = Duration::from_millis(100);

/// The deadline of stores in tests of faults.
pub(crate) const DEADLINE: Duration = Duration::from_millis(500);

pub(crate) async fn new_server() -> PrivateServer {
    redis_with(RedisOptions::default()).await
}

/// Returns a server whose `SET` compares the stored value.
pub(crate) async fn new_valkey() -> PrivateServer {
    redis_with(RedisOptions::default().valkey()).await
}

pub(crate) fn builder(server: &PrivateServer) -> RedisStoreBuilder {
    RedisStore::builder(server.url())
}

pub(crate) async fn store(server: &PrivateServer) -> RedisStore {
    builder(server).connect().await.unwrap()
}

/// Returns the output of redis-cli. A word may have bytes as `\xHH`.
pub(crate) async fn cli(server: &PrivateServer, command: &[&str]) -> String {
    server.ask(command).await.trim_end().to_owned()
}

/// Waits until the only replica of a master has all its data. (`WAIT` waits only for the writes of
/// its own connection.)
pub(crate) async fn until_replicated(master: &PrivateServer) {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let info = cli(master, &["INFO", "replication"]).await;
        let number = |name: &str| {
            info.split([',', '\n', '\r'])
                .find_map(|field| field.strip_prefix(name)?.parse::<u64>().ok())
        };
        // Before the first transfer, both offsets are 0.
        if let (Some(master), Some(replica)) = (number("master_repl_offset:"), number("offset="))
            && info.contains("state=online")
            && replica >= master
        {
            return;
        }
        assert!(Instant::now() < patience, "the replica does not catch up: {info}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns how often each command was called since the last reset, including calls of scripts.
pub(crate) async fn calls(server: &PrivateServer) -> BTreeMap<String, u64> {
    let info = cli(server, &["INFO", "commandstats"]).await;
    let calls = info.lines().filter_map(|line| {
        let (command, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((command.to_owned(), rest.split_once(',')?.0.parse().unwrap()))
    });
    calls.filter(|(command, _)| !command.starts_with("config") && command != "info").collect()
}

pub(crate) async fn reset_calls(server: &PrivateServer) {
    cli(server, &["CONFIG", "RESETSTAT"]).await;
}

/// Returns the result of a call that must end within its deadline plus ten percent. On a busy
/// machine, the timer of the call and this one are late together.
pub(crate) async fn in_time<T>(deadline: Duration, call: impl Future<Output = T>) -> T {
    let Ok(result) = tokio::time::timeout(deadline * 11 / 10, call).await else {
        unreachable!("the call exceeds its deadline of {deadline:?}")
    };
    result
}

/// Asserts that a call fails with `Unavailable` by its deadline.
pub(crate) async fn assert_outage<T: std::fmt::Debug>(
    call: impl Future<Output = Result<T, Error>>,
) {
    let error = in_time(DEADLINE, call).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
}

/// Asserts that every method of a store works.
pub(crate) async fn assert_works(store: &RedisStore) {
    let key = random_key();
    let version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    let version = replaced(store, &key, version, &record(b"two")).await;
    assert!(store.touch(&key, version.clone(), SystemTime::now()).await.unwrap());
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"two");
    assert!(store.remove(&key, version).await.unwrap());
    let version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    assert!(
        store
            .touch(&key, version.clone(), SystemTime::now() + Duration::from_secs(100 * 3600))
            .await
            .unwrap()
    );
    assert!(store.touch(&key, version.clone(), SystemTime::now()).await.unwrap());
    assert_eq!(
        store.keys_of("ada").await.unwrap().iter().filter(|listed| **listed == key).count(),
        1
    );
    assert!(store.remove(&key, version).await.unwrap());
}

/// Replaces a record that no other task writes.
pub(crate) async fn replaced(
    store: &RedisStore,
    key: &StoreKey,
    version: Version,
    record: &NewRecord<'_>,
) -> Version {
    match store.replace(key, version, record).await.unwrap() {
        Replaced::Done(version) => version,
        Replaced::Stale => unreachable!("no other task writes"),
    }
}

pub(crate) fn random_key() -> StoreKey {
    let mut bytes = [0; 32];
    fastrand::fill(&mut bytes);
    StoreKey::from_bytes(bytes)
}

/// Returns a record that expires in an hour.
pub(crate) fn record(payload: &[u8]) -> NewRecord<'_> {
    let now = SystemTime::now();
    NewRecord::new(payload, now, now + Duration::from_secs(3600))
}

/// Returns the name of a record with the default prefix, for [`cli`].
pub(crate) fn name_of(key: &StoreKey) -> String {
    escaped(&raw_name_of(key))
}

/// Returns the name of an owner's list with the default prefix, for [`cli`].
pub(crate) fn list_of(owner: &str) -> String {
    escaped(&raw_list_of(owner))
}

pub(crate) fn raw_name_of(key: &StoreKey) -> Vec<u8> {
    [b"session:", &key.as_bytes()[..]].concat()
}

pub(crate) fn raw_list_of(owner: &str) -> Vec<u8> {
    [b"session:owner:", &Sha256::digest(owner)[..]].concat()
}

/// Writes bytes as redis-cli reads them.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "\\x{byte:02x}").unwrap();
    }
    text
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::new();
    for byte in bytes {
        write!(digits, "{byte:02x}").unwrap();
    }
    digits
}

/// Asserts that `load_many` returns a record or `None` for each key, in the order of the keys.
pub(crate) async fn assert_load_many_keeps_order(store: &RedisStore) {
    let missing = random_key();
    let mut keys = Vec::new();
    for number in 0..300_u16 {
        let key = random_key();
        store.create(&key, &record(&number.to_be_bytes())).await.unwrap();
        keys.extend([key, missing, key]);
    }
    let records = store.load_many(&keys).await.unwrap();
    assert_eq!(records.len(), keys.len());
    for (number, records) in (0..300_u16).zip(records.chunks(3)) {
        let payloads = records.iter().map(|record| Some(record.as_ref()?.payload()));
        let own = number.to_be_bytes();
        assert!(payloads.eq([Some(&own[..]), None, Some(&own)]), "{number}");
    }
    assert!(store.load_many(&[]).await.unwrap().is_empty());
}
