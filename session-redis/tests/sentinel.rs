//! Redis behind three Sentinels: the conformance suite, and failovers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use session_core::{ErrorKind, OwnerIndex as _, Replaced, SessionStore as _, StoreKey, Version};
use session_redis::RedisStore;
use support::sentinel::Watched;
use support::{SHORT_GRACE, random_key, record};

static WATCHED: LazyLock<Watched> = LazyLock::new(Watched::start);

const DEADLINE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_millis(1100);

async fn store(watched: &Watched) -> RedisStore {
    let builder = RedisStore::sentinel(Watched::MASTER, watched.urls()).password("secret").deadline(DEADLINE);
    builder.grace(SHORT_GRACE).connect().await.unwrap()
}

mod suite {
    conformance_tests::store_suite!(super::store(&super::WATCHED), owner_index, clones);
}

mod sessions {
    use session_redis::RedisSessions;

    conformance_tests::interface_suite!(
        server_side,
        |config| async move { RedisSessions::with_store(super::store(&super::WATCHED).await, config) },
        owners
    );
}

#[tokio::test]
async fn connecting_says_what_is_wrong() {
    for (kind, builder) in [
        (ErrorKind::Unavailable, RedisStore::sentinel("other", WATCHED.urls()).password("secret")),
        (ErrorKind::Backend, RedisStore::sentinel(Watched::MASTER, WATCHED.urls()).password("swordfish")),
    ] {
        let started = Instant::now();
        let error = builder.deadline(DEADLINE).connect().await.unwrap_err();
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(!format!("{error:?}").contains("swordfish"));
    }
}

/// Writes until it works again; each error is in time and of the right kind.
async fn until_it_is_written(store: &RedisStore, key: &StoreKey, mut version: Version) -> Version {
    let patience = Instant::now() + Duration::from_secs(40);
    loop {
        let started = Instant::now();
        let replaced = store.replace(key, version, &record(b"kept").owned_by(Some("ada"))).await;
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
        match replaced {
            Ok(Replaced::Done(version)) => return version,
            // The answer of an attempt was lost.
            Ok(Replaced::Stale) => version = store.load(key).await.unwrap().unwrap().version(),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
        }
        assert!(Instant::now() < patience, "it does not recover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_master_is_found_when_the_old_one_dies() {
    let mut watched = Watched::start();
    let store = store(&watched).await;
    let key = random_key();
    let version = store.create(&key, &record(b"kept").owned_by(Some("ada"))).await.unwrap();
    assert_eq!(watched.master.cli(&["-a", "secret", "--no-auth-warning", "WAIT", "1", "5000"]), "1");
    watched.master.kill();
    until_it_is_written(&store, &key, version).await;
    assert_eq!(watched.master_port(), watched.replica.port());
    assert_eq!(store.keys_of("ada").await.unwrap(), [key]);
}

/// The old one lives on, as a replica, and would still answer reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_master_is_found_when_the_old_one_steps_back() {
    let watched = Watched::start();
    let store = store(&watched).await;
    let key = random_key();
    let mut version = store.create(&key, &record(b"kept").owned_by(Some("ada"))).await.unwrap();
    let patience = Instant::now() + Duration::from_secs(30);
    while watched.sentinels[0].cli(&["SENTINEL", "FAILOVER", Watched::MASTER]) != "OK" {
        assert!(Instant::now() < patience, "no failover");
        std::thread::sleep(Duration::from_millis(100));
    }
    while watched.master_port() == watched.master.port() {
        assert!(Instant::now() < patience, "no failover");
        std::thread::sleep(Duration::from_millis(20));
    }
    let stepped_back = || {
        // A server that becomes a replica closes its connections.
        let role = watched.master.ask(&["-a", "secret", "--no-auth-warning", "ROLE"]);
        role.is_ok_and(|role| role.starts_with("slave"))
    };
    while !stepped_back() {
        assert!(Instant::now() < patience, "the old master does not step back");
        std::thread::sleep(Duration::from_millis(20));
    }
    version = until_it_is_written(&store, &key, version).await;
    let there = watched.replica.cli(&["-a", "secret", "--no-auth-warning", "EXISTS", &support::name_of(&key)]);
    assert_eq!(there, "1");
    assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
}
