//! Servers that are down or hang, connections that hang, answers that are lost: what the caller is told, by when, and that
//! everything goes on afterwards.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant, SystemTime};

use session_core::{OwnerIndex as _, SessionStore as _, Version};
use session_redis::{RedisStore, redis};
use support::requests::App;
use support::{DEADLINE, builder, calls, cli, forget_calls, new_server, outage, random_key, record, replaced, works};
use test_servers::{LostReply, RedisOptions, proxy, redis_with};

/// How the calls begin that the proxy is to look for.
const GET: &[u8] = b"\nGET\r";
const SET: &[u8] = b"\nSET\r";
const SCRIPT: &[u8] = b"\nEVALSHA\r";

async fn every_call_is_an_outage(store: &RedisStore) {
    let (key, version, owned) = (random_key(), Version::new(1), record(b"").owned_by(Some("ada")));
    outage(store.load(&key)).await;
    outage(store.create(&key, &record(b""))).await;
    outage(store.create(&key, &owned)).await;
    outage(store.replace(&key, version, &owned)).await;
    outage(store.touch(&key, version, SystemTime::now())).await;
    outage(store.remove(&key, version)).await;
    outage(store.keys_of("ada")).await;
}

#[tokio::test]
async fn a_server_that_is_down_is_an_error_and_one_that_is_back_is_used_at_once() {
    let server = redis_with(RedisOptions::default().append_only().setting("appendfsync", "always")).await;
    let store = builder(&server).deadline(DEADLINE).connect().await.unwrap();
    let key = random_key();
    let mut version = store.create(&key, &record(b"kept").owned_by(Some("ada"))).await.unwrap();
    for _ in 0..3 {
        server.kill().await;
        every_call_is_an_outage(&store).await;
        server.restart().await;
        // No load comes before it that could find the connection dead.
        version = replaced(&store, &key, version, &record(b"kept").owned_by(Some("ada"))).await;
        assert_eq!(store.keys_of("ada").await.unwrap(), [key]);

        server.kill().await;
        server.restart().await;
        // Nothing was sent while it was down.
        assert!(store.touch(&key, version, SystemTime::now()).await.unwrap());
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_an_error_at_the_deadline() {
    let server = new_server().await;
    let store = builder(&server).deadline(DEADLINE).connect().await.unwrap();
    works(&store).await;
    server.pause().await;
    every_call_is_an_outage(&store).await;
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { outage(store.load(&random_key())).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    server.resume().await;
    works(&store).await;
}

#[tokio::test]
async fn a_connection_that_hangs_is_replaced() {
    let server = new_server().await;
    let proxy = proxy(server.port()).await;
    let store = RedisStore::builder(proxy.before(server.url())).deadline(DEADLINE).connect().await.unwrap();
    works(&store).await;
    proxy.lose_next_reply(GET, LostReply::Hangs);
    outage(store.load(&random_key())).await;
    works(&store).await;
    proxy.hang();
    every_call_is_an_outage(&store).await;
    proxy.resume();
    works(&store).await;
}

/// As where a name is made to lead to the new master.
#[tokio::test]
async fn a_server_that_became_a_replica_is_left() {
    let (old, new) = (new_server().await, new_server().await);
    let proxy = proxy(old.port()).await;
    let store = RedisStore::builder(proxy.before(old.url())).deadline(DEADLINE).connect().await.unwrap();
    works(&store).await;
    proxy.lead_to(new.port());
    cli(&old, &["REPLICAOF", "127.0.0.1", &new.port().to_string()]).await;
    outage(store.create(&random_key(), &record(b""))).await;
    works(&store).await;
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_not_sent_again_unless_it_only_reads() {
    let server = new_server().await;
    let proxy = proxy(server.port()).await;
    let store = RedisStore::builder(proxy.before(server.url())).deadline(DEADLINE).connect().await.unwrap();
    works(&store).await;
    let (key, other) = (random_key(), random_key());
    let version = store.create(&key, &record(b"one")).await.unwrap();
    forget_calls(&server).await;

    proxy.lose_next_reply(GET, LostReply::Closes);
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"one");
    assert_eq!(calls(&server).await["get"], 2);

    proxy.lose_next_reply(SCRIPT, LostReply::Closes);
    outage(store.replace(&key, version, &record(b"two"))).await;
    let changed = store.load(&key).await.unwrap().unwrap();
    assert_eq!(changed.payload(), b"two");

    proxy.lose_next_reply(SET, LostReply::Closes);
    outage(store.create(&other, &record(b"two"))).await;
    assert!(store.load(&other).await.unwrap().is_some());

    proxy.lose_next_reply(SCRIPT, LostReply::Closes);
    outage(store.touch(&key, changed.version(), SystemTime::UNIX_EPOCH)).await;
    assert_eq!(store.load(&key).await.unwrap().unwrap().expires_at(), SystemTime::UNIX_EPOCH);

    proxy.lose_next_reply(SCRIPT, LostReply::Closes);
    outage(store.remove(&key, changed.version())).await;
    assert_eq!(store.load(&key).await.unwrap(), None);
    // `SET` is called by the script of `replace`, too.
    let calls = calls(&server).await;
    assert_eq!((calls["evalsha"], calls["set"]), (3, 2));
}

/// The application never restarts. Each increment that it acknowledged is there; one that ended in an error is there once
/// or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_survive_kills_and_lost_answers() {
    let server = redis_with(RedisOptions::default().append_only().setting("appendfsync", "always")).await;
    let proxy = proxy(server.port()).await;
    let app = App::new(RedisStore::builder(proxy.before(server.url())).deadline(DEADLINE).connect().await.unwrap());
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
        proxy.lose_next_reply(SCRIPT, LostReply::Closes);
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.lose_next_reply(SCRIPT, LostReply::Hangs);
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.kill().await;
        server.restart().await;
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

/// What the application's own connection does is its own affair, but the deadline holds there, too.
#[tokio::test]
async fn a_given_connection_keeps_the_deadline() {
    let server = new_server().await;
    let client = redis::Client::open(server.url()).unwrap();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    let store = RedisStore::from_connection(connection).deadline(DEADLINE).connect().await.unwrap();
    works(&store).await;
    server.pause().await;
    every_call_is_an_outage(&store).await;
}
