//! Finding and ending all records of one server.

use std::collections::HashSet;

use session_conformance::scan::{check_administration, check_scan};
use session_core::ErrorKind;
use session_core::store::{Scan as _, SessionStore as _, StoreKey};
use session_redis::RedisStore;

use crate::support::{builder, cli, new_server, new_valkey, random_key, record, store};

async fn keys(store: &RedisStore) -> Vec<StoreKey> {
    let (mut keys, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = store.scan(after.as_deref(), 10).await.unwrap();
        keys.extend(page.keys);
        after = page.next;
        if after.is_none() {
            return keys;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_found_and_ended() {
    for server in [new_server().await, new_valkey().await] {
        check_scan(store(&server).await).await;
        check_administration(store(&server).await).await;
    }
}

/// The prefix of a store may begin with that of another, or have characters of patterns.
#[tokio::test]
async fn scan_finds_only_records_with_its_prefix() {
    let server = new_server().await;
    let prefixes = ["session:", "session:owner:", "", "s*", "[a-z]", "s?", "\\", "^"];
    let mut expected = Vec::new();
    for prefix in prefixes {
        let store = builder(&server).key_prefix(prefix).connect().await.unwrap();
        let key = random_key();
        store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
        expected.push((store, key));
    }
    for _ in 0..100 {
        cli(&server, &["SET", &format!("other:{}", fastrand::u64(..)), "x"]).await;
    }
    for ((store, key), prefix) in expected.iter().zip(prefixes) {
        // The list of an owner has the form of a record of a store with a longer prefix.
        let mut found = keys(store).await;
        if prefix == "session:owner:" {
            found.retain(|found| found == key);
        }
        let found: HashSet<_> = found.into_iter().collect();
        assert_eq!(found, HashSet::from([*key]), "{prefix:?}");
    }
}

/// Positions of a Redis that was restarted are invalid, because it hashes keys with another secret.
#[tokio::test]
async fn scan_starts_again_after_restart() {
    let server = new_server().await;
    let store = store(&server).await;
    for _ in 0..300 {
        store.create(&random_key(), &record(b"")).await.unwrap();
    }
    let first = store.scan(None, 100).await.unwrap();
    server.restart().await;
    let mut after = first.next;
    let expected: HashSet<_> = {
        let mut keys = HashSet::new();
        for _ in 0..300 {
            let key = random_key();
            store.create(&key, &record(b"")).await.unwrap();
            keys.insert(key);
        }
        keys
    };
    let mut found = HashSet::new();
    while let Some(position) = after {
        let page = store.scan(Some(&position), 100).await.unwrap();
        found.extend(page.keys);
        after = page.next;
    }
    assert!(expected.is_subset(&found));
}

#[tokio::test]
async fn outage_during_scan_is_unavailable() {
    let server = new_server().await;
    let store = store(&server).await;
    server.kill().await;
    let error = store.scan(None, 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let error = store.count(std::time::SystemTime::now()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}
