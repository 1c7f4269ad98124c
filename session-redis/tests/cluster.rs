//! A Cluster of three masters with replicas: the conformance suite, resharding, a failover.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use session_core::{Error, ErrorKind, OwnerIndex as _, Replaced, SessionStore as _, StoreKey, Version};
use session_redis::RedisStore;
use support::cluster::Cluster;
use support::proxy::Proxy;
use support::{Redis, SHORT_GRACE, free_port, name_of, random_key, record};

static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

async fn store() -> RedisStore {
    RedisStore::cluster(CLUSTER.urls()).grace(SHORT_GRACE).connect().await.unwrap()
}

mod suite {
    conformance_tests::store_suite!(super::store(), owner_index, clones);
}

mod sessions {
    use session_redis::RedisSessions;

    conformance_tests::interface_suite!(
        server_side,
        |config| async move { RedisSessions::with_store(super::store().await, config) },
        owners
    );
}

mod suite_on_a_given_connection {
    use session_redis::{RedisStore, redis};

    async fn store() -> RedisStore {
        let client = redis::cluster::ClusterClientBuilder::new(super::CLUSTER.urls()).retries(0).build().unwrap();
        let connection = client.get_async_connection().await.unwrap();
        RedisStore::from_connection(connection).grace(super::SHORT_GRACE).connect().await.unwrap()
    }

    conformance_tests::store_suite!(store(), owner_index, clones);
}

const DEADLINE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_millis(1100);

async fn replaced(store: &RedisStore, key: &StoreKey, version: Version, payload: &[u8]) -> Version {
    match store.replace(key, version, &record(payload).owned_by(Some("ada"))).await.unwrap() {
        Replaced::Done(version) => version,
        Replaced::Stale => unreachable!("nobody else writes"),
    }
}

#[tokio::test]
async fn records_and_lists_lie_on_all_masters() {
    let store = store().await;
    let keys: Vec<_> = (0..60).map(|_| random_key()).collect();
    for key in &keys {
        let owner = format!("user-{key:?}-{}", fastrand::u32(..));
        let version = store.create(key, &record(b"").owned_by(Some(&owner))).await.unwrap();
        assert_eq!(store.keys_of(&owner).await.unwrap(), [*key]);
        assert!(store.touch(key, version, SystemTime::now() + Duration::from_hours(100)).await.unwrap());
    }
    let masters: std::collections::BTreeSet<_> = keys.iter().map(|key| CLUSTER.master_of(&name_of(key))).collect();
    assert_eq!(masters.len(), 3);
}

/// While a slot moves, its keys are asked for at the node that takes it over; afterwards they are there.
#[tokio::test]
async fn a_slot_that_moves_takes_its_records_along() {
    let cluster = Cluster::start();
    let store = RedisStore::cluster(cluster.urls()).connect().await.unwrap();
    let key = random_key();
    let name = name_of(&key);
    let mut version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    let slot = cluster.nodes[0].cli(&["CLUSTER", "KEYSLOT", &name]);
    let from = cluster.master_of(&name);
    let to = (0..3).find(|place| *place != from).unwrap();
    let id = |place: usize| cluster.nodes[place].cli(&["CLUSTER", "MYID"]);
    let to_port = cluster.nodes[to].port().to_string();
    cluster.nodes[to].cli(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
    cluster.nodes[from].cli(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
    version = replaced(&store, &key, version, b"two").await;
    cluster.nodes[from].cli(&["MIGRATE", "127.0.0.1", &to_port, &name, "0", "5000"]);
    // ASK.
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"two");
    version = replaced(&store, &key, version, b"three").await;
    for node in &cluster.nodes[..3] {
        node.cli(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
    }
    // MOVED.
    version = replaced(&store, &key, version, b"four").await;
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"four");
    assert_eq!(cluster.master_of(&name), to);
    assert_eq!(store.keys_of("ada").await.unwrap(), [key]);
    assert!(store.remove(&key, version).await.unwrap());
}

async fn until_it_works(store: &RedisStore, key: &StoreKey) {
    let record = again_and_again(|| store.load(key)).await;
    assert_eq!(record.unwrap().payload(), b"kept");
}

/// Calls until it works; each error is in time and of the right kind.
async fn again_and_again<T>(call: impl AsyncFn() -> Result<T, Error>) -> T {
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        let started = Instant::now();
        let answer = call().await;
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
        match answer {
            Ok(answer) => return answer,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
        }
        assert!(Instant::now() < patience, "it does not recover");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_not_sent_again_unless_it_only_reads() {
    let node = Redis::start_with(&["--cluster-enabled", "yes", "--cluster-port", &free_port().to_string()]);
    let proxy = Proxy::before(node.port()).await;
    node.cli(&["CONFIG", "SET", "cluster-announce-port", &proxy.port.to_string()]);
    node.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let patience = Instant::now() + Duration::from_secs(20);
    while !node.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
        assert!(Instant::now() < patience, "{}", node.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let store = RedisStore::cluster([proxy.url()]).deadline(DEADLINE).connect().await.unwrap();
    let key = random_key();
    let mut version = store.create(&key, &record(b"kept")).await.unwrap();
    version = replaced(&store, &key, version, b"kept").await;
    node.forget_calls();
    for round in 1..=3 {
        proxy.lose_an_answer();
        let started = Instant::now();
        let error = store.replace(&key, version, &record(b"kept")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
        until_it_works(&store, &key).await;
        let record = store.load(&key).await.unwrap().unwrap();
        assert_ne!(record.version(), version, "it was carried out");
        assert_eq!(node.calls()["evalsha"], round, "and sent once");
        version = record.version();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_dies_is_replaced_by_its_replica() {
    let mut cluster = Cluster::start();
    let store = RedisStore::cluster(cluster.urls()).deadline(DEADLINE).connect().await.unwrap();
    let keys: Vec<_> = (0..30).map(|_| random_key()).collect();
    for key in &keys {
        let version = store.create(key, &record(b"first").owned_by(Some("ada"))).await.unwrap();
        replaced(&store, key, version, b"kept").await;
    }
    // What was acknowledged is with the replicas, too.
    for node in &cluster.nodes[..3] {
        assert_eq!(node.cli(&["WAIT", "1", "5000"]), "1");
    }
    let dead = cluster.master_of(&name_of(&keys[0]));
    cluster.nodes[dead].kill();
    for key in &keys {
        until_it_works(&store, key).await;
        let kept = record(b"kept").owned_by(Some("ada"));
        let version = again_and_again(|| store.load(key)).await.unwrap().version();
        // Stale if the answer of an attempt was lost.
        again_and_again(|| store.replace(key, version, &kept)).await;
    }
    assert_eq!(again_and_again(|| store.keys_of("ada")).await.len(), keys.len());
    cluster.nodes[dead].restart();
    for key in &keys {
        until_it_works(&store, key).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_cluster_that_was_down_is_used_again() {
    let mut cluster = Cluster::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = RedisStore::cluster(cluster.urls()).deadline(DEADLINE).connect().await.unwrap();
    let key = random_key();
    store.create(&key, &record(b"kept")).await.unwrap();
    cluster.nodes.iter_mut().for_each(Redis::kill);
    for _ in 0..3 {
        let started = Instant::now();
        assert_eq!(store.load(&key).await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
    }
    cluster.nodes.iter_mut().for_each(Redis::restart);
    until_it_works(&store, &key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_hangs_costs_its_own_records_the_deadline_and_no_others() {
    let cluster =
        Cluster::start_with(&["--cluster-replica-no-failover", "yes", "--cluster-require-full-coverage", "no"]);
    let store = RedisStore::cluster(cluster.urls()).deadline(DEADLINE).connect().await.unwrap();
    let keys: Vec<_> = (0..30).map(|_| random_key()).collect();
    for key in &keys {
        store.create(key, &record(b"kept")).await.unwrap();
    }
    let hanging = cluster.master_of(&name_of(&keys[0]));
    let (slow, quick): (Vec<_>, Vec<_>) = keys.iter().partition(|key| cluster.master_of(&name_of(key)) == hanging);
    cluster.nodes[hanging].hang();
    for key in slow.iter().take(2) {
        let started = Instant::now();
        assert_eq!(store.load(key).await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
        for key in &quick {
            assert_eq!(store.load(key).await.unwrap().unwrap().payload(), b"kept");
        }
    }
    cluster.nodes[hanging].go_on();
    for key in &slow {
        until_it_works(&store, key).await;
    }
}
