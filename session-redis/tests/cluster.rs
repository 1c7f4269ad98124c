//! A Cluster of three masters with replicas: the conformance suites, resharding and failovers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use session_core::store::{OwnerIndex as _, Replaced, Scan as _, SessionStore as _, StoreKey};
use session_core::{Error, ErrorKind};
use session_memory::Cached;
use session_redis::RedisStore;
use support::{
    DEADLINE, SHORT_GRACE, assert_outage, calls, cli, in_time, list_of, name_of, random_key,
    record, replaced, reset_calls, until_replicated,
};
use test_servers::{
    LostReply, PrivateServer, Proxy, RedisCluster, RedisOptions, proxy, redis_cluster,
    redis_cluster_with, redis_with,
};
use tokio::sync::OnceCell;

async fn shared() -> &'static RedisCluster {
    static SHARED: OnceCell<RedisCluster> = OnceCell::const_new();
    SHARED.get_or_init(redis_cluster).await
}

async fn store() -> RedisStore {
    RedisStore::cluster(shared().await.urls()).grace(SHORT_GRACE).connect().await.unwrap()
}

/// Returns a store with a short deadline.
async fn impatient(cluster: &RedisCluster) -> RedisStore {
    RedisStore::cluster(cluster.urls()).deadline(DEADLINE).connect().await.unwrap()
}

mod suite {
    session_conformance::store_suite!(super::store(), owner_index, clones);
}

mod sessions {
    use session_redis::RedisSessions;

    session_conformance::interface_suite!(
        server_side,
        |config| async move { RedisSessions::new(super::store().await, config) },
        owners
    );
}

mod suite_on_existing_connection {
    use session_redis::{RedisStore, redis};

    async fn store() -> RedisStore {
        let client = redis::cluster::ClusterClientBuilder::new(super::shared().await.urls())
            .retries(0)
            .build()
            .unwrap();
        let connection = client.get_async_connection().await.unwrap();
        RedisStore::from_connection(connection).grace(super::SHORT_GRACE).connect().await.unwrap()
    }

    session_conformance::store_suite!(store(), owner_index, clones);
}

#[tokio::test]
async fn cache_in_front_of_cluster_has_only_time_to_live() {
    let refused = Cached::builder().build_with_invalidation(store().await).await;
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::Configuration);
    let life = Duration::from_secs(3600);
    let (cached, other) =
        (Cached::builder().time_to_live(life).build(store().await), store().await);
    let key = random_key();
    let version = other.create(&key, &record(b"one")).await.unwrap();
    cached.load_recent(&key).await.unwrap();
    replaced(&other, &key, version, &record(b"two")).await;
    assert_eq!(cached.load_recent(&key).await.unwrap().unwrap().payload(), b"one");
}

#[tokio::test]
async fn records_and_lists_are_on_all_masters() {
    let store = store().await;
    let keys: Vec<_> = (0..60).map(|_| random_key()).collect();
    for key in &keys {
        let owner = format!("user-{key:?}-{}", fastrand::u32(..));
        let version = store.create(key, &record(b"").owned_by(Some(&owner))).await.unwrap();
        assert_eq!(store.keys_of(&owner).await.unwrap(), [*key]);
        assert!(
            store
                .touch(key, version, SystemTime::now() + Duration::from_secs(100 * 3600))
                .await
                .unwrap()
        );
    }
    let mut masters = std::collections::BTreeSet::new();
    for key in &keys {
        masters.insert(shared().await.master_of(&name_of(key)).await.port());
    }
    assert_eq!(masters.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_on_all_masters_are_found_and_ended() {
    let cluster = redis_cluster().await;
    let store = RedisStore::cluster(cluster.urls()).connect().await.unwrap();
    session_conformance::scan::check_scan(store.clone()).await;
    session_conformance::scan::check_administration(store).await;
}

#[tokio::test]
async fn scan_over_existing_cluster_connection_is_refused() {
    let client = session_redis::redis::cluster::ClusterClient::new(shared().await.urls()).unwrap();
    let connection = client.get_async_connection().await.unwrap();
    let store = RedisStore::from_connection(connection).connect().await.unwrap();
    let error = store.scan(None, 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("RedisStore::cluster"), "{error}");
}

/// A replica that takes over has records that the scan of the other masters did not find.
#[tokio::test]
async fn scan_starts_again_after_failover() {
    let cluster = redis_cluster().await;
    let store = impatient(&cluster).await;
    let keys: HashSet<_> = (0..600).map(|_| random_key()).collect();
    for key in &keys {
        store.create(key, &record(b"")).await.unwrap();
    }
    // The master with the last address is scanned last.
    let dead = cluster.nodes()[..3].iter().max_by_key(|node| node.port()).unwrap();
    for node in &cluster.nodes()[..3] {
        until_replicated(node).await;
    }
    let mut after = store.scan(None, 100).await.unwrap().next;
    dead.kill().await;
    let mut found = HashSet::new();
    while let Some(position) = after {
        let page = until_ok(|| store.scan(Some(&position), 100)).await;
        found.extend(page.keys);
        after = page.next;
    }
    assert_eq!(keys.difference(&found).count(), 0, "of {} keys", keys.len());
}

#[tokio::test]
async fn load_many_over_all_masters_keeps_order() {
    support::assert_load_many_keeps_order(&store().await).await;
}

/// While a slot moves, redirected commands are sent to the node that imports it.
#[tokio::test]
async fn records_are_accessible_while_slot_moves() {
    let cluster = redis_cluster().await;
    let store = RedisStore::cluster(cluster.urls()).connect().await.unwrap();
    let key = random_key();
    let name = name_of(&key);
    let write = async |version, payload: &[u8]| {
        replaced(&store, &key, version, &record(payload).owned_by(Some("ada"))).await
    };
    let mut version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    let masters = &cluster.nodes()[..3];
    let slot = cli(&masters[0], &["CLUSTER", "KEYSLOT", &name]).await;
    let from = cluster.master_of(&name).await;
    let to = masters.iter().find(|master| master.port() != from.port()).unwrap();
    let (from_id, to_id) =
        (cli(from, &["CLUSTER", "MYID"]).await, cli(to, &["CLUSTER", "MYID"]).await);
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

async fn until_loaded(store: &RedisStore, key: &StoreKey) {
    let record = until_ok(|| store.load(key)).await;
    assert_eq!(record.unwrap().payload(), b"kept");
}

/// Calls until it succeeds. Each error must be `Unavailable` and come by the deadline.
async fn until_ok<T>(call: impl AsyncFn() -> Result<T, Error>) -> T {
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        match in_time(DEADLINE, call()).await {
            Ok(value) => return value,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
        }
        assert!(Instant::now() < patience, "the store does not recover");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns a Cluster of one node that clients reach only through a proxy.
async fn one_node_behind_proxy() -> (PrivateServer, Proxy, RedisStore) {
    let node = redis_with(RedisOptions::default().setting("cluster-enabled", "yes")).await;
    let proxy = proxy(node.port()).await;
    cli(&node, &["CONFIG", "SET", "cluster-announce-port", &proxy.port().to_string()]).await;
    cli(&node, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    let patience = Instant::now() + Duration::from_secs(20);
    while !cli(&node, &["CLUSTER", "INFO"]).await.contains("cluster_state:ok") {
        assert!(Instant::now() < patience, "{}", node.log());
    }
    let store =
        RedisStore::cluster([proxy.before(node.url())]).deadline(DEADLINE).connect().await.unwrap();
    (node, proxy, store)
}

#[tokio::test]
async fn only_reads_are_sent_again_after_lost_reply() {
    let (node, proxy, store) = one_node_behind_proxy().await;
    let key = random_key();
    let mut version = store.create(&key, &record(b"kept")).await.unwrap();
    version = replaced(&store, &key, version, &record(b"kept")).await;
    for lost in [LostReply::Closes, LostReply::Hangs, LostReply::Closes, LostReply::Hangs] {
        reset_calls(&node).await;
        proxy.lose_next_reply(b"\nEVALSHA\r", lost);
        assert_outage(store.replace(&key, version.clone(), &record(b"kept"))).await;
        until_loaded(&store, &key).await;
        let record = store.load(&key).await.unwrap().unwrap();
        assert_ne!(record.version(), version, "it was not applied");
        assert_eq!(calls(&node).await["evalsha"], 1, "it was sent more than once");
        version = record.version();
    }
}

/// The operating system does not notice it, because the proxy acknowledges the packets.
#[tokio::test]
async fn hanging_connection_is_replaced() {
    let (_node, proxy, store) = one_node_behind_proxy().await;
    let key = random_key();
    store.create(&key, &record(b"kept")).await.unwrap();
    for _ in 0..2 {
        proxy.lose_next_reply(b"\nGET\r", LostReply::Hangs);
        assert_outage(store.load(&key)).await;
        until_loaded(&store, &key).await;
    }
    proxy.hang();
    assert_outage(store.load(&key)).await;
    proxy.resume();
    until_loaded(&store, &key).await;
}

#[tokio::test]
async fn replica_is_used_after_master_died() {
    let cluster = redis_cluster().await;
    let store = impatient(&cluster).await;
    let keys: Vec<_> = (0..30).map(|_| random_key()).collect();
    for key in &keys {
        let version = store.create(key, &record(b"first").owned_by(Some("ada"))).await.unwrap();
        replaced(&store, key, version, &record(b"kept").owned_by(Some("ada"))).await;
    }
    // The replicas have everything that was acknowledged.
    for node in &cluster.nodes()[..3] {
        until_replicated(node).await;
    }
    let dead = cluster.master_of(&name_of(&keys[0])).await;
    dead.kill().await;
    for key in &keys {
        until_loaded(&store, key).await;
        let kept = record(b"kept").owned_by(Some("ada"));
        let version = until_ok(|| store.load(key)).await.unwrap().version();
        // It is stale if the reply to an attempt was lost.
        until_ok(|| store.replace(key, version.clone(), &kept)).await;
    }
    assert_eq!(until_ok(|| store.keys_of("ada")).await.len(), keys.len());
    dead.restart().await;
    for key in &keys {
        until_loaded(&store, key).await;
    }
}

#[tokio::test]
async fn cluster_is_used_again_after_restart_of_all_nodes() {
    let cluster =
        redis_cluster_with(RedisOptions::default().setting("appendfsync", "always")).await;
    let store = impatient(&cluster).await;
    let key = random_key();
    store.create(&key, &record(b"kept")).await.unwrap();
    for node in cluster.nodes() {
        node.kill().await;
    }
    for _ in 0..3 {
        assert_outage(store.load(&key)).await;
    }
    for node in cluster.nodes() {
        node.restart().await;
    }
    until_loaded(&store, &key).await;
}

#[tokio::test]
async fn hanging_master_delays_only_its_own_records() {
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
        assert_outage(store.load(key)).await;
        for key in &quick {
            assert_eq!(store.load(key).await.unwrap().unwrap().payload(), b"kept");
        }
    }
    hanging.resume().await;
    for key in &slow {
        until_loaded(&store, key).await;
    }
}

/// The record is on another node than the lists.
#[tokio::test]
async fn record_is_written_while_node_of_lists_hangs() {
    let options = RedisOptions::default().setting("cluster-replica-no-failover", "yes");
    let cluster = redis_cluster_with(options.setting("cluster-require-full-coverage", "no")).await;
    let store = impatient(&cluster).await;
    let hanging = cluster.master_of(&list_of("ada")).await;
    let mut records = Vec::new();
    while records.len() < 3 {
        let key = random_key();
        if cluster.master_of(&name_of(&key)).await.port() != hanging.port() {
            let version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
            records.push((key, version));
        }
    }
    hanging.pause().await;
    let [(replaced_key, first), (kept_key, second), (removed_key, third)] = &records[..] else {
        unreachable!("there are three records")
    };
    let tombstone = record(b"tombstone");
    let done =
        in_time(DEADLINE, store.replace(replaced_key, first.clone(), &tombstone)).await.unwrap();
    assert!(matches!(done, Replaced::Done(_)), "{done:?}");
    let kept = record(b"kept").owned_by(Some("ada"));
    let done = in_time(DEADLINE, store.replace(kept_key, second.clone(), &kept)).await.unwrap();
    let Replaced::Done(version) = done else { unreachable!("no other task writes") };
    assert!(in_time(DEADLINE, store.touch(kept_key, version, SystemTime::now())).await.unwrap());
    assert!(in_time(DEADLINE, store.remove(removed_key, third.clone())).await.unwrap());
    assert_eq!(store.load(replaced_key).await.unwrap().unwrap().payload(), b"tombstone");
    hanging.resume().await;
}

#[tokio::test]
async fn store_outlives_runtime_that_connected_it() {
    let urls = shared().await.urls();
    let connect = async { RedisStore::cluster(urls).deadline(DEADLINE).connect().await.unwrap() };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = std::thread::spawn(move || runtime().block_on(connect)).join().unwrap();
    let key = random_key();
    until_ok(|| store.load(&key)).await;
    support::assert_works(&store).await;
}
