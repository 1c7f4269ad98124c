//! Saves and renewals by `SET` with `IFEQ`, and the scripts where it is missing or refuses.

use std::time::{Duration, SystemTime};

use session_core::store::{OwnerIndex as _, Replaced, SessionStore as _};
use session_redis::RedisStore;
use test_servers::{LostReply, PrivateServer, Proxy, proxy};

use crate::support::requests::App;
use crate::support::{
    DEADLINE, assert_outage, calls, cli, escaped, name_of, new_server, new_valkey, random_key,
    record, replaced, reset_calls, store, until_replicated,
};

const IFEQ: &[u8] = b"\nIFEQ\r";

/// Returns how often a command was called since the last reset.
async fn count(server: &PrivateServer, command: &str) -> u64 {
    calls(server).await.get(command).copied().unwrap_or(0)
}

fn in_hours(hours: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(hours * 3600)
}

async fn store_before(proxy: &Proxy, server: &PrivateServer) -> RedisStore {
    RedisStore::builder(proxy.before(server.url())).deadline(DEADLINE).connect().await.unwrap()
}

#[tokio::test]
async fn save_and_renewal_are_one_plain_command() {
    let server = new_valkey().await;
    let (store, key) = (store(&server).await, random_key());
    let created = store.create(&key, &record(b"one")).await.unwrap();
    let version = replaced(&store, &key, created, &record(b"two")).await;
    assert!(store.touch(&key, version, in_hours(2)).await.unwrap());
    let loaded = store.load(&key).await.unwrap().unwrap();
    replaced(&store, &key, loaded.version(), &record(b"three")).await;
    assert_eq!((count(&server, "set").await, count(&server, "evalsha").await), (4, 0));

    let (key, ada) = (random_key(), Some("ada"));
    let version = store.create(&key, &record(b"one").owned_by(ada)).await.unwrap();
    reset_calls(&server).await;
    let version = replaced(&store, &key, version, &record(b"two").owned_by(ada)).await;
    assert!(store.touch(&key, version, in_hours(1)).await.unwrap());
    let loaded = store.load(&key).await.unwrap().unwrap();
    let version = replaced(&store, &key, loaded.version(), &record(b"three").owned_by(ada)).await;
    assert_eq!((count(&server, "set").await, count(&server, "zscore").await), (3, 3));
    assert_eq!(count(&server, "time").await, 1);
    assert_eq!(count(&server, "evalsha").await + count(&server, "eval").await, 0);
    assert_eq!(store.keys_of("ada").await.unwrap(), [key]);

    // Only the key is removed from the list by a script.
    replaced(&store, &key, version, &record(b"tombstone")).await;
    assert_eq!(count(&server, "getrange").await, 0);
    assert!(store.keys_of("ada").await.unwrap().is_empty());
}

#[tokio::test]
async fn change_of_owner_list_and_long_record_use_script() {
    let server = new_valkey().await;
    let (store, key) = (store(&server).await, random_key());
    let version = store.create(&key, &record(b"one")).await.unwrap();
    let version = replaced(&store, &key, version, &record(b"two").owned_by(Some("ada"))).await;
    assert_eq!(store.keys_of("ada").await.unwrap(), [key]);
    assert!(store.touch(&key, version, in_hours(100)).await.unwrap());
    let loaded = store.load(&key).await.unwrap().unwrap();
    let version = replaced(&store, &key, loaded.version(), &record(&[7; 9000])).await;
    let version = replaced(&store, &key, version, &record(b"short")).await;
    reset_calls(&server).await;
    replaced(&store, &key, version, &record(&[7; 9000])).await;
    assert_eq!(count(&server, "evalsha").await, 1);
    assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), [7; 9000]);
}

/// A renewal keeps the version, so a write at this version must succeed.
#[tokio::test]
async fn save_after_renewal_by_other_request_succeeds() {
    let server = new_valkey().await;
    let (store, key) = (store(&server).await, random_key());
    for owner in [None, Some("ada")] {
        let key = if owner.is_some() { random_key() } else { key };
        let created = store.create(&key, &record(b"one").owned_by(owner)).await.unwrap();
        assert!(store.touch(&key, created.clone(), in_hours(1)).await.unwrap());
        assert!(store.touch(&key, created.clone(), in_hours(1)).await.unwrap());
        let version = replaced(&store, &key, created.clone(), &record(b"two")).await;
        assert_eq!(
            store.replace(&key, created.clone(), &record(b"lost")).await.unwrap(),
            Replaced::Stale
        );
        assert!(!store.touch(&key, created, in_hours(1)).await.unwrap());
        assert_eq!(store.load(&key).await.unwrap().unwrap().version(), version);
    }
}

#[tokio::test]
async fn lost_reply_to_plain_command_is_resolved() {
    let server = new_valkey().await;
    let proxy = proxy(server.port()).await;
    let app = App::new(store_before(&proxy, &server).await);
    for path in ["/write/base", "/login/ada"] {
        let cookie = app.get(path, "").await.cookie.unwrap();
        for count in 1..=10 {
            let reply = if count % 2 == 0 { LostReply::Hangs } else { LostReply::Closes };
            let lost = proxy.lost();
            proxy.lose_next_reply(IFEQ, reply);
            let response = app.get("/count", &cookie).await;
            assert_eq!((response.status.as_u16(), response.body), (200, count.to_string()));
            assert_eq!(proxy.lost(), lost + 1);
        }
        assert_eq!(app.get("/count", &cookie).await.body, "11");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contended_counter_loses_no_increment() {
    let server = new_valkey().await;
    let app = App::new(store(&server).await);
    let cookie = app.get("/write/base", "").await.cookie.unwrap();
    let mut writers = Vec::new();
    for _ in 0..8 {
        let (app, cookie) = (App::new(store(&server).await), cookie.clone());
        writers.push(tokio::spawn(async move {
            for _ in 0..50 {
                assert_eq!(app.get("/count", &cookie).await.status, 200);
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(app.get("/count", &cookie).await.body, "401");
}

/// The replica has the version that the request read, or lacks the last write.
#[tokio::test]
async fn save_on_promoted_replica_compares_its_record() {
    let (master, replica) = (new_valkey().await, new_valkey().await);
    let proxy = proxy(master.port()).await;
    let store = store_before(&proxy, &master).await;
    cli(&replica, &["REPLICAOF", "127.0.0.1", &master.port().to_string()]).await;
    let (current, behind) = (random_key(), random_key());
    let first = store.create(&current, &record(b"one")).await.unwrap();
    let old = store.create(&behind, &record(b"one")).await.unwrap();
    until_replicated(&master).await;
    cli(&replica, &["REPLICAOF", "NO", "ONE"]).await;
    let lost = replaced(&store, &behind, old.clone(), &record(b"lost")).await;

    proxy.lead_to(replica.port());
    cli(&master, &["REPLICAOF", "127.0.0.1", &replica.port().to_string()]).await;
    assert_outage(store.replace(&current, first.clone(), &record(b"refused"))).await;
    replaced(&store, &current, first, &record(b"two")).await;
    assert_eq!(store.replace(&behind, lost, &record(b"two")).await.unwrap(), Replaced::Stale);
    replaced(&store, &behind, old, &record(b"two")).await;
    assert_eq!(cli(&replica, &["STRLEN", &name_of(&behind)]).await, "26");
}

#[tokio::test]
async fn older_server_in_its_place_gets_scripts() {
    let (new, old) = (new_valkey().await, new_server().await);
    for owner in [None, Some("ada")] {
        let proxy = proxy(new.port()).await;
        let (store, key) = (store_before(&proxy, &new).await, random_key());
        store.create(&key, &record(b"one").owned_by(owner)).await.unwrap();
        let version = store.load(&key).await.unwrap().unwrap().version();
        let bytes = version.stored().unwrap().to_vec();
        copy(&old, &key, &bytes).await;
        reset_calls(&old).await;
        proxy.lead_to(old.port());
        cli(&new, &["CLIENT", "KILL", "TYPE", "normal"]).await;
        // Only a read is sent again if the store has not noticed the lost connection yet.
        assert!(store.load(&key).await.unwrap().is_some());
        let version = replaced(&store, &key, version, &record(b"two").owned_by(owner)).await;
        assert!(store.touch(&key, version.clone(), in_hours(1)).await.unwrap());
        assert_eq!(version.stored(), None, "the bytes are no longer compared");
        assert_eq!(store.load(&key).await.unwrap().unwrap().payload(), b"two");
        // One refused `SET`, and one of the script.
        let info = cli(&old, &["INFO", "commandstats"]).await;
        let refused = info.lines().any(|line| {
            line.starts_with("cmdstat_set:") && line.trim_end().ends_with("failed_calls=1")
        });
        assert!(refused, "{info}");
        assert!(store.remove(&key, version).await.unwrap());
    }
}

/// Stores the bytes of a record, as a replica would.
async fn copy(server: &PrivateServer, key: &session_core::store::StoreKey, bytes: &[u8]) {
    cli(server, &["SET", &name_of(key), &escaped(bytes)]).await;
}
