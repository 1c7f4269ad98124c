//! The contract of a store, call by call.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::{Duration, SystemTime};

use session_core::ErrorKind;
use session_core::store::{
    NewRecord, OwnerIndex as _, Replaced, SessionStore as _, StoreKey, Sweep as _, Version,
};
use session_memory::MemoryStore;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn key(number: u8) -> StoreKey {
    StoreKey::from_bytes([number; 32])
}

fn later(nanos: u64) -> SystemTime {
    NOW + Duration::from_nanos(nanos)
}

async fn replaced(
    store: &MemoryStore,
    key: &StoreKey,
    at: Version,
    record: &NewRecord<'_>,
) -> Version {
    let Replaced::Done(version) = store.replace(key, at, record).await.unwrap() else {
        panic!("stale")
    };
    version
}

#[tokio::test]
async fn records_are_returned_unchanged() {
    let store = MemoryStore::new();
    let bytes: Vec<u8> = (0..=255).collect();
    let payloads: [&[u8]; 4] = [b"", &bytes, b"trailing \0 ", b"{\"json\":1}"];
    let owners = [None, Some(""), Some("ada "), Some("Ada"), Some("'%*\0\u{1f600}")];
    for (number, payload) in (0..).zip(payloads) {
        for (other, owner) in (0..).zip(owners) {
            let key = key(number * 16 + other);
            let record = NewRecord::new(payload, later(1), later(2)).owned_by(owner);
            let version = store.create(&key, &record).await.unwrap();
            let read = store.load(&key).await.unwrap().unwrap();
            assert_eq!((read.version(), read.payload(), read.owner()), (version, payload, owner));
            assert_eq!((read.created_at(), read.expires_at()), (later(1), later(2)));
        }
    }
}

#[tokio::test]
async fn conditional_calls_require_current_version() {
    let store = MemoryStore::new();
    let (one, two) = (NewRecord::new(b"one", NOW, NOW), NewRecord::new(b"two", NOW, NOW));
    assert_eq!(store.replace(&key(1), Version::new(0), &one).await.unwrap(), Replaced::Stale);
    assert!(!store.touch(&key(1), Version::new(0), NOW).await.unwrap());
    assert!(!store.remove(&key(1), Version::new(0)).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap(), None);

    let first = store.create(&key(1), &one).await.unwrap();
    assert_eq!(store.create(&key(1), &two).await.unwrap_err().kind(), ErrorKind::Backend);
    let second = replaced(&store, &key(1), first.clone(), &two).await;
    assert_eq!(store.replace(&key(1), first.clone(), &one).await.unwrap(), Replaced::Stale);
    assert!(
        !store.touch(&key(1), first.clone(), NOW).await.unwrap()
            && !store.remove(&key(1), first.clone()).await.unwrap()
    );
    assert!(store.touch(&key(1), second.clone(), later(9)).await.unwrap());
    let touched = store.load(&key(1)).await.unwrap().unwrap();
    assert_eq!((touched.payload(), touched.expires_at()), (&b"two"[..], later(9)));
    assert!(store.remove(&key(1), touched.version()).await.unwrap());

    let again = store.create(&key(1), &one).await.unwrap();
    assert!(![first, second, touched.version()].contains(&again), "a version was used twice");
}

#[tokio::test]
async fn owner_index_follows_records_and_is_shared_by_clones() {
    let store = MemoryStore::new();
    let record = NewRecord::new(b"", NOW, NOW);
    let version = store.create(&key(1), &record.owned_by(Some("ada"))).await.unwrap();
    store.create(&key(2), &record.owned_by(Some("Ada"))).await.unwrap();
    let clone = store.clone();
    assert_eq!(clone.keys_of("ada").await.unwrap(), [key(1)]);
    let version = replaced(&clone, &key(1), version, &record.owned_by(Some("eve"))).await;
    assert!(store.keys_of("ada").await.unwrap().is_empty());
    assert_eq!(store.keys_of("eve").await.unwrap(), [key(1)]);
    assert_eq!(
        store.replace(&key(1), Version::new(99), &record.owned_by(Some("ada"))).await.unwrap(),
        Replaced::Stale
    );
    assert!(store.keys_of("ada").await.unwrap().is_empty());
    store.remove(&key(1), version).await.unwrap();
    assert!(store.keys_of("eve").await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_is_listed_while_its_record_has_owner() {
    let store = MemoryStore::new();
    let record = NewRecord::new(b"", NOW, NOW);
    store.create(&key(1), &record.owned_by(Some("a"))).await.unwrap();
    let writers: Vec<_> = ["a", "b", "a", "b"]
        .into_iter()
        .map(|owner| {
            let store = store.clone();
            tokio::spawn(async move {
                let record = NewRecord::new(b"", NOW, NOW).owned_by(Some(owner));
                for _ in 0..5000 {
                    let version = store.load(&key(1)).await.unwrap().unwrap().version();
                    store.replace(&key(1), version, &record).await.unwrap();
                }
            })
        })
        .collect();
    let mut seen = 0;
    while writers.iter().any(|writer| !writer.is_finished()) {
        let before = store.load(&key(1)).await.unwrap().unwrap();
        let listed = store.keys_of(before.owner().unwrap()).await.unwrap();
        // The list is checked only if the record did not change between the two calls.
        if store.load(&key(1)).await.unwrap().unwrap().version() == before.version() {
            assert_eq!(listed, [key(1)]);
            seen += 1;
        }
        tokio::task::yield_now().await;
    }
    assert!(seen > 0);
    let last = store.load(&key(1)).await.unwrap().unwrap();
    let other = if last.owner() == Some("a") { "b" } else { "a" };
    assert_eq!(store.keys_of(last.owner().unwrap()).await.unwrap(), [key(1)]);
    assert!(store.keys_of(other).await.unwrap().is_empty(), "a removed key is still listed");
}

/// A record may be evicted while it is replaced or touched, and still be in the cache afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn record_evicted_during_write_is_listed_if_loadable() {
    let store = MemoryStore::with_capacity(2);
    let crowd = store.clone();
    let crowding = tokio::spawn(async move {
        for round in 0..60_000_u32 {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&round.to_be_bytes());
            bytes[31] = 1;
            let record = NewRecord::new(b"", NOW, NOW);
            crowd.create(&StoreKey::from_bytes(bytes), &record).await.unwrap();
        }
    });
    let record = NewRecord::new(b"", NOW, NOW).owned_by(Some("ada"));
    let (mut seen, mut round) = (0, 0_u64);
    while !crowding.is_finished() {
        round += 1;
        let Some(before) = store.load(&key(9)).await.unwrap() else {
            // No other task creates this record.
            store.create(&key(9), &record).await.unwrap();
            continue;
        };
        if round.is_multiple_of(2) {
            store.replace(&key(9), before.version(), &record).await.unwrap();
        } else {
            store.touch(&key(9), before.version(), later(round)).await.unwrap();
        }
        let Some(written) = store.load(&key(9)).await.unwrap() else { continue };
        let listed = store.keys_of("ada").await.unwrap();
        let after = store.load(&key(9)).await.unwrap();
        if after.is_some_and(|after| after.version() == written.version()) {
            assert_eq!(listed, [key(9)], "round {round}");
            seen += 1;
        }
    }
    crowding.await.unwrap();
    assert!(seen > 0);
}

#[tokio::test]
async fn load_many_keeps_order_duplicates_and_missing_keys() {
    let store = MemoryStore::new();
    for number in 1..=2 {
        store.create(&key(number), &NewRecord::new(&[number], NOW, NOW)).await.unwrap();
    }
    let records = store.load_many(&[2, 3, 1, 2].map(key)).await.unwrap();
    let payloads: Vec<_> = records.iter().map(|record| Some(record.as_ref()?.payload())).collect();
    assert_eq!(payloads, [Some(&[2][..]), None, Some(&[1]), Some(&[2])]);
    assert!(store.load_many(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn sweep_removes_only_expired_records() {
    let store = MemoryStore::new();
    for number in 0..10 {
        let record = NewRecord::new(b"", NOW, later(u64::from(number))).owned_by(Some("ada"));
        store.create(&key(number), &record).await.unwrap();
    }
    assert_eq!(store.sweep(later(5), 3).await.unwrap(), 3);
    assert_eq!(store.sweep(later(5), 3).await.unwrap(), 2);
    assert_eq!(store.sweep(later(5), 3).await.unwrap(), 0);
    for number in 0..10 {
        assert_eq!(store.load(&key(number)).await.unwrap().is_some(), number >= 5, "{number}");
    }
    assert_eq!(store.keys_of("ada").await.unwrap().len(), 5);
}
