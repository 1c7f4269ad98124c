//! The list of an owner's sessions: it may have too many keys, but never misses one.

use std::time::{Duration, SystemTime};

use session_core::OwnerSessions as _;
use session_core::store::{
    NewRecord, OwnerIndex as _, Replaced, SessionStore as _, StoreKey, Version,
};
use session_redis::{RedisSessions, RedisStore, redis};

use crate::support::requests::App;
use crate::support::{
    cli, list_of, new_server, new_valkey, random_key, raw_list_of, raw_name_of, record, replaced,
    store,
};

#[tokio::test]
async fn key_is_only_on_list_of_its_owner() {
    let server = new_server().await;
    let store = store(&server).await;
    let owners = ["", "ada", "Ada", "ada ", "\u{1f600}", "a\0b"];
    let mut keys = Vec::new();
    for owner in owners {
        let key = random_key();
        store.create(&key, &record(b"").owned_by(Some(owner))).await.unwrap();
        keys.push(key);
    }
    store.create(&random_key(), &record(b"")).await.unwrap();
    for (owner, key) in owners.iter().zip(keys) {
        assert_eq!(store.keys_of(owner).await.unwrap(), [key], "{owner:?}");
    }
    assert!(store.keys_of("eve").await.unwrap().is_empty());
}

#[tokio::test]
async fn removed_record_is_removed_from_list() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    for owner in ["ada", ""] {
        let version = store.create(&key, &record(b"").owned_by(Some(owner))).await.unwrap();
        assert!(store.remove(&key, version).await.unwrap());
        assert!(store.keys_of(owner).await.unwrap().is_empty());
        let version = store.create(&key, &record(b"").owned_by(Some(owner))).await.unwrap();
        assert_eq!(store.keys_of(owner).await.unwrap(), [key]);
        assert!(store.remove(&key, version).await.unwrap());
    }
    assert_eq!(cli(&server, &["DBSIZE"]).await, "0");
}

/// A rotation creates a record and replaces the old one by a tombstone, which has no owner.
#[tokio::test]
async fn rotated_keys_are_removed_from_list() {
    let server = new_server().await;
    let (store, mut key) = (store(&server).await, random_key());
    let mut version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
    for _ in 0..400 {
        let successor = random_key();
        let created = store.create(&successor, &record(b"").owned_by(Some("ada"))).await.unwrap();
        replaced(&store, &key, version, &record(b"tombstone")).await;
        (key, version) = (successor, created);
    }
    assert_eq!(store.keys_of("ada").await.unwrap(), [key]);
    assert_eq!(cli(&server, &["ZCARD", &list_of("ada")]).await, "1");
}

#[tokio::test]
async fn replaced_owner_moves_key_to_list_of_new_owner() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    let owners = [Some("ada"), Some("eve"), None, Some("eve"), Some(""), Some("ada"), None];
    let mut version = store.create(&key, &record(b"")).await.unwrap();
    for (round, owner) in owners.into_iter().enumerate() {
        version = replaced(&store, &key, version, &record(b"").owned_by(owner)).await;
        for other in ["ada", "eve", ""] {
            let expected = if owner == Some(other) { &[key][..] } else { &[] };
            assert_eq!(store.keys_of(other).await.unwrap(), expected, "round {round}, {other:?}");
        }
    }
    assert_eq!(cli(&server, &["DBSIZE"]).await, "1", "only the record is left");
}

#[tokio::test]
async fn stale_replace_changes_no_list() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
    for owner in [None, Some("eve")] {
        let stale = store.replace(&key, Version::new(0), &record(b"").owned_by(owner)).await;
        assert_eq!(stale.unwrap(), Replaced::Stale);
        assert_eq!(store.keys_of("ada").await.unwrap(), [key]);
        assert!(store.keys_of("eve").await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn record_is_written_if_key_cannot_be_unlisted() {
    let server = new_server().await;
    let (store, keys) = (store(&server).await, [random_key(), random_key(), random_key()]);
    let mut versions = Vec::new();
    for key in &keys {
        versions.push(store.create(key, &record(b"").owned_by(Some("ada"))).await.unwrap());
    }
    cli(&server, &["SET", &list_of("ada"), "not a list"]).await;
    replaced(&store, &keys[0], versions[0].clone(), &record(b"tombstone")).await;
    replaced(&store, &keys[1], versions[1].clone(), &record(b"moved").owned_by(Some("eve"))).await;
    assert!(store.remove(&keys[2], versions[2].clone()).await.unwrap());
    assert_eq!(store.load(&keys[0]).await.unwrap().unwrap().payload(), b"tombstone");
    assert_eq!(store.load(&keys[1]).await.unwrap().unwrap().payload(), b"moved");
    assert_eq!(store.load(&keys[2]).await.unwrap(), None);
    assert_eq!(store.keys_of("eve").await.unwrap(), [keys[1]]);
}

#[tokio::test]
async fn end_all_ends_only_sessions_of_owner() {
    let server = new_server().await;
    let store = store(&server).await;
    let app = App::new(store.clone());
    let sessions = RedisSessions::new(store, session_core::SessionConfig::default());
    let mut cookies = Vec::new();
    for user in ["ada", "ada", "eve"] {
        let cookie = app.get(&format!("/login/{user}"), "").await.cookie.unwrap();
        app.get("/write/cart", &cookie).await;
        cookies.push(cookie);
    }
    assert_eq!(sessions.end_all("ada").await.unwrap(), 2);
    assert_eq!(app.get("/read", &cookies[0]).await.body, "");
    assert_eq!(app.get("/read", &cookies[1]).await.body, "");
    assert!(app.get("/read", &cookies[2]).await.body.contains("cart"));
    assert_eq!(sessions.end_all("ada").await.unwrap(), 0);
}

/// Otherwise, unlisting a removed record could unlist a record that was created since.
#[tokio::test]
async fn listing_again_sets_later_time() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    let now = SystemTime::now();
    let mut before = 0;
    for hours in [1000, 1000, 1, 2000, 1] {
        let new =
            NewRecord::new(b"", now, now + Duration::from_secs(hours * 3600)).owned_by(Some("ada"));
        // It fails after the first time, but the key is listed.
        let _ = store.create(&key, &new).await;
        let listed = cli(&server, &["ZRANGE", &list_of("ada"), "0", "-1", "WITHSCORES"]).await;
        let until: u64 = listed.lines().last().unwrap().parse().unwrap();
        assert!(until > before, "{hours} hours");
        before = until;
    }
}

#[tokio::test]
async fn key_is_listed_for_longer_than_record_is_kept() {
    for server in [new_server().await, new_valkey().await] {
        assert_key_is_listed_for_longer(&server).await;
    }
}

async fn assert_key_is_listed_for_longer(server: &test_servers::PrivateServer) {
    let store = store(server).await;
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<_> = (0..4).map(|_| random_key()).collect();
    let mut versions = vec![None; keys.len()];
    for round in 0..400 {
        let index = fastrand::usize(..keys.len());
        let key = &keys[index];
        let now = SystemTime::now();
        let expires_at =
            now + Duration::from_secs(fastrand::choice([0, 5, 700, 10_000, 10_000_000]).unwrap());
        let owner = fastrand::choice([None, Some("ada"), Some("eve")]).unwrap();
        let new = NewRecord::new(b"payload", now, expires_at).owned_by(owner);
        versions[index] = match versions[index].take() {
            None => Some(store.create(key, &new).await.unwrap()),
            Some(version) => match fastrand::u8(..5) {
                0 => {
                    assert!(store.remove(key, version).await.unwrap());
                    None
                }
                1 | 2 => {
                    assert!(store.touch(key, version.clone(), expires_at).await.unwrap());
                    Some(version)
                }
                _ => Some(replaced(&store, key, version, &new).await),
            },
        };
        check(&mut connection, &store, key, round).await;
    }
}

async fn check(
    connection: &mut redis::aio::MultiplexedConnection,
    store: &RedisStore,
    key: &StoreKey,
    round: u32,
) {
    let Some(record) = store.load(key).await.unwrap() else { return };
    let Some(owner) = record.owner() else { return };
    assert!(store.keys_of(owner).await.unwrap().contains(key), "round {round}: not listed");
    let mut ttls = redis::pipe();
    ttls.cmd("PTTL").arg(raw_name_of(key)).cmd("PTTL").arg(raw_list_of(owner));
    let (record, list): (i64, i64) = ttls.query_async(connection).await.unwrap();
    assert!(
        list >= record + 200_000,
        "round {round}: the list expires in {list} ms, the record in {record} ms"
    );
}

#[tokio::test]
async fn listing_removes_outdated_keys() {
    let server = new_server().await;
    let store = store(&server).await;
    let list = list_of("ada");
    cli(&server, &["ZADD", &list, "1000", "outdated"]).await;
    cli(&server, &["ZADD", &list, "9000000000000", "not yet"]).await;
    store.create(&random_key(), &record(b"").owned_by(Some("ada"))).await.unwrap();
    assert_eq!(cli(&server, &["ZSCORE", &list, "outdated"]).await, "");
    assert_eq!(cli(&server, &["ZSCORE", &list, "not yet"]).await, "9000000000000");
    assert_eq!(
        store.keys_of("ada").await.unwrap().len(),
        1,
        "a member that is not a key was returned"
    );
}

/// Several tasks create, replace and remove a record. While a load returns it with an owner, it is
/// on the list of that owner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_is_listed_while_its_record_has_owner() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    let writers: Vec<_> = ["ada", "eve", "ada"]
        .into_iter()
        .map(|owner| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..300 {
                    let mine = record(b"").owned_by(Some(owner));
                    let version = match store.load(&key).await.unwrap() {
                        Some(record) => record.version(),
                        None => store.create(&key, &mine).await.unwrap_or(Version::new(0)),
                    };
                    if round % 3 == 0 {
                        store.remove(&key, version).await.unwrap();
                    } else {
                        store.replace(&key, version, &mine).await.unwrap();
                    }
                }
            })
        })
        .collect();
    let mut seen = 0;
    while writers.iter().any(|writer| !writer.is_finished()) {
        let Some(before) = store.load(&key).await.unwrap() else { continue };
        let listed = store.keys_of(before.owner().unwrap()).await.unwrap();
        // The list is checked only if the record did not change between the two calls.
        if store.load(&key).await.unwrap().is_some_and(|after| after.version() == before.version())
        {
            assert_eq!(listed, [key]);
            seen += 1;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(seen > 0);
}
