//! Entries of an owner's list that Redis evicted or lost: each write of the session restores its
//! entry.

use std::time::{Duration, SystemTime};

use session_core::store::{OwnerIndex as _, SessionStore as _, StoreKey, Version};
use session_core::{ManualClock, OwnerSessions as _, SessionConfig};
use session_redis::{RedisSessions, RedisStore};
use test_servers::{PrivateServer, redis_cluster};

use crate::support::log::Log;
use crate::support::requests::App;
use crate::support::{
    cli, list_of, name_of, new_server, new_valkey, random_key, record, replaced, store,
};

/// The ways of writing a record of `ada` that renew it.
#[derive(Clone, Copy, Debug)]
enum Renewal {
    Touch,
    Replace,
}

const RENEWALS: [Renewal; 2] = [Renewal::Touch, Renewal::Replace];

impl Renewal {
    async fn run(self, store: &RedisStore, key: &StoreKey, version: Version) -> Version {
        match self {
            Self::Touch => {
                let later = SystemTime::now() + Duration::from_secs(61 * 60);
                assert!(store.touch(key, version.clone(), later).await.unwrap());
                version
            }
            Self::Replace => {
                replaced(store, key, version, &record(b"two").owned_by(Some("ada"))).await
            }
        }
    }
}

async fn score(server: &PrivateServer, list: &str) -> u64 {
    let listed = cli(server, &["ZRANGE", list, "0", "-1", "WITHSCORES"]).await;
    listed.lines().last().unwrap_or_default().parse().unwrap()
}

#[tokio::test]
async fn renewal_restores_evicted_list() {
    for server in [new_server().await, new_valkey().await] {
        assert_evicted_list_is_restored(&server).await;
    }
}

async fn assert_evicted_list_is_restored(server: &PrivateServer) {
    let store = store(server).await;
    let list = list_of("ada");
    for renewal in RENEWALS {
        let keys = [random_key(), random_key()];
        let mut versions = Vec::new();
        for key in &keys {
            versions.push(store.create(key, &record(b"").owned_by(Some("ada"))).await.unwrap());
        }
        cli(server, &["DEL", &list]).await;
        assert!(store.keys_of("ada").await.unwrap().is_empty());
        for (key, version) in keys.iter().zip(&mut versions) {
            *version = renewal.run(&store, key, version.clone()).await;
        }
        let mut listed = store.keys_of("ada").await.unwrap();
        listed.sort_unstable_by_key(|key| *key != keys[0]);
        assert_eq!(listed, keys, "{renewal:?}");
        let ttl: u64 = cli(server, &["PTTL", &list]).await.parse().unwrap();
        let kept: u64 = cli(server, &["PTTL", &name_of(&keys[0])]).await.parse().unwrap();
        assert!(ttl > kept + 200_000, "{renewal:?}: the list expires before the record");
        // A restored entry is removed with its record.
        for (key, version) in keys.iter().zip(versions) {
            assert!(store.remove(key, version).await.unwrap());
        }
        assert_eq!(cli(server, &["DBSIZE"]).await, "0", "{renewal:?}");
    }
}

/// As after a failover to a replica that had not received the last extension of the entry.
#[tokio::test]
async fn renewal_restores_time_of_entry() {
    for server in [new_server().await, new_valkey().await] {
        assert_time_is_restored(&server).await;
    }
}

async fn assert_time_is_restored(server: &PrivateServer) {
    let store = store(server).await;
    let list = list_of("ada");
    for renewal in RENEWALS {
        let key = random_key();
        let mut version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
        let before = score(server, &list).await;
        cli(
            server,
            &[
                "EVAL",
                "redis.call('ZINCRBY', KEYS[1], -9000000, redis.call('ZRANGE', KEYS[1], 0, 0)[1])",
                "1",
                &list,
            ],
        )
        .await;
        assert_eq!(score(server, &list).await, before - 9_000_000);
        version = renewal.run(&store, &key, version).await;
        assert_eq!(score(server, &list).await, before, "{renewal:?}");
        // An entry with a later time stays.
        cli(
            server,
            &[
                "EVAL",
                "redis.call('ZINCRBY', KEYS[1], 9000000, redis.call('ZRANGE', KEYS[1], 0, 0)[1])",
                "1",
                &list,
            ],
        )
        .await;
        version = renewal.run(&store, &key, version).await;
        assert_eq!(score(server, &list).await, before + 9_000_000, "{renewal:?}");
        cli(server, &["DEL", &list]).await;
        assert!(store.remove(&key, version).await.unwrap());
    }
}

#[tokio::test]
async fn renewal_restores_list_lost_by_cluster_node() {
    let cluster = redis_cluster().await;
    let store = RedisStore::cluster(cluster.urls()).connect().await.unwrap();
    let list = list_of("ada");
    let node = cluster.master_of(&list).await;
    for renewal in RENEWALS {
        for _ in 0..6 {
            let key = random_key();
            let version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
            assert_eq!(cli(node, &["DEL", &list]).await, "1");
            let version = renewal.run(&store, &key, version).await;
            assert_eq!(store.keys_of("ada").await.unwrap(), [key], "{renewal:?}");
            assert!(store.remove(&key, version).await.unwrap());
            assert!(store.keys_of("ada").await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn record_is_renewed_if_entry_cannot_be_restored() {
    let server = new_server().await;
    let store = store(&server).await;
    for renewal in RENEWALS {
        let key = random_key();
        let version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
        cli(&server, &["SET", &list_of("ada"), "not a list"]).await;
        let version = renewal.run(&store, &key, version).await;
        cli(&server, &["DEL", &list_of("ada")]).await;
        renewal.run(&store, &key, version).await;
        assert_eq!(store.keys_of("ada").await.unwrap(), [key], "{renewal:?}");
        cli(&server, &["DEL", &list_of("ada")]).await;
    }
}

#[tokio::test]
async fn only_restored_entry_is_logged() {
    let server = new_server().await;
    let store = store(&server).await;
    let log = Log::default();
    let _guard = log.install();
    for renewal in RENEWALS {
        let key = random_key();
        let version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
        let version = renewal.run(&store, &key, version).await;
        assert_eq!(log.take(), "", "{renewal:?}");
        cli(&server, &["DEL", &list_of("ada")]).await;
        renewal.run(&store, &key, version).await;
        let line = log.take();
        let name = format!("session={}", key.log_name());
        assert!(line.contains("WARN") && line.contains(&name), "{renewal:?}: {line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}

/// A request that only reads renews the session when a renewal is due.
#[tokio::test]
async fn session_in_use_is_listed_again_after_eviction() {
    let server = new_server().await;
    let clock = ManualClock::at(SystemTime::now());
    let config = || SessionConfig::builder().clock(clock.clone()).build().unwrap();
    let store = store(&server).await;
    let app = App::with_config(store.clone(), config());
    let sessions = RedisSessions::new(store, config());
    let cookie = app.get("/login/ada", "").await.cookie.unwrap();
    cli(&server, &["DEL", &list_of("ada")]).await;
    assert_eq!(sessions.end_all("ada").await.unwrap(), 0);
    clock.advance(Duration::from_secs(2 * 60));
    app.get("/read", &cookie).await;
    assert_eq!(sessions.page("ada", None, 100).await.unwrap().sessions.len(), 1);
    assert_eq!(sessions.end_all("ada").await.unwrap(), 1);
    assert_eq!(app.get("/read", &cookie).await.body, "");
}
