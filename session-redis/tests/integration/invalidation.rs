//! A cache in front of a store whose server reports changed keys. The time to live is so long that
//! only a report can remove a copy.

use std::time::{Duration, Instant, SystemTime};

use session_core::ErrorKind;
use session_core::config::SecretKey;
use session_core::store::{OwnerIndex as _, Record, Replaced, SessionStore as _, StoreKey};
use session_encrypted::EncryptedStore;
use session_memory::Cached;
use session_redis::{RedisStore, RedisStoreBuilder, redis};
use test_servers::{PrivateServer, proxy};

use crate::support::log::Log;
use crate::support::{
    DEADLINE, builder, cli, name_of, new_server, new_valkey, random_key, record, replaced, store,
};

const HOUR: Duration = Duration::from_secs(3600);

async fn cached(builder: RedisStoreBuilder) -> Cached<RedisStore> {
    let store = builder.deadline(DEADLINE).connect().await.unwrap();
    Cached::builder().time_to_live(HOUR).build_with_invalidation(store).await.unwrap()
}

async fn recent(cached: &Cached<RedisStore>, key: &StoreKey) -> Option<Record> {
    cached.load_recent(key).await.unwrap()
}

async fn payload(cached: &Cached<RedisStore>, key: &StoreKey) -> Option<Vec<u8>> {
    recent(cached, key).await.map(|record| record.payload().to_vec())
}

/// Returns a key whose record has a copy in the cache.
async fn with_copy(cached: &Cached<RedisStore>) -> StoreKey {
    let key = random_key();
    cached.create(&key, &record(b"one")).await.unwrap();
    assert_eq!(payload(cached, &key).await.unwrap(), b"one");
    key
}

/// Waits until a condition holds. Returns how long that took.
async fn until(what: &str, condition: impl AsyncFn() -> bool) -> Duration {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_micros(50)).await;
    }
    start.elapsed()
}

async fn until_absent(cached: &Cached<RedisStore>, key: &StoreKey) {
    until("the copy remains", async || recent(cached, key).await.is_none()).await;
}

async fn until_payload(cached: &Cached<RedisStore>, key: &StoreKey, expected: &[u8]) -> Duration {
    let is_seen = async || payload(cached, key).await.as_deref() == Some(expected);
    until("the copy remains", is_seen).await
}

/// Writes a record through another connection.
async fn change(other: &RedisStore, key: &StoreKey, payload: &[u8]) {
    let version = other.load(key).await.unwrap().unwrap().version();
    replaced(other, key, version, &record(payload)).await;
}

#[tokio::test]
async fn change_by_another_process_removes_copy() {
    for server in [new_server().await, new_valkey().await] {
        let (cached, other) = (cached(builder(&server)).await, store(&server).await);
        let key = with_copy(&cached).await;
        change(&other, &key, b"two").await;
        until_payload(&cached, &key, b"two").await;

        let version = recent(&cached, &key).await.unwrap().version();
        let later = SystemTime::now() + 2 * HOUR;
        assert!(other.touch(&key, version.clone(), later).await.unwrap());
        let is_later =
            async || recent(&cached, &key).await.unwrap().expires_at() > SystemTime::now() + HOUR;
        until("the expiry remains", is_later).await;

        assert!(other.remove(&key, version).await.unwrap());
        until_absent(&cached, &key).await;
    }
}

#[tokio::test]
async fn change_after_own_write_removes_copy() {
    for server in [new_server().await, new_valkey().await] {
        let (cached, other) = (cached(builder(&server)).await, store(&server).await);
        let key = with_copy(&cached).await;
        for round in 0..100_u8 {
            let version = recent(&cached, &key).await.unwrap().version();
            cached.replace(&key, version, &record(&[round])).await.unwrap();
            if round % 2 == 0 {
                until_payload(&cached, &key, &[round]).await;
            }
            change(&other, &key, &[round, 1]).await;
            until_payload(&cached, &key, &[round, 1]).await;
        }
    }
}

#[tokio::test]
async fn removal_by_redis_removes_copy() {
    let server = new_server().await;
    let cached = cached(builder(&server)).await;
    let key = with_copy(&cached).await;
    cli(&server, &["PEXPIRE", &name_of(&key), "1"]).await;
    until_absent(&cached, &key).await;
    for command in ["FLUSHDB", "FLUSHALL"] {
        let keys = [with_copy(&cached).await, with_copy(&cached).await];
        cli(&server, &[command]).await;
        for key in keys {
            until_absent(&cached, &key).await;
        }
    }
}

#[tokio::test]
async fn lost_connection_clears_cache() {
    let server = new_server().await;
    let proxy = proxy(server.port()).await;
    let cached = cached(RedisStore::builder(proxy.before(server.url()))).await;
    let keys = [with_copy(&cached).await, with_copy(&cached).await];
    drop(proxy);
    for key in keys {
        let is_outage = async || match cached.load_recent(&key).await {
            Ok(_) => false,
            Err(error) => error.kind() == ErrorKind::Unavailable,
        };
        until("the copy remains", is_outage).await;
    }
}

#[tokio::test]
async fn call_without_reply_clears_cache() {
    let server = new_server().await;
    let proxy = proxy(server.port()).await;
    let cached = cached(RedisStore::builder(proxy.before(server.url()))).await;
    let (key, other) = (with_copy(&cached).await, store(&server).await);
    proxy.hang();
    change(&other, &key, b"two").await;
    assert_eq!(payload(&cached, &key).await.unwrap(), b"one");
    assert!(cached.load(&key).await.is_err());
    assert!(cached.load_recent(&key).await.is_err());
    proxy.resume();
    until("the store does not recover", async || cached.load(&key).await.is_ok()).await;
    assert_eq!(payload(&cached, &key).await.unwrap(), b"two");
}

#[tokio::test]
async fn new_connection_reports_changes() {
    let server = new_server().await;
    let (cached, other) = (cached(builder(&server)).await, store(&server).await);
    for round in 0..20_u8 {
        let key = with_copy(&cached).await;
        cli(&server, &["CLIENT", "KILL", "TYPE", "normal"]).await;
        // The connection of this store is closed too.
        until("the store does not reconnect", async || other.check().await.is_ok()).await;
        change(&other, &key, b"two").await;
        let is_seen = async || {
            let seen = cached.load_recent(&key).await;
            seen.is_ok_and(|record| record.is_some_and(|record| record.payload() == b"two"))
        };
        until("the copy remains", is_seen).await;
        change(&other, &key, &[round]).await;
        until_payload(&cached, &key, &[round]).await;
    }
}

/// Readers load the record between the writes of a round. A stale copy would stay for an hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_reads_and_writes_leave_no_stale_copy() {
    const ROUNDS: u32 = 600;
    let server = new_server().await;
    let (cached, other) = (cached(builder(&server)).await, store(&server).await);
    let key = with_copy(&cached).await;
    let mut version = other.load(&key).await.unwrap().unwrap().version();
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let cached = cached.clone();
            tokio::spawn(async move {
                loop {
                    recent(&cached, &key).await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut waits = Vec::new();
    for round in 0..ROUNDS {
        let last = round.to_be_bytes();
        for payload in [&b"first"[..], b"second", &last] {
            version = replaced(&other, &key, version, &record(payload)).await;
        }
        waits.push(until_payload(&cached, &key, &last).await);
    }
    for reader in readers {
        reader.abort();
    }
    waits.sort_unstable();
    let (median, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    println!("{ROUNDS} rounds: seen after {median:?} (median), {longest:?} (longest)");
}

#[tokio::test]
async fn change_removes_copies_of_both_caches_of_store() {
    let server = new_server().await;
    let store = builder(&server).connect().await.unwrap();
    let build = || Cached::builder().time_to_live(HOUR).build_with_invalidation(store.clone());
    let (first, second) = (build().await.unwrap(), build().await.unwrap());
    let key = with_copy(&first).await;
    payload(&second, &key).await;
    change(&store, &key, b"two").await;
    for cached in [&first, &second] {
        until_payload(cached, &key, b"two").await;
    }
}

#[tokio::test]
async fn change_removes_copy_of_encrypted_store() {
    let server = new_server().await;
    let secret = SecretKey::generate().unwrap();
    let encrypted = async || EncryptedStore::new(store(&server).await, &secret).unwrap();
    let (inner, other) = (encrypted().await, encrypted().await);
    let cached = Cached::builder().time_to_live(HOUR);
    let cached = cached.build_with_invalidation(inner).await.unwrap();
    let key = random_key();
    let version = other.create(&key, &record(b"one")).await.unwrap();
    assert_eq!(cached.load_recent(&key).await.unwrap().unwrap().payload(), b"one");
    let changed = other.replace(&key, version, &record(b"two")).await.unwrap();
    assert!(matches!(changed, Replaced::Done(_)));
    let is_seen = async || cached.load_recent(&key).await.unwrap().unwrap().payload() == b"two";
    until("the copy remains", is_seen).await;
}

#[tokio::test]
async fn store_without_reports_is_refused() {
    let server = new_server().await;
    let client = redis::Client::open(server.url()).unwrap();
    let given = RedisStore::from_connection(client.get_connection_manager().await.unwrap());
    let resp2 = RedisStore::builder(format!("{}?protocol=resp2", server.url()));
    for builder in [given, resp2] {
        let store = builder.connect().await.unwrap();
        let error = Cached::builder().build_with_invalidation(store).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    }
}

async fn allow(server: &PrivateServer, rule: &str) {
    let words = ["ACL", "SETUSER", "shop", "on", ">swordfish", "~*", "+@all", rule];
    assert_eq!(cli(server, &words).await, "OK");
}

#[tokio::test]
async fn permission_is_required_when_cache_is_built() {
    let server = new_server().await;
    allow(&server, "-client|tracking").await;
    let store = || builder(&server).username("shop").password("swordfish").connect();
    let refused = Cached::builder().build_with_invalidation(store().await.unwrap()).await;
    let error = refused.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Backend, "{error:?}");
}

#[tokio::test]
async fn permission_lost_later_is_logged_and_sessions_remain() {
    let server = new_server().await;
    allow(&server, "+client|tracking").await;
    let cached = cached(builder(&server).username("shop").password("swordfish")).await;
    let key = with_copy(&cached).await;
    let log = Log::default();
    let _guard = log.install();
    allow(&server, "-client|tracking").await;
    cli(&server, &["CLIENT", "KILL", "USER", "shop"]).await;
    let mut seen = String::new();
    let patience = Instant::now() + DEADLINE;
    while !seen.contains("redis reports no changes") {
        assert!(Instant::now() < patience, "no warning: {seen}");
        cached.load_recent(&key).await.unwrap_or_default();
        seen += &log.take();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(payload(&cached, &key).await.unwrap(), b"one");
    assert!(cached.keys_of("ada").await.unwrap().is_empty());
}
