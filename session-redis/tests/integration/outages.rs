//! Servers that are down or hang, connections that hang, and lost replies. Each call fails by its
//! deadline with the right kind of error, and later calls succeed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use session_core::events::{Event, Events};
use session_core::store::{OwnerIndex as _, SessionStore as _, Version};
use session_redis::{RedisStore, redis};
use test_servers::{LostReply, RedisOptions, proxy, redis_with};
use tokio::time::timeout;

use crate::support::requests::App;
use crate::support::{
    DEADLINE, assert_outage, assert_works, builder, calls, cli, new_server, random_key, record,
    replaced, reset_calls,
};

/// The commands whose replies the proxy drops.
const GET: &[u8] = b"\nGET\r";
const SET: &[u8] = b"\nSET\r";
const SCRIPT: &[u8] = b"\nEVALSHA\r";

async fn assert_every_call_is_outage(store: &RedisStore) {
    let (key, version, owned) = (random_key(), Version::new(1), record(b"").owned_by(Some("ada")));
    assert_outage(store.load(&key)).await;
    assert_outage(store.load_many(&[key, key])).await;
    assert_outage(store.create(&key, &record(b""))).await;
    assert_outage(store.create(&key, &owned)).await;
    assert_outage(store.replace(&key, version.clone(), &owned)).await;
    assert_outage(store.touch(&key, version.clone(), SystemTime::now())).await;
    assert_outage(store.remove(&key, version)).await;
    assert_outage(store.keys_of("ada")).await;
}

#[tokio::test]
async fn calls_fail_while_server_is_down_and_work_after_restart() {
    let server =
        redis_with(RedisOptions::default().append_only().setting("appendfsync", "always")).await;
    let reconnected = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&reconnected);
    let events = Events::new(move |event: &Event<'_>| {
        assert!(matches!(event, Event::Reconnected));
        count.fetch_add(1, Ordering::Relaxed);
    });
    let store = builder(&server).deadline(DEADLINE).events(events).connect().await.unwrap();
    assert_eq!(reconnected.load(Ordering::Relaxed), 0);
    let key = random_key();
    let mut version = store.create(&key, &record(b"kept").owned_by(Some("ada"))).await.unwrap();
    for _ in 0..3 {
        server.kill().await;
        assert_every_call_is_outage(&store).await;
        server.restart().await;
        // No load before this call could notice that the connection is closed.
        version = replaced(&store, &key, version, &record(b"kept").owned_by(Some("ada"))).await;
        assert_eq!(store.keys_of("ada").await.unwrap(), [key]);

        server.kill().await;
        server.restart().await;
        // No call was made while the server was down.
        assert!(store.touch(&key, version.clone(), SystemTime::now()).await.unwrap());
    }
    assert_eq!(reconnected.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn calls_fail_at_deadline_while_server_hangs() {
    let server = new_server().await;
    let store = builder(&server).deadline(DEADLINE).connect().await.unwrap();
    assert_works(&store).await;
    server.pause().await;
    assert_every_call_is_outage(&store).await;
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { assert_outage(store.load(&random_key())).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    server.resume().await;
    assert_works(&store).await;
}

#[tokio::test]
async fn hanging_connection_is_replaced() {
    let server = new_server().await;
    let proxy = proxy(server.port()).await;
    let store =
        RedisStore::builder(proxy.before(server.url())).deadline(DEADLINE).connect().await.unwrap();
    assert_works(&store).await;
    proxy.lose_next_reply(GET, LostReply::Hangs);
    assert_outage(store.load(&random_key())).await;
    assert_works(&store).await;
    proxy.hang();
    assert_every_call_is_outage(&store).await;
    proxy.resume();
    assert_works(&store).await;
}

/// As if the name of the host now resolved to the new master.
#[tokio::test]
async fn connection_to_demoted_server_is_replaced() {
    let (old, new) = (new_server().await, new_server().await);
    let proxy = proxy(old.port()).await;
    let store =
        RedisStore::builder(proxy.before(old.url())).deadline(DEADLINE).connect().await.unwrap();
    assert_works(&store).await;
    proxy.lead_to(new.port());
    cli(&old, &["REPLICAOF", "127.0.0.1", &new.port().to_string()]).await;
    assert_outage(store.create(&random_key(), &record(b""))).await;
    assert_works(&store).await;
}

#[tokio::test]
async fn only_reads_are_sent_again_after_lost_reply() {
    let server = new_server().await;
    let proxy = proxy(server.port()).await;
    let store =
        RedisStore::builder(proxy.before(server.url())).deadline(DEADLINE).connect().await.unwrap();
    assert_works(&store).await;
    let (key, other) = (random_key(), random_key());
    let version = store.create(&key, &record(b"one")).await.unwrap();
    reset_calls(&server).await;

    proxy.lose_next_reply(GET, LostReply::Closes);
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"one");
    assert_eq!(calls(&server).await["get"], 2);

    proxy.lose_next_reply(SCRIPT, LostReply::Closes);
    assert_outage(store.replace(&key, version, &record(b"two"))).await;
    let changed = store.load(&key).await.unwrap().unwrap();
    assert_eq!(changed.payload(), b"two");

    proxy.lose_next_reply(SET, LostReply::Closes);
    assert_outage(store.create(&other, &record(b"two"))).await;
    assert!(store.load(&other).await.unwrap().is_some());

    proxy.lose_next_reply(SCRIPT, LostReply::Closes);
    assert_outage(store.touch(&key, changed.version(), SystemTime::UNIX_EPOCH)).await;
    assert_eq!(store.load(&key).await.unwrap().unwrap().expires_at(), SystemTime::UNIX_EPOCH);

    proxy.lose_next_reply(SCRIPT, LostReply::Closes);
    assert_outage(store.remove(&key, changed.version())).await;
    assert_eq!(store.load(&key).await.unwrap(), None);
    // The script of `replace` also calls `SET`.
    let calls = calls(&server).await;
    assert_eq!((calls["evalsha"], calls["set"]), (3, 2));
}

/// The increments of all clients.
#[derive(Default)]
struct Counts {
    acknowledged: AtomicU64,
    unknown: AtomicU64,
    is_over: AtomicBool,
}

/// Each increment that was acknowledged is applied once. An increment that failed is applied once
/// or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_survive_kills_and_lost_replies() {
    let server =
        redis_with(RedisOptions::default().append_only().setting("appendfsync", "always")).await;
    let proxy = proxy(server.port()).await;
    let app = App::new(
        RedisStore::builder(proxy.before(server.url())).deadline(DEADLINE).connect().await.unwrap(),
    );
    let cookie = app.get("/write/base", "").await.cookie.unwrap();
    let counts = Arc::new(Counts::default());
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (app, cookie, counts) = (app.clone(), cookie.clone(), Arc::clone(&counts));
            tokio::spawn(async move {
                while !counts.is_over.load(Ordering::Relaxed) {
                    let request = app.get("/count", &cookie);
                    let response = timeout(Duration::from_secs(10), request).await.unwrap();
                    let count = match response.status.as_u16() {
                        200 => &counts.acknowledged,
                        503 => &counts.unknown,
                        other => unreachable!("{other}"),
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        })
        .collect();
    let mut rounds = 0;
    while rounds < 6 || counts.acknowledged.load(Ordering::Relaxed) <= 50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.lose_next_reply(SCRIPT, LostReply::Closes);
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.lose_next_reply(SCRIPT, LostReply::Hangs);
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.kill().await;
        server.restart().await;
        rounds += 1;
        assert!(rounds < 200, "few requests succeed between the faults");
    }
    counts.is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let counted = counts.acknowledged.load(Ordering::Relaxed);
    let unknown = counts.unknown.load(Ordering::Relaxed);
    let stored: u64 = app.get("/count", &cookie).await.body.parse().unwrap();
    let stored = stored - 1;
    println!("{counted} acknowledged, {unknown} unknown, {stored} stored");
    assert!(unknown > 0, "no fault met a request");
    assert!(
        (counted..=counted + unknown).contains(&stored),
        "{counted} acknowledged, {unknown} unknown, {stored} stored"
    );
}

#[tokio::test]
async fn existing_connection_keeps_deadline() {
    let server = new_server().await;
    let client = redis::Client::open(server.url()).unwrap();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    let store = RedisStore::from_connection(connection).deadline(DEADLINE).connect().await.unwrap();
    assert_works(&store).await;
    server.pause().await;
    assert_every_call_is_outage(&store).await;
}
