//! A Cluster of three masters with replicas: the conformance suite, resharding, a failover.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant, SystemTime};

use session_core::{Error, ErrorKind, OwnerIndex as _, SessionStore as _, StoreKey};
use session_redis::RedisStore;
use support::{
    DEADLINE, SHORT_GRACE, calls, cli, forget_calls, in_time, name_of, outage, random_key, record, replaced,
    until_replicated,
};
use test_servers::{
    LostReply, PrivateServer, Proxy, RedisCluster, RedisOptions, proxy, redis_cluster, redis_cluster_with, redis_with,
};
use tokio::sync::OnceCell;

async fn shared() -> &'static RedisCluster {
    static SHARED: OnceCell<RedisCluster> = OnceCell::const_new();
    SHARED.get_or_init(redis_cluster).await
}

async fn store() -> RedisStore {
    RedisStore::cluster(shared().await.urls()).grace(SHORT_GRACE).connect().await.unwrap()
}

/// With a deadline of its own.
async fn impatient(cluster: &RedisCluster) -> RedisStore {
    RedisStore::cluster(cluster.urls()).deadline(DEADLINE).connect().await.unwrap()
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
        let client =
            redis::cluster::ClusterClientBuilder::new(super::shared().await.urls()).retries(0).build().unwrap();
        let connection = client.get_async_connection().await.unwrap();
        RedisStore::from_connection(connection).grace(super::SHORT_GRACE).connect().await.unwrap()
    }

    conformance_tests::store_suite!(store(), owner_index, clones);
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
    let mut masters = std::collections::BTreeSet::new();
    for key in &keys {
        masters.insert(shared().await.master_of(&name_of(key)).await.port());
    }
    assert_eq!(masters.len(), 3);
}

/// While a slot moves, its keys are asked for at the node that takes it over; afterwards they are there.
#[tokio::test]
async fn a_slot_that_moves_takes_its_records_along() {
    let cluster = redis_cluster().await;
    let store = RedisStore::cluster(cluster.urls()).connect().await.unwrap();
    let key = random_key();
    let name = name_of(&key);
    let write =
        async |version, payload: &[u8]| replaced(&store, &key, version, &record(payload).owned_by(Some("ada"))).await;
    let mut version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    let masters = &cluster.nodes()[..3];
    let slot = cli(&masters[0], &["CLUSTER", "KEYSLOT", &name]).await;
    let from = cluster.master_of(&name).await;
    let to = masters.iter().find(|master| master.port() != from.port()).unwrap();
    let (from_id, to_id) = (cli(from, &["CLUSTER", "MYID"]).await, cli(to, &["CLUSTER", "MYID"]).await);
    cli(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]).await;
    cli(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]).await;
    version = write(version, b"two").await;
    cli(from, &["MIGRATE", "127.0.0.1", &to.port().to_string(), &name, "0", "5000"]).await;
    // ASK.
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"two");
    version = write(version, b"three").await;
    for node in masters {
        cli(node, &["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]).await;
    }
    // MOVED.
    version = write(version, b"four").await;
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"four");
    assert_eq!(cluster.master_of(&name).await.port(), to.port());
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
        match in_time(DEADLINE, call()).await {
            Ok(answer) => return answer,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
        }
        assert!(Instant::now() < patience, "it does not recover");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A Cluster of one node, to which clients find their way through a proxy only.
async fn one_node_behind_a_proxy() -> (PrivateServer, Proxy, RedisStore) {
    let node = redis_with(RedisOptions::default().setting("cluster-enabled", "yes")).await;
    let proxy = proxy(node.port()).await;
    cli(&node, &["CONFIG", "SET", "cluster-announce-port", &proxy.port().to_string()]).await;
    cli(&node, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    let patience = Instant::now() + Duration::from_secs(20);
    while !cli(&node, &["CLUSTER", "INFO"]).await.contains("cluster_state:ok") {
        assert!(Instant::now() < patience, "{}", node.log());
    }
    let store = RedisStore::cluster([proxy.before(node.url())]).deadline(DEADLINE).connect().await.unwrap();
    (node, proxy, store)
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_not_sent_again_unless_it_only_reads() {
    let (node, proxy, store) = one_node_behind_a_proxy().await;
    let key = random_key();
    let mut version = store.create(&key, &record(b"kept")).await.unwrap();
    version = replaced(&store, &key, version, &record(b"kept")).await;
    for lost in [LostReply::Closes, LostReply::Hangs, LostReply::Closes, LostReply::Hangs] {
        forget_calls(&node).await;
        proxy.lose_next_reply(b"\nEVALSHA\r", lost);
        outage(store.replace(&key, version, &record(b"kept"))).await;
        until_it_works(&store, &key).await;
        let record = store.load(&key).await.unwrap().unwrap();
        assert_ne!(record.version(), version, "it was carried out");
        assert_eq!(calls(&node).await["evalsha"], 1, "and sent once");
        version = record.version();
    }
}

/// Not even the operating system notices: what is sent is acknowledged.
#[tokio::test]
async fn a_connection_that_hangs_is_replaced() {
    let (_node, proxy, store) = one_node_behind_a_proxy().await;
    let key = random_key();
    store.create(&key, &record(b"kept")).await.unwrap();
    for _ in 0..2 {
        proxy.lose_next_reply(b"\nGET\r", LostReply::Hangs);
        outage(store.load(&key)).await;
        until_it_works(&store, &key).await;
    }
    proxy.hang();
    outage(store.load(&key)).await;
    proxy.resume();
    until_it_works(&store, &key).await;
}

#[tokio::test]
async fn a_master_that_dies_is_replaced_by_its_replica() {
    let cluster = redis_cluster().await;
    let store = impatient(&cluster).await;
    let keys: Vec<_> = (0..30).map(|_| random_key()).collect();
    for key in &keys {
        let version = store.create(key, &record(b"first").owned_by(Some("ada"))).await.unwrap();
        replaced(&store, key, version, &record(b"kept").owned_by(Some("ada"))).await;
    }
    // What was acknowledged is with the replicas, too.
    for node in &cluster.nodes()[..3] {
        until_replicated(node).await;
    }
    let dead = cluster.master_of(&name_of(&keys[0])).await;
    dead.kill().await;
    for key in &keys {
        until_it_works(&store, key).await;
        let kept = record(b"kept").owned_by(Some("ada"));
        let version = again_and_again(|| store.load(key)).await.unwrap().version();
        // Stale if the answer of an attempt was lost.
        again_and_again(|| store.replace(key, version, &kept)).await;
    }
    assert_eq!(again_and_again(|| store.keys_of("ada")).await.len(), keys.len());
    dead.restart().await;
    for key in &keys {
        until_it_works(&store, key).await;
    }
}

#[tokio::test]
async fn a_whole_cluster_that_was_down_is_used_again() {
    let cluster = redis_cluster_with(RedisOptions::default().setting("appendfsync", "always")).await;
    let store = impatient(&cluster).await;
    let key = random_key();
    store.create(&key, &record(b"kept")).await.unwrap();
    for node in cluster.nodes() {
        node.kill().await;
    }
    for _ in 0..3 {
        outage(store.load(&key)).await;
    }
    for node in cluster.nodes() {
        node.restart().await;
    }
    until_it_works(&store, &key).await;
}

#[tokio::test]
async fn a_master_that_hangs_costs_its_own_records_the_deadline_and_no_others() {
    let options = RedisOptions::default().setting("cluster-replica-no-failover", "yes");
    let cluster = redis_cluster_with(options.setting("cluster-require-full-coverage", "no")).await;
    let store = impatient(&cluster).await;
    let hanging = &cluster.nodes()[0];
    let (mut slow, mut quick) = (Vec::new(), Vec::new());
    while slow.len() < 5 || quick.len() < 10 {
        let key = random_key();
        store.create(&key, &record(b"kept")).await.unwrap();
        let master = cluster.master_of(&name_of(&key)).await;
        if master.port() == hanging.port() { slow.push(key) } else { quick.push(key) }
    }
    hanging.pause().await;
    for key in slow.iter().take(2) {
        outage(store.load(key)).await;
        for key in &quick {
            assert_eq!(store.load(key).await.unwrap().unwrap().payload(), b"kept");
        }
    }
    hanging.resume().await;
    for key in &slow {
        until_it_works(&store, key).await;
    }
}

#[tokio::test]
async fn a_store_outlives_the_runtime_that_connected_it() {
    let urls = shared().await.urls();
    let connect = async { RedisStore::cluster(urls).deadline(DEADLINE).connect().await.unwrap() };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = std::thread::spawn(move || runtime().block_on(connect)).join().unwrap();
    let key = random_key();
    again_and_again(|| store.load(&key)).await;
    support::works(&store).await;
}
