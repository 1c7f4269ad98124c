//! Calls that Redis or the store refuses: they change nothing, and other calls still work.

use session_core::store::{OwnerIndex as _, SessionStore as _};
use session_core::{Error, ErrorKind};
use session_redis::{RedisStore, redis};
use test_servers::{RedisOptions, redis_with};

use crate::support::requests::App;
use crate::support::{
    DEADLINE, assert_works, builder, cli, in_time, list_of, new_server, random_key, record,
    replaced, store,
};

/// Asserts that a call fails with an error of this kind by its deadline.
async fn assert_refused<T: std::fmt::Debug>(
    kind: ErrorKind,
    call: impl Future<Output = Result<T, Error>>,
) {
    let error = in_time(DEADLINE, call).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(!format!("{error:?}").contains("swordfish"), "{error:?}");
}

#[tokio::test]
async fn connect_error_has_kind_of_cause() {
    let server = redis_with(RedisOptions::default().password("open-sesame")).await;
    let anonymous = || RedisStore::builder(format!("redis://127.0.0.1:{}/", server.port()));
    for (kind, builder) in [
        (ErrorKind::Backend, anonymous()),
        (ErrorKind::Backend, anonymous().username("unknown").password("swordfish")),
        (ErrorKind::Unavailable, RedisStore::builder("redis+unix:///nowhere/redis.sock")),
        (ErrorKind::Unavailable, RedisStore::sentinel("main", ["redis://:swordfish@127.0.0.1:1/"])),
        (ErrorKind::Configuration, RedisStore::sentinel::<String>("main", [])),
        (ErrorKind::Configuration, RedisStore::sentinel("main", [server.url()])),
        (ErrorKind::Configuration, RedisStore::builder("not an address, swordfish")),
        (ErrorKind::Configuration, RedisStore::builder("https://swordfish/")),
    ] {
        assert_refused(kind, builder.deadline(DEADLINE).connect()).await;
    }
    assert_works(&anonymous().password("open-sesame").connect().await.unwrap()).await;
}

#[tokio::test]
async fn setting_that_would_be_ignored_is_refused() {
    let server = new_server().await;
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let given = || RedisStore::from_connection(connection.clone());
    let certificates = redis::TlsCertificates { client_tls: None, root_cert: None };
    for builder in [
        given().database(3),
        given().username("shop"),
        given().password("swordfish"),
        given().certificates(certificates.clone()),
        builder(&server).certificates(certificates),
        RedisStore::builder(format!("{}?db=3", server.url())),
        RedisStore::sentinel("main", ["redis://:swordfish@127.0.0.1:1/3"]),
    ] {
        assert_refused(ErrorKind::Configuration, builder.deadline(DEADLINE).connect()).await;
    }
    assert_works(&given().connect().await.unwrap()).await;
}

#[tokio::test]
async fn full_server_still_reads_and_removes() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    let version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
    cli(&server, &["CONFIG", "SET", "maxmemory", "1"]).await;
    assert_refused(ErrorKind::Unavailable, store.replace(&key, version.clone(), &record(b"")))
        .await;
    assert_eq!(store.keys_of("ada").await.unwrap(), [key]);
    assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
    assert!(store.remove(&key, version).await.unwrap());
    assert!(store.keys_of("ada").await.unwrap().is_empty());
}

#[tokio::test]
async fn request_on_full_server_is_503_with_retry_after() {
    let server = new_server().await;
    let app = App::new(store(&server).await);
    let cookie = app.get("/write/cart", "").await.cookie.unwrap();
    cli(&server, &["CONFIG", "SET", "maxmemory", "1"]).await;
    for (path, sent) in [("/write/order", &*cookie), ("/write/cart", ""), ("/login/ada", &cookie)] {
        let response = app.get(path, sent).await;
        assert_eq!((response.status.as_u16(), response.cookie), (503, None), "{path}");
        assert_eq!(response.retry_after.as_deref(), Some("1"));
    }
    let response = app.get("/read", &cookie).await;
    assert_eq!((response.status.as_u16(), &*response.body), (200, "cart"));
    assert_eq!(response.retry_after, None);
}

#[tokio::test]
async fn read_only_user_can_load() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    let version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
    cli(&server, &["ACL", "SETUSER", "reader", "on", ">swordfish", "~*", "+get"]).await;
    let reader = builder(&server).username("reader").password("swordfish").connect().await.unwrap();
    assert_eq!(reader.load(&key).await.unwrap().unwrap().version(), version);
    assert_refused(ErrorKind::Backend, reader.replace(&key, version.clone(), &record(b""))).await;
    assert_refused(ErrorKind::Backend, reader.remove(&key, version)).await;
    assert_refused(ErrorKind::Backend, reader.keys_of("ada")).await;
}

#[tokio::test]
async fn record_that_cannot_be_listed_is_not_created() {
    let server = new_server().await;
    let (store, key) = (store(&server).await, random_key());
    cli(&server, &["SET", &list_of("ada"), "not a list"]).await;
    assert_refused(ErrorKind::Backend, store.create(&key, &record(b"").owned_by(Some("ada"))))
        .await;
    assert_eq!(store.load(&key).await.unwrap(), None);
    cli(&server, &["DEL", &list_of("ada")]).await;
    assert_works(&store).await;
}

#[tokio::test]
async fn payload_or_owner_above_limit_changes_nothing() {
    let server = new_server().await;
    let store = builder(&server).max_payload(1000).connect().await.unwrap();
    let key = random_key();
    assert_refused(ErrorKind::TooLarge, store.create(&key, &record(&[0; 1001]))).await;
    assert_eq!(store.load(&key).await.unwrap(), None);
    let version = store.create(&key, &record(&[0; 1000])).await.unwrap();
    assert_refused(ErrorKind::TooLarge, store.replace(&key, version.clone(), &record(&[0; 1001])))
        .await;
    let owner = "x".repeat((1 << 20) + 1);
    assert_refused(
        ErrorKind::TooLarge,
        store.replace(&key, version.clone(), &record(b"").owned_by(Some(&owner))),
    )
    .await;
    assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
    replaced(&store, &key, version, &record(&[0; 1000])).await;
}
