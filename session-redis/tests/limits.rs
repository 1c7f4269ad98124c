//! What Redis or the store refuses: nothing has changed afterwards, and what is still allowed goes on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use session_core::{Error, ErrorKind, OwnerIndex as _, SessionStore as _};
use session_redis::RedisStore;
use support::{DEADLINE, builder, cli, in_time, list_of, new_server, random_key, record, replaced, store, works};
use test_servers::{RedisOptions, redis_with};

/// Asserts that a call is refused, in time.
async fn refused<T: std::fmt::Debug>(kind: ErrorKind, call: impl Future<Output = Result<T, Error>>) {
    let error = in_time(DEADLINE, call).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(!format!("{error:?}").contains("swordfish"), "{error:?}");
}

#[tokio::test]
async fn connecting_says_what_is_wrong() {
    let server = redis_with(RedisOptions::default().password("open-sesame")).await;
    let anonymous = || RedisStore::builder(format!("redis://127.0.0.1:{}/", server.port()));
    for (kind, builder) in [
        (ErrorKind::Backend, anonymous()),
        (ErrorKind::Backend, anonymous().username("nobody").password("swordfish")),
        (ErrorKind::Unavailable, RedisStore::builder("redis+unix:///nowhere/redis.sock")),
        (ErrorKind::Unavailable, RedisStore::sentinel("main", ["redis://:swordfish@127.0.0.1:1/"])),
        (ErrorKind::Configuration, RedisStore::builder("not an address, swordfish")),
        (ErrorKind::Configuration, RedisStore::builder("https://swordfish/")),
    ] {
        refused(kind, builder.deadline(DEADLINE).connect()).await;
    }
    works(&anonymous().password("open-sesame").connect().await.unwrap()).await;
}

#[tokio::test]
async fn a_full_server_is_read_and_lets_users_log_out() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    let version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
    cli(&server, &["CONFIG", "SET", "maxmemory", "1"]).await;
    refused(ErrorKind::Backend, store.replace(&key, version, &record(b""))).await;
    assert_eq!(store.keys_of("ada").await.unwrap(), [key]);
    assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
    assert!(store.remove(&key, version).await.unwrap());
    assert!(store.keys_of("ada").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_user_who_may_only_read_reads() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    let version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
    cli(&server, &["ACL", "SETUSER", "reader", "on", ">swordfish", "~*", "+get"]).await;
    let reader = builder(&server).username("reader").password("swordfish").connect().await.unwrap();
    assert_eq!(reader.load(&key).await.unwrap().unwrap().version(), version);
    refused(ErrorKind::Backend, reader.replace(&key, version, &record(b""))).await;
    refused(ErrorKind::Backend, reader.remove(&key, version)).await;
    refused(ErrorKind::Backend, reader.keys_of("ada")).await;
}

#[tokio::test]
async fn what_cannot_be_listed_under_its_owner_is_not_created() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    cli(&server, &["SET", &list_of("ada"), "not a list"]).await;
    refused(ErrorKind::Backend, store.create(&key, &record(b"").owned_by(Some("ada")))).await;
    assert_eq!(store.load(&key).await.unwrap(), None);
    cli(&server, &["DEL", &list_of("ada")]).await;
    works(&store).await;
}

#[tokio::test]
async fn a_payload_or_an_owner_beyond_the_limit_changes_nothing() {
    let server = new_server().await;
    let store = builder(&server).max_payload(1000).connect().await.unwrap();
    let key = random_key();
    refused(ErrorKind::TooLarge, store.create(&key, &record(&[0; 1001]))).await;
    assert_eq!(store.load(&key).await.unwrap(), None);
    let version = store.create(&key, &record(&[0; 1000])).await.unwrap();
    refused(ErrorKind::TooLarge, store.replace(&key, version, &record(&[0; 1001]))).await;
    let owner = "x".repeat((1 << 20) + 1);
    refused(ErrorKind::TooLarge, store.replace(&key, version, &record(b"").owned_by(Some(&owner)))).await;
    assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
    replaced(&store, &key, version, &record(&[0; 1000])).await;
}
