//! Redis behind three Sentinels: the conformance suites and failovers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use session_core::ErrorKind;
use session_core::store::{OwnerIndex as _, Replaced, SessionStore as _, StoreKey, Version};
use session_memory::Cached;
use session_redis::{RedisStore, RedisStoreBuilder};
use support::{SHORT_GRACE, cli, in_time, random_key, record, until_replicated};
use test_servers::{RedisOptions, RedisSentinel, redis_sentinel_with};
use tokio::sync::OnceCell;

const DEADLINE: Duration = Duration::from_secs(1);

async fn start() -> RedisSentinel {
    redis_sentinel_with(RedisOptions::default().password("open-sesame")).await
}

async fn shared() -> &'static RedisSentinel {
    static SHARED: OnceCell<RedisSentinel> = OnceCell::const_new();
    SHARED.get_or_init(start).await
}

fn builder(sentinel: &RedisSentinel) -> RedisStoreBuilder {
    RedisStore::sentinel(sentinel.master_name(), sentinel.urls())
        .password("open-sesame")
        .deadline(DEADLINE)
}

async fn store(sentinel: &RedisSentinel) -> RedisStore {
    builder(sentinel).grace(SHORT_GRACE).connect().await.unwrap()
}

mod suite {
    session_conformance::store_suite!(
        async { super::store(super::shared().await).await },
        owner_index,
        clones
    );
}

mod sessions {
    use session_redis::RedisSessions;

    session_conformance::interface_suite!(
        server_side,
        |config| async move { RedisSessions::new(super::store(super::shared().await).await, config) },
        owners
    );
}

#[tokio::test]
async fn connect_error_has_kind_of_cause() {
    let sentinel = shared().await;
    for (kind, builder) in [
        (
            ErrorKind::Unavailable,
            RedisStore::sentinel("other", sentinel.urls()).password("open-sesame"),
        ),
        (ErrorKind::Backend, builder(sentinel).password("swordfish")),
    ] {
        let error = in_time(DEADLINE, builder.deadline(DEADLINE).connect()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(!format!("{error:?}").contains("swordfish"));
    }
}

/// Replaces a record until it succeeds. Each error must be `Unavailable` and come by the deadline.
async fn until_replaced(store: &RedisStore, key: &StoreKey, mut version: Version) -> Version {
    let patience = Instant::now() + Duration::from_secs(40);
    loop {
        match in_time(
            DEADLINE,
            store.replace(key, version.clone(), &record(b"kept").owned_by(Some("ada"))),
        )
        .await
        {
            Ok(Replaced::Done(version)) => return version,
            // The reply to an attempt was lost.
            Ok(Replaced::Stale) => version = store.load(key).await.unwrap().unwrap().version(),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
        }
        assert!(Instant::now() < patience, "the store does not recover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn new_master_is_used_after_old_one_died() {
    let sentinel = start().await;
    let store = store(&sentinel).await;
    let key = random_key();
    let version = store.create(&key, &record(b"kept").owned_by(Some("ada"))).await.unwrap();
    let old = sentinel.master().await;
    until_replicated(old).await;
    old.kill().await;
    until_replaced(&store, &key, version).await;
    let new = sentinel.servers().iter().find(|server| server.port() != old.port()).unwrap();
    assert_eq!(cli(new, &["EXISTS", &support::name_of(&key)]).await, "1");
    assert_eq!(store.keys_of("ada").await.unwrap(), [key]);
}

/// The old master is now a replica, and could still serve reads.
#[tokio::test]
async fn new_master_is_used_after_switchover() {
    let sentinel = start().await;
    let store = store(&sentinel).await;
    let key = random_key();
    let version = store.create(&key, &record(b"kept").owned_by(Some("ada"))).await.unwrap();
    sentinel.switch_over().await;
    let version = until_replaced(&store, &key, version).await;
    let new = sentinel.master().await;
    assert_eq!(cli(new, &["EXISTS", &support::name_of(&key)]).await, "1");
    assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
}

#[tokio::test]
async fn copies_of_old_master_are_not_used_after_switchover() {
    let sentinel = start().await;
    let (cached, other) = (store(&sentinel).await, store(&sentinel).await);
    let life = Duration::from_secs(3600);
    let cached =
        Cached::builder().time_to_live(life).build_with_invalidation(cached).await.unwrap();
    let key = random_key();
    let version = other.create(&key, &record(b"one")).await.unwrap();
    assert_eq!(cached.load_recent(&key).await.unwrap().unwrap().payload(), b"one");
    sentinel.switch_over().await;
    let version = until_replaced(&other, &key, version).await;
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let seen = cached.load_recent(&key).await;
        if seen.is_ok_and(|record| record.is_some_and(|record| record.version() == version)) {
            return;
        }
        assert!(Instant::now() < patience, "the copy remains");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
