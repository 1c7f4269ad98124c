//! The data in Redis, and values that another program wrote there.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::ErrorKind;
use session_core::store::{NewRecord, Replaced, SessionStore as _, StoreKey, Version};
use session_redis::{RedisStore, redis};
use sha2::{Digest as _, Sha256};
use test_servers::{PrivateServer, RedisOptions, redis_cluster, redis_with};

use crate::support::log::Log;
use crate::support::requests::App;
use crate::support::{
    builder, cli, hexadecimal, name_of, new_server, random_key, raw_name_of, record, replaced,
    store,
};

/// Returns every key and every value.
async fn dump(server: &PrivateServer) -> Vec<Vec<u8>> {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<Vec<u8>> =
        redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    let mut all = Vec::new();
    for key in keys {
        let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.unwrap();
        match &*kind {
            "string" => {
                all.push(redis::cmd("GET").arg(&key).query_async(&mut connection).await.unwrap());
            }
            "zset" => {
                let members: Vec<Vec<u8>> = redis::cmd("ZRANGE")
                    .arg(&key)
                    .arg(0)
                    .arg(-1)
                    .query_async(&mut connection)
                    .await
                    .unwrap();
                all.extend(members);
            }
            other => unreachable!("this store writes no {other}"),
        }
        all.push(key);
    }
    all
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Asserts that Redis has the hash of each id after four requests of two users. Redis must have no
/// id, neither raw nor in base64 or hexadecimal.
async fn assert_only_hashes_of_ids(store: RedisStore, servers: &[PrivateServer]) {
    let app = App::new(store);
    let mut cookies = Vec::new();
    for user in ["zoe", "lilly"] {
        let anonymous = app.get("/write/cart", "").await.cookie.unwrap();
        let session = app.get(&format!("/login/{user}"), &anonymous).await.cookie.unwrap();
        cookies.extend([anonymous, session]);
    }
    let mut all = Vec::new();
    for server in servers {
        all.extend(dump(server).await);
    }
    // Four records and two lists with a key each.
    assert_eq!(all.len(), 4 * 2 + 2 * 2);
    for cookie in cookies {
        let id = cookie.strip_prefix("session=").unwrap();
        let raw = URL_SAFE_NO_PAD.decode(id).unwrap();
        let digits = hexadecimal(&raw);
        let hash = Sha256::new().chain_update(&raw).chain_update("session").finalize();
        let hash = raw_name_of(&StoreKey::from_bytes(hash.into()));
        assert!(all.contains(&hash), "the hash of an id is not in Redis");
        for text in &all {
            for form in [id.as_bytes(), &raw, digits.as_bytes()] {
                assert!(!contains(text, form), "an id is in Redis");
            }
        }
    }
    assert!(
        !all.iter().any(|text| text.starts_with(b"session:") && contains(text, b"zoe")),
        "a key contains an owner"
    );
}

#[tokio::test]
async fn redis_has_only_hashes_of_ids() {
    let server = new_server().await;
    assert_only_hashes_of_ids(store(&server).await, &[server]).await;
}

#[tokio::test]
async fn cluster_has_only_hashes_of_ids() {
    let cluster = redis_cluster().await;
    let store = RedisStore::cluster(cluster.urls()).connect().await.unwrap();
    assert_only_hashes_of_ids(store, &cluster.nodes()[..3]).await;
}

#[tokio::test]
async fn record_is_kept_for_grace_after_expiry() {
    let server = new_server().await;
    let store = store(&server).await;
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    let hundred_years = hour * 24 * 36_525;
    for (expires_at, left) in [
        (now + hour, hour),
        (now + hundred_years, hundred_years),
        (now - hour, Duration::ZERO),
        (SystemTime::UNIX_EPOCH, Duration::ZERO),
    ] {
        for owner in [None, Some("ada")] {
            let key = random_key();
            let record = NewRecord::new(b"", now, expires_at).owned_by(owner);
            let check = async |step: &str| {
                let ttl: u64 = cli(&server, &["PTTL", &name_of(&key)]).await.parse().unwrap();
                let beyond = Duration::from_millis(ttl).checked_sub(left).unwrap_or_default();
                assert!(
                    beyond > Duration::from_secs(4 * 60) && beyond < Duration::from_secs(6 * 60),
                    "{step}: {beyond:?}"
                );
            };
            let version = store.create(&key, &record).await.unwrap();
            check("created").await;
            let long = NewRecord::new(b"", now, now + hour * 48).owned_by(owner);
            let version = replaced(&store, &key, version, &long).await;
            let version = replaced(&store, &key, version, &record).await;
            check("replaced").await;
            assert!(store.touch(&key, version.clone(), now + hour * 2000).await.unwrap());
            assert!(store.touch(&key, version, expires_at).await.unwrap());
            check("touched").await;
            let loaded = store.load(&key).await.unwrap().unwrap().expires_at();
            assert!(loaded.duration_since(expires_at).unwrap() < Duration::from_millis(1));
        }
    }
}

#[tokio::test]
async fn foreign_value_is_treated_as_missing_and_not_changed() {
    let server = new_server().await;
    let store = store(&server).await;
    let log = Log::default();
    let _guard = log.install();
    for write in [&["SET", "{}"][..], &["SET", ""], &["LPUSH", "x"], &["HSET", "field", "x"]] {
        let key = random_key();
        let name = name_of(&key);
        let command: Vec<_> =
            [write[0], &name].into_iter().chain(write[1..].iter().copied()).collect();
        cli(&server, &command).await;
        let before = cli(&server, &["DUMP", &name]).await;

        assert_eq!(store.load(&key).await.unwrap(), None);
        assert!(log.take().contains("WARN"), "{write:?}");
        assert_eq!(
            store.create(&key, &record(b"mine")).await.unwrap_err().kind(),
            ErrorKind::Backend
        );
        for version in [0, u64::MAX].map(Version::new) {
            for owner in [None, Some("ada")] {
                let mine = record(b"mine").owned_by(owner);
                assert_eq!(
                    store.replace(&key, version.clone(), &mine).await.unwrap(),
                    Replaced::Stale
                );
            }
            assert!(!store.touch(&key, version.clone(), SystemTime::now()).await.unwrap());
            assert!(!store.remove(&key, version).await.unwrap());
        }
        assert_eq!(cli(&server, &["DUMP", &name]).await, before, "{write:?}");
        assert_eq!(cli(&server, &["PTTL", &name]).await, "-1");
        let (log, digits) = (log.take(), hexadecimal(key.as_bytes()));
        assert!(!log.contains(&name) && !log.contains(&digits), "a key is in the log");
    }
}

#[tokio::test]
async fn debug_does_not_show_password() {
    let server = redis_with(RedisOptions::default().password("swordfish")).await;
    let builder = builder(&server);
    assert!(!format!("{builder:?}").contains("swordfish"));
    let store = builder.connect().await.unwrap();
    assert!(!format!("{store:?}").contains("swordfish"));
    let sessions = session_redis::RedisSessions::new(store, session_core::SessionConfig::default());
    assert!(!format!("{sessions:?}").contains("swordfish"));
}

#[tokio::test]
async fn databases_and_prefixes_are_separate() {
    let server = new_server().await;
    let key = random_key();
    let stores = [
        store(&server).await,
        builder(&server).key_prefix("other:").connect().await.unwrap(),
        builder(&server).database(5).connect().await.unwrap(),
        RedisStore::builder(format!("{}6", server.url())).connect().await.unwrap(),
    ];
    for store in &stores {
        store.create(&key, &record(b"")).await.unwrap();
    }
    assert_eq!(cli(&server, &["DBSIZE"]).await, "2");
    assert_eq!(cli(&server, &["-n", "5", "DBSIZE"]).await, "1");
    assert_eq!(cli(&server, &["-n", "6", "DBSIZE"]).await, "1");
}
