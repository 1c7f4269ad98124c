//! Faults: what the caller is told, by when, and that everything goes on afterwards.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::error::Error as _;
use std::time::{Duration, Instant, SystemTime};

use session_core::{Error, ErrorKind, OwnerIndex as _, Replaced, SessionStore as _, Version};
use session_redis::{RedisStore, redis};
use support::proxy::Proxy;
use support::requests::App;
use support::{Redis, free_port, list_of, random_key, record};

const DEADLINE: Duration = Duration::from_millis(500);
/// The deadline and ten percent.
const PATIENCE: Duration = Duration::from_millis(550);

/// The error of a call that must be over in time, and must say what it should.
async fn error_of<T: std::fmt::Debug>(kind: ErrorKind, call: impl Future<Output = Result<T, Error>>) -> Error {
    let started = Instant::now();
    let error = call.await.unwrap_err();
    assert!(started.elapsed() < PATIENCE, "{error:?} after {:?}", started.elapsed());
    assert_eq!(error.kind(), kind, "{error:?}");
    let source = error.source().unwrap().to_string();
    assert!(!source.is_empty());
    assert!(error.to_string().contains("redis"), "{error}");
    let shown = format!("{error} {error:?} {source}");
    assert!(!shown.contains("swordfish"), "{shown}");
    error
}

/// That every call of the store is an error of this kind.
async fn every_call_is(kind: ErrorKind, store: &RedisStore) {
    let (key, version, owned) = (random_key(), Version::new(1), record(b"").owned_by(Some("ada")));
    error_of(kind, store.load(&key)).await;
    error_of(kind, store.create(&key, &record(b""))).await;
    error_of(kind, store.create(&key, &owned)).await;
    error_of(kind, store.replace(&key, version, &owned)).await;
    error_of(kind, store.touch(&key, version, SystemTime::now())).await;
    error_of(kind, store.remove(&key, version)).await;
    error_of(kind, store.keys_of("ada")).await;
}

async fn works(store: &RedisStore) {
    let key = random_key();
    let version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    let Replaced::Done(version) = store.replace(&key, version, &record(b"two")).await.unwrap() else {
        unreachable!("nobody else writes");
    };
    assert!(store.touch(&key, version, SystemTime::now()).await.unwrap());
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"two");
    assert!(store.remove(&key, version).await.unwrap());
    let version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    assert!(store.touch(&key, version, SystemTime::now() + Duration::from_hours(100)).await.unwrap());
    assert_eq!(store.keys_of("ada").await.unwrap().iter().filter(|listed| **listed == key).count(), 1);
    assert!(store.remove(&key, version).await.unwrap());
}

#[tokio::test]
async fn connecting_says_what_is_wrong() {
    let server = Redis::start_with(&["--requirepass", "sesame"]);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = |port: u16| RedisStore::builder(format!("redis://127.0.0.1:{port}/")).deadline(DEADLINE);
    let silent_port = silent.local_addr().unwrap().port();
    for (kind, builder) in [
        (ErrorKind::Backend, at(server.port())),
        (ErrorKind::Backend, at(server.port()).password("swordfish")),
        (ErrorKind::Backend, at(server.port()).username("nobody").password("swordfish")),
        (ErrorKind::Unavailable, at(free_port())),
        (ErrorKind::Unavailable, at(silent_port).password("swordfish")),
        (ErrorKind::Unavailable, RedisStore::builder("redis+unix:///nowhere/redis.sock").deadline(DEADLINE)),
        (ErrorKind::Configuration, RedisStore::builder("not an address, swordfish")),
        (ErrorKind::Configuration, RedisStore::builder("https://swordfish/")),
        (ErrorKind::Configuration, RedisStore::builder("redis://:swordfish@127.0.0.1/x")),
        (ErrorKind::Configuration, RedisStore::cluster::<String>([])),
        (ErrorKind::Unavailable, RedisStore::cluster([format!("redis://:swordfish@127.0.0.1:{}", free_port())])),
        (ErrorKind::Unavailable, RedisStore::sentinel("sessions", [format!("redis://127.0.0.1:{}", free_port())])),
    ] {
        error_of(kind, builder.deadline(DEADLINE).connect()).await;
    }
    works(&at(server.port()).password("sesame").connect().await.unwrap()).await;
}

#[tokio::test]
async fn what_redis_refuses_is_an_error_of_its_own_kind() {
    let server = Redis::start();
    let store = server.builder().deadline(DEADLINE).connect().await.unwrap();
    let (key, other) = (random_key(), random_key());
    let version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();

    server.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    error_of(ErrorKind::Backend, store.create(&other, &record(b""))).await;
    error_of(ErrorKind::Backend, store.replace(&key, version, &record(b""))).await;
    assert_eq!(store.keys_of("ada").await.unwrap(), [key], "what can be read is read");
    assert!(store.load(&key).await.unwrap().is_some(), "what can be read is read");
    assert!(store.remove(&key, version).await.unwrap(), "a full server lets users log out");
    assert!(store.keys_of("ada").await.unwrap().is_empty());
    server.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    let version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();

    // As when the disk is full.
    std::fs::create_dir(server.folder().join("dump.rdb")).unwrap();
    server.cli(&["CONFIG", "SET", "save", "1 1"]);
    server.cli(&["BGSAVE"]);
    let failed = || server.cli(&["INFO", "persistence"]).contains("rdb_last_bgsave_status:err");
    let patience = Instant::now() + Duration::from_secs(10);
    while !failed() {
        assert!(Instant::now() < patience);
        std::thread::sleep(Duration::from_millis(5));
    }
    error_of(ErrorKind::Backend, store.create(&other, &record(b""))).await;
    error_of(ErrorKind::Backend, store.replace(&key, version, &record(b""))).await;
    assert!(store.load(&key).await.unwrap().is_some(), "what can be read is read");
    server.cli(&["CONFIG", "SET", "save", ""]);

    server.cli(&["REPLICAOF", "127.0.0.1", &free_port().to_string()]);
    error_of(ErrorKind::Unavailable, store.create(&other, &record(b""))).await;
    error_of(ErrorKind::Unavailable, store.replace(&key, version, &record(b""))).await;
    error_of(ErrorKind::Unavailable, store.remove(&key, version)).await;
    server.cli(&["REPLICAOF", "NO", "ONE"]);

    server.cli(&["ACL", "SETUSER", "reader", "on", ">swordfish", "~*", "+get"]);
    let reader = server.builder().username("reader").password("swordfish").deadline(DEADLINE).connect().await.unwrap();
    assert!(reader.load(&key).await.unwrap().is_some());
    error_of(ErrorKind::Backend, reader.create(&other, &record(b""))).await;
    error_of(ErrorKind::Backend, reader.replace(&key, version, &record(b""))).await;
    error_of(ErrorKind::Backend, reader.keys_of("ada")).await;

    server.cli(&["SET", &list_of("ada"), "not a list"]);
    error_of(ErrorKind::Backend, store.create(&other, &record(b"").owned_by(Some("ada")))).await;
    assert_eq!(store.load(&other).await.unwrap(), None);
    server.cli(&["DEL", &list_of("ada")]);
    works(&store).await;
}

/// The user that the README sets up needs no more than it says.
#[tokio::test]
async fn the_user_of_the_readme_may_do_all_that_is_needed() {
    let server = Redis::start();
    let readme = include_str!("../README.md");
    let (_, rule) = readme.split_once("ACL SETUSER shop on >password ").unwrap();
    let (rule, _) = rule.split_once("```").unwrap();
    let words: Vec<_> =
        ["ACL", "SETUSER", "shop", "on", ">swordfish"].into_iter().chain(rule.split_whitespace()).collect();
    assert_eq!(server.cli(&words), "OK");
    let builder = server.builder().username("shop").password("swordfish").deadline(DEADLINE);
    works(&builder.key_prefix("shop:session:").database(1).connect().await.unwrap()).await;
    let elsewhere = server.builder().username("shop").password("swordfish").connect().await.unwrap();
    error_of(ErrorKind::Backend, elsewhere.load(&random_key())).await;
}

#[tokio::test]
async fn a_payload_beyond_the_limit_is_too_large_and_changes_nothing() {
    let server = Redis::start();
    let store = server.builder().max_payload(1000).deadline(DEADLINE).connect().await.unwrap();
    let key = random_key();
    error_of(ErrorKind::TooLarge, store.create(&key, &record(&[0; 1001]))).await;
    assert_eq!(store.load(&key).await.unwrap(), None);
    let version = store.create(&key, &record(&[0; 1000])).await.unwrap();
    error_of(ErrorKind::TooLarge, store.replace(&key, version, &record(&[0; 1001]))).await;
    let owner = "x".repeat((1 << 20) + 1);
    error_of(ErrorKind::TooLarge, store.replace(&key, version, &record(b"").owned_by(Some(&owner)))).await;
    assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
}

#[tokio::test]
async fn scripts_that_redis_has_forgotten_are_sent_again() {
    let server = Redis::start();
    let store = server.store().await;
    let key = random_key();
    let mut version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
    for round in 0..10 {
        server.cli(&["SCRIPT", "FLUSH"]);
        let Replaced::Done(next) = store.replace(&key, version, &record(b"").owned_by(Some("ada"))).await.unwrap()
        else {
            unreachable!("nobody else writes");
        };
        version = next;
        server.cli(&["SCRIPT", "FLUSH"]);
        let later = SystemTime::now() + Duration::from_hours(1 << round);
        assert!(store.touch(&key, version, later).await.unwrap());
    }
    server.cli(&["SCRIPT", "FLUSH"]);
    assert!(store.remove(&key, version).await.unwrap());
    assert!(store.keys_of("ada").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_is_an_error_and_one_that_is_back_is_used_at_once() {
    let mut server = Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = server.builder().deadline(DEADLINE).connect().await.unwrap();
    let key = random_key();
    let mut version = store.create(&key, &record(b"kept").owned_by(Some("ada"))).await.unwrap();
    for _ in 0..3 {
        server.kill();
        every_call_is(ErrorKind::Unavailable, &store).await;
        server.restart();
        // No load comes before it that could find the connection dead.
        let Replaced::Done(next) = store.replace(&key, version, &record(b"kept").owned_by(Some("ada"))).await.unwrap()
        else {
            unreachable!("nobody else writes");
        };
        version = next;
        assert_eq!(store.keys_of("ada").await.unwrap(), [key]);

        server.kill();
        server.restart();
        // Nothing was sent while it was down.
        assert!(store.touch(&key, version, SystemTime::now()).await.unwrap());
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_an_error_at_the_deadline() {
    let server = Redis::start();
    let store = server.builder().deadline(DEADLINE).connect().await.unwrap();
    works(&store).await;
    server.hang();
    every_call_is(ErrorKind::Unavailable, &store).await;
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { error_of(ErrorKind::Unavailable, store.load(&random_key())).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    server.go_on();
    works(&store).await;
}

#[tokio::test]
async fn a_connection_that_hangs_is_replaced() {
    let server = Redis::start();
    let proxy = Proxy::before(server.port()).await;
    let store = RedisStore::builder(proxy.url()).deadline(DEADLINE).connect().await.unwrap();
    works(&store).await;
    proxy.hang();
    error_of(ErrorKind::Unavailable, store.load(&random_key())).await;
    works(&store).await;
}

/// As where a name is made to lead to the new master.
#[tokio::test]
async fn a_server_that_became_a_replica_is_left() {
    let (old, new) = (Redis::start(), Redis::start());
    let proxy = Proxy::before(old.port()).await;
    let store = RedisStore::builder(proxy.url()).deadline(DEADLINE).connect().await.unwrap();
    works(&store).await;
    proxy.lead_to(new.port());
    old.cli(&["REPLICAOF", "127.0.0.1", &new.port().to_string()]);
    error_of(ErrorKind::Unavailable, store.create(&random_key(), &record(b""))).await;
    works(&store).await;
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_not_sent_again_unless_it_only_reads() {
    let server = Redis::start();
    let proxy = Proxy::before(server.port()).await;
    let store = RedisStore::builder(proxy.url()).deadline(DEADLINE).connect().await.unwrap();
    works(&store).await;
    let (key, other) = (random_key(), random_key());
    let version = store.create(&key, &record(b"one")).await.unwrap();
    server.forget_calls();

    proxy.lose_an_answer();
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"one");
    assert_eq!(server.calls()["get"], 2);

    proxy.lose_an_answer();
    error_of(ErrorKind::Unavailable, store.replace(&key, version, &record(b"two"))).await;
    let replaced = store.load(&key).await.unwrap().unwrap();
    assert_eq!(replaced.payload(), b"two");

    proxy.lose_an_answer();
    error_of(ErrorKind::Unavailable, store.create(&other, &record(b"two"))).await;
    assert!(store.load(&other).await.unwrap().is_some());

    proxy.lose_an_answer();
    error_of(ErrorKind::Unavailable, store.touch(&key, replaced.version(), SystemTime::UNIX_EPOCH)).await;
    assert_eq!(store.load(&key).await.unwrap().unwrap().expires_at(), SystemTime::UNIX_EPOCH);

    proxy.lose_an_answer();
    error_of(ErrorKind::Unavailable, store.remove(&key, replaced.version())).await;
    assert_eq!(store.load(&key).await.unwrap(), None);
    // `SET` is called by the script of `replace`, too.
    let calls = server.calls();
    assert_eq!((calls["evalsha"], calls["set"]), (3, 2));
}

/// The application never restarts. Each increment that it acknowledged is there; one that ended in an error is there once
/// or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_survive_kills_and_lost_answers() {
    let mut server = Redis::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let proxy = Proxy::before(server.port()).await;
    let app = App::new(RedisStore::builder(proxy.url()).deadline(DEADLINE).connect().await.unwrap());
    let cookie = app.get("/write/base", "").await.cookie.unwrap();
    let until = Instant::now() + Duration::from_secs(4);
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (app, cookie) = (app.clone(), cookie.clone());
            tokio::spawn(async move {
                let (mut counted, mut unknown) = (0, 0);
                while Instant::now() < until {
                    let started = Instant::now();
                    match app.get("/count", &cookie).await.status.as_u16() {
                        200 => counted += 1,
                        503 => unknown += 1,
                        other => unreachable!("{other}"),
                    }
                    assert!(started.elapsed() < Duration::from_secs(10));
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                (counted, unknown)
            })
        })
        .collect();
    while Instant::now() + Duration::from_millis(500) < until {
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.lose_an_answer();
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.hang();
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::task::block_in_place(|| {
            server.kill();
            server.restart();
        });
    }
    let (mut counted, mut unknown) = (0, 0);
    for client in clients {
        let (right, wrong) = client.await.unwrap();
        counted += right;
        unknown += wrong;
    }
    let there: u64 = app.get("/count", &cookie).await.body.parse().unwrap();
    let there = there - 1;
    println!("{counted} acknowledged, {unknown} unknown, {there} there");
    assert!(counted > 50 && unknown > 0, "{counted} acknowledged, {unknown} unknown");
    assert!((counted..=counted + unknown).contains(&there), "{counted} acknowledged, {unknown} unknown, {there} there");
}

#[tokio::test]
async fn a_store_outlives_the_runtime_that_connected_it() {
    let server = Redis::start();
    let url = server.url();
    let connect = async move { RedisStore::builder(url).connect().await.unwrap() };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let thread = std::thread::spawn(move || runtime().block_on(connect));
    let store = thread.join().unwrap();
    works(&store).await;
}

#[tokio::test]
async fn a_store_that_is_dropped_closes_its_connection() {
    let server = Redis::start();
    let before = server.cli(&["CLIENT", "LIST", "TYPE", "normal"]).lines().count();
    let store = server.store().await;
    works(&store).await;
    assert_eq!(server.cli(&["CLIENT", "LIST", "TYPE", "normal"]).lines().count(), before + 1);
    drop(store);
    let patience = Instant::now() + Duration::from_secs(5);
    while server.cli(&["CLIENT", "LIST", "TYPE", "normal"]).lines().count() > before {
        assert!(Instant::now() < patience, "the connection stays");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What the application's own connection does is its own affair, but the deadline holds there, too.
#[tokio::test]
async fn a_given_connection_keeps_the_deadline() {
    let server = Redis::start();
    let client = redis::Client::open(server.url()).unwrap();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    let store = RedisStore::from_connection(connection).deadline(DEADLINE).connect().await.unwrap();
    works(&store).await;
    server.hang();
    every_call_is(ErrorKind::Unavailable, &store).await;
}
