//! The list of an owner's sessions: perhaps too much, never too little.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, SystemTime};

use session_core::{NewRecord, OwnerIndex as _, OwnerSessions as _, SessionStore as _, StoreKey, Version};
use session_redis::{RedisSessions, RedisStore, redis};
use support::requests::App;
use support::{cli, list_of, name_of, new_server, random_key, record, replaced, store};

#[tokio::test]
async fn a_key_is_on_the_list_of_its_owner_and_of_no_other() {
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
async fn an_ended_session_leaves_the_list() {
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

#[tokio::test]
async fn ending_all_sessions_of_a_user_ends_them_and_no_others() {
    let server = new_server().await;
    let store = store(&server).await;
    let app = App::new(store.clone());
    let sessions = RedisSessions::with_store(store, session_core::SessionConfig::default());
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

/// Else whoever takes a removed record off the list would take off one that was created since.
#[tokio::test]
async fn each_listing_is_told_from_the_one_before() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    let now = SystemTime::now();
    let mut before = 0;
    for hours in [1000, 1000, 1, 2000, 1] {
        let new = NewRecord::new(b"", now, now + Duration::from_hours(hours)).owned_by(Some("ada"));
        // Refused after the first time, but listed.
        let _ = store.create(&key, &new).await;
        let listed = cli(&server, &["ZRANGE", &list_of("ada"), "0", "-1", "WITHSCORES"]).await;
        let until: u64 = listed.lines().last().unwrap().parse().unwrap();
        assert!(until > before, "{hours} hours");
        before = until;
    }
}

/// Whatever was done, the list outlives the record.
#[tokio::test]
async fn after_any_calls_a_key_is_listed_for_longer_than_its_record_lives() {
    let server = new_server().await;
    let store = store(&server).await;
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<_> = (0..4).map(|_| random_key()).collect();
    let mut versions = vec![None; keys.len()];
    for round in 0..400 {
        let place = fastrand::usize(..keys.len());
        let key = &keys[place];
        let now = SystemTime::now();
        let expires_at = now + Duration::from_secs(fastrand::choice([0, 5, 700, 10_000, 10_000_000]).unwrap());
        let owner = fastrand::choice([None, Some("ada"), Some("eve")]).unwrap();
        let new = NewRecord::new(b"payload", now, expires_at).owned_by(owner);
        versions[place] = match versions[place] {
            None => Some(store.create(key, &new).await.unwrap()),
            Some(version) => match fastrand::u8(..5) {
                0 => {
                    assert!(store.remove(key, version).await.unwrap());
                    None
                }
                1 | 2 => {
                    assert!(store.touch(key, version, expires_at).await.unwrap());
                    Some(version)
                }
                _ => Some(replaced(&store, key, version, &new).await),
            },
        };
        check(&mut connection, &store, key, round).await;
    }
}

async fn check(connection: &mut redis::aio::MultiplexedConnection, store: &RedisStore, key: &StoreKey, round: u32) {
    let Some(record) = store.load(key).await.unwrap() else { return };
    let Some(owner) = record.owner() else { return };
    assert!(store.keys_of(owner).await.unwrap().contains(key), "round {round}: not listed");
    let mut lives = redis::pipe();
    lives.cmd("PTTL").arg(name_of(key)).cmd("PTTL").arg(list_of(owner));
    let (life, list): (i64, i64) = lives.query_async(connection).await.unwrap();
    assert!(list >= life + 200_000, "round {round}: the list goes in {list} ms, the record in {life}");
}

#[tokio::test]
async fn a_list_forgets_what_is_long_over() {
    let server = new_server().await;
    let store = store(&server).await;
    let list = list_of("ada");
    cli(&server, &["ZADD", &list, "1000", "long over"]).await;
    cli(&server, &["ZADD", &list, "9000000000000", "not yet"]).await;
    store.create(&random_key(), &record(b"").owned_by(Some("ada"))).await.unwrap();
    assert_eq!(cli(&server, &["ZSCORE", &list, "long over"]).await, "");
    assert_eq!(cli(&server, &["ZSCORE", &list, "not yet"]).await, "9000000000000");
    assert_eq!(store.keys_of("ada").await.unwrap().len(), 1, "what is no key is no key");
}

/// One removes and creates the record under one key again and again, others write it: whoever sees it under an owner sees
/// it on the owner's list.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_listed_while_its_record_bears_the_owner() {
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
        // Judged only if the record did not change between the two calls.
        if store.load(&key).await.unwrap().is_some_and(|after| after.version() == before.version()) {
            assert_eq!(listed, [key]);
            seen += 1;
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(seen > 0);
}
