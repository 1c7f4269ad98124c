//! Warnings about settings of Redis, when a store connects.

use session_redis::{RedisStore, RedisStoreBuilder, redis};
use test_servers::{RedisOptions, RedisSentinel, redis_cluster, redis_sentinel_with, redis_with};

use crate::support::log::Log;
use crate::support::{assert_works, builder, cli, new_server};

const EVICTION: &str = "redis may evict sessions";
const FAILOVER: &str = "a failover may lose acknowledged writes";

/// Returns the warnings of a store that connects and then works.
async fn warnings_of(builder: RedisStoreBuilder) -> String {
    let log = Log::default();
    let guard = log.install();
    let store = builder.connect().await.unwrap();
    drop(guard);
    assert_works(&store).await;
    log.take()
}

#[tokio::test]
async fn evicting_policy_is_logged() {
    let server = new_server().await;
    assert_eq!(warnings_of(builder(&server)).await, "");
    for policy in ["allkeys-lru", "volatile-ttl"] {
        cli(&server, &["CONFIG", "SET", "maxmemory-policy", policy]).await;
        let client = redis::Client::open(server.url()).unwrap();
        let connection = client.get_multiplexed_async_connection().await.unwrap();
        for builder in [
            builder(&server),
            RedisStore::builder(format!("{}?protocol=resp2", server.url())),
            RedisStore::from_connection(connection),
        ] {
            let log = warnings_of(builder).await;
            assert!(log.contains("WARN") && log.contains(EVICTION), "{log}");
            assert!(log.contains(&format!("policy=\"{policy}\"")), "{log}");
            assert_eq!(log.lines().count(), 1, "{log}");
        }
    }
}

#[tokio::test]
async fn evicting_policy_is_logged_if_one_command_is_allowed() {
    let server =
        redis_with(RedisOptions::default().setting("maxmemory-policy", "allkeys-lfu")).await;
    for (refused, warns) in
        [(&["-config"][..], true), (&["-info"], true), (&["-config", "-info"], false)]
    {
        let user = ["ACL", "SETUSER", "shop", "reset", "on", ">swordfish", "~*", "+@all"];
        cli(&server, &[&user[..], refused].concat()).await;
        let log = warnings_of(builder(&server).username("shop").password("swordfish")).await;
        assert_eq!(log.contains(EVICTION), warns, "{refused:?}: {log}");
        assert_eq!(log.lines().count(), usize::from(warns), "{refused:?}: {log}");
    }
}

#[tokio::test]
async fn evicting_policy_of_one_cluster_node_is_logged() {
    let cluster = redis_cluster().await;
    let connect = || RedisStore::cluster(cluster.urls());
    assert!(!warnings_of(connect()).await.contains(EVICTION));
    cli(&cluster.nodes()[1], &["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]).await;
    let log = warnings_of(connect()).await;
    assert!(log.contains(EVICTION) && log.contains("allkeys-random"), "{log}");
}

#[tokio::test]
async fn minimum_below_number_of_replicas_is_logged() {
    let cluster = redis_cluster().await;
    let connect = || RedisStore::cluster(cluster.urls());
    let log = warnings_of(connect()).await;
    assert!(log.contains("WARN") && log.contains(FAILOVER), "{log}");
    assert!(log.contains("replicas=1 minimum=0"), "{log}");
    for node in cluster.nodes() {
        cli(node, &["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    }
    assert_eq!(warnings_of(connect()).await, "");
}

/// Returns the warnings of a store that connects as a user with these permissions.
async fn warnings_of_user(sentinel: &RedisSentinel, permissions: &[&str]) -> String {
    for server in sentinel.servers() {
        let user = ["ACL", "SETUSER", "shop", "reset", "on", ">swordfish", "~*"];
        cli(server, &[&user[..], permissions].concat()).await;
    }
    let builder = RedisStore::sentinel(sentinel.master_name(), sentinel.urls());
    warnings_of(builder.username("shop").password("swordfish")).await
}

#[tokio::test]
async fn minimum_behind_sentinel_is_logged_if_it_is_known() {
    let sentinel = redis_sentinel_with(RedisOptions::default()).await;
    for permissions in [&["+@all"][..], &["+@all", "-config"]] {
        let log = warnings_of_user(&sentinel, permissions).await;
        assert!(log.contains(FAILOVER), "{log}");
        assert!(log.contains("replicas=1 minimum=0"), "{log}");
    }
    for server in sentinel.servers() {
        cli(server, &["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    }
    for permissions in [&["+@all"][..], &["+@all", "-config"], &["+@all", "-info"]] {
        assert_eq!(warnings_of_user(&sentinel, permissions).await, "", "{permissions:?}");
    }
}

/// A server whose replicas do not take over has no loss to warn of.
#[tokio::test]
async fn minimum_of_single_server_is_not_checked() {
    let server = new_server().await;
    let following = format!("127.0.0.1 {}", server.port());
    let replica = redis_with(RedisOptions::default().setting("replicaof", &following)).await;
    crate::support::until_replicated(&server).await;
    assert_eq!(warnings_of(builder(&server)).await, "");
    drop(replica);
}
