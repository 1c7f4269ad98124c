//! Redis as several servers: a Cluster, and a master behind Sentinel. Each survives the loss of a
//! master.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod helpers;

use helpers::{ask, listens, try_ask};
use test_servers::{
    RedisOptions, redis_cluster, redis_cluster_with, redis_sentinel, redis_sentinel_behind_proxies,
    redis_sentinel_with,
};

#[tokio::test]
async fn cluster_without_master_serves_its_keys() {
    let cluster = redis_cluster().await;
    assert_eq!(cluster.urls().len(), 6);
    let master = cluster.master_of("note").await;
    assert_eq!(ask(master.url(), "SET note kept"), "OK");
    assert_eq!(ask(master.url(), "WAIT 1 5000"), "1");

    let old = cluster.fail_over("note").await;
    assert!(!listens(old.port()));
    let new = cluster.master_of("note").await;
    assert_ne!(new.port(), old.port());
    assert_eq!(ask(new.url(), "GET note"), "kept");

    old.restart().await;
    helpers::wait_until("the old master is a replica", || {
        // A server that becomes a replica closes the connections of its clients.
        try_ask(old.url(), "ROLE").is_ok_and(|role| role.starts_with("slave"))
    });
    let ports: Vec<u16> = cluster.nodes().iter().map(test_servers::PrivateServer::port).collect();
    drop(cluster);
    assert!(!ports.into_iter().any(listens));
}

#[tokio::test]
async fn sentinels_without_master_name_replica() {
    let sentinel = redis_sentinel().await;
    assert_eq!((sentinel.urls().len(), sentinel.servers().len()), (3, 2));
    let master = sentinel.master().await;
    assert_eq!(master.port(), sentinel.servers()[0].port());
    ask(master.url(), "SET note kept");
    assert_eq!(ask(master.url(), "WAIT 1 5000"), "1");

    let old = sentinel.fail_over().await;
    assert_eq!(old.port(), master.port());
    let new = sentinel.master().await;
    assert_eq!(new.port(), sentinel.servers()[1].port());
    assert_eq!(ask(new.url(), "GET note"), "kept");

    old.restart().await;
    helpers::wait_until("the old master is a replica", || {
        // A server that becomes a replica closes the connections of its clients.
        try_ask(old.url(), "ROLE").is_ok_and(|role| role.starts_with("slave"))
    });
}

#[tokio::test]
async fn master_after_switch_over_is_replica() {
    let sentinel = redis_sentinel().await;
    let old = sentinel.switch_over().await;
    assert_eq!(old.port(), sentinel.servers()[0].port());
    assert_eq!(sentinel.master().await.port(), sentinel.servers()[1].port());
    assert!(ask(old.url(), "ROLE").starts_with("slave"));
    assert!(ask(sentinel.servers()[1].url(), "ROLE").starts_with("master"));
}

#[tokio::test]
async fn sentinels_name_proxies_of_servers() {
    let redis = redis_sentinel_behind_proxies(RedisOptions::default()).await;
    let old = redis.fail_over().await.port();
    let new = redis.master().await;
    assert_ne!(new.port(), old);
    let question = ["sentinel", "get-master-addr-by-name", redis.master_name()];
    let named = redis.sentinels()[0].ask(&question).await;
    assert_eq!(named.lines().nth(1), Some(&*redis.proxies()[1].port().to_string()));
}

#[tokio::test]
async fn password_and_tls_apply_to_all_servers() {
    let options =
        RedisOptions::default().password("open-sesame").tls().setting("tls-auth-clients", "yes");
    let cluster = redis_cluster_with(options.clone()).await;
    for node in cluster.nodes() {
        assert_eq!(node.url(), format!("rediss://:open-sesame@127.0.0.1:{}/", node.port()));
        assert!(node.ask(&["CLUSTER", "INFO"]).await.contains("cluster_state:ok"));
    }
    let master = cluster.master_of("note").await;
    assert_eq!(master.ask(&["SET", "note", "kept"]).await.trim(), "OK");
    assert_eq!(master.ask(&["WAIT", "1", "5000"]).await.trim(), "1");

    let sentinel = redis_sentinel_with(options).await;
    assert!(sentinel.urls().iter().all(|url| url.starts_with("rediss://127.0.0.1:")));
    let old = sentinel.fail_over().await;
    assert!(!listens(old.port()));
    assert!(sentinel.master().await.ask(&["ROLE"]).await.starts_with("master"));
}
