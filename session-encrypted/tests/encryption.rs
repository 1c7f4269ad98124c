//! The payloads that the other store gets, and the keys that decrypt them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::config::SecretKey;
use session_core::request::{RequestSession, RequestView};
use session_core::store::{NewRecord, OwnerIndex as _, Record, Replaced, SessionStore, StoreKey};
use session_core::{ErrorKind, OwnerSessions as _, ServerSideSessions, SessionConfig};
use session_encrypted::EncryptedStore;
use session_memory::MemoryStore;

const PAYLOAD: &[u8] = br#"{"card":"4000 1234 5678 9017"}"#;
const KEY: StoreKey = StoreKey::from_bytes([7; 32]);
const OTHER_KEY: StoreKey = StoreKey::from_bytes([8; 32]);

fn key(name: &str) -> SecretKey {
    SecretKey::new(format!("{name}-test-secret-7Qd0pXw4ZrLk9Vm2Bn8Ys5")).unwrap()
}

fn encrypted(store: &MemoryStore, key: &SecretKey) -> EncryptedStore<MemoryStore> {
    EncryptedStore::new(store.clone(), key).unwrap()
}

fn record(payload: &[u8]) -> NewRecord<'_> {
    let now = SystemTime::now();
    NewRecord::new(payload, now, now + Duration::from_secs(3600)).owned_by(Some("ada"))
}

async fn stored(store: &MemoryStore) -> Record {
    store.load(&KEY).await.unwrap().unwrap()
}

async fn payload(store: &impl SessionStore) -> Option<Vec<u8>> {
    store.load(&KEY).await.unwrap().map(Record::into_payload)
}

#[tokio::test]
async fn store_gets_no_readable_payload() {
    let store = MemoryStore::new();
    let sessions = encrypted(&store, &key("first"));
    let version = sessions.create(&KEY, &record(PAYLOAD)).await.unwrap();
    let first = stored(&store).await;
    assert_eq!((first.owner(), first.payload().len()), (Some("ada"), PAYLOAD.len() + 29));
    assert!(!first.payload().windows(4).any(|part| PAYLOAD.windows(4).any(|other| part == other)));
    assert_eq!(payload(&sessions).await.unwrap(), PAYLOAD);

    let replaced = sessions.replace(&KEY, version, &record(PAYLOAD)).await.unwrap();
    assert_ne!(replaced, Replaced::Stale);
    assert_ne!(stored(&store).await.payload(), first.payload(), "the nonce is new");
    assert_eq!(payload(&sessions).await.unwrap(), PAYLOAD);
}

#[tokio::test]
async fn keys_rotate_in_three_steps_without_losing_sessions() {
    let store = MemoryStore::new();
    let (old, new) = (key("old"), key("new"));
    let first = encrypted(&store, &old.clone().with_fallback(&new));
    let second = encrypted(&store, &new.clone().with_fallback(&old));
    let version = encrypted(&store, &old).create(&KEY, &record(PAYLOAD)).await.unwrap();
    assert_eq!(payload(&first).await.unwrap(), PAYLOAD);
    assert_eq!(payload(&second).await.unwrap(), PAYLOAD);
    assert_eq!(payload(&encrypted(&store, &new)).await, None);

    second.replace(&KEY, version, &record(PAYLOAD)).await.unwrap();
    assert_eq!(payload(&encrypted(&store, &new)).await.unwrap(), PAYLOAD);
    assert_eq!(payload(&first).await.unwrap(), PAYLOAD);
    assert_eq!(payload(&encrypted(&store, &old)).await, None);
}

#[tokio::test]
async fn payload_of_another_key_or_owner_is_not_decrypted() {
    let store = MemoryStore::new();
    let sessions = encrypted(&store, &key("first"));
    sessions.create(&KEY, &record(PAYLOAD)).await.unwrap();
    let original = stored(&store).await;
    let copy = record(original.payload());
    store.create(&OTHER_KEY, &copy).await.unwrap();
    assert!(sessions.load(&OTHER_KEY).await.unwrap().is_none());
    let loaded = sessions.load_many(&[OTHER_KEY, KEY]).await.unwrap();
    assert!(loaded[0].is_none());
    assert_eq!(loaded[1].as_ref().unwrap().payload(), PAYLOAD);

    for owner in [None, Some(""), Some("eve")] {
        let version = stored(&store).await.version();
        store.replace(&KEY, version, &copy.owned_by(owner)).await.unwrap();
        assert_eq!(payload(&sessions).await, None, "{owner:?}");
    }
}

#[tokio::test]
async fn changed_or_plain_payload_is_treated_as_absent() {
    let store = MemoryStore::new();
    let sessions = encrypted(&store, &key("first"));
    let mut version = sessions.create(&KEY, &record(PAYLOAD)).await.unwrap();
    let original = stored(&store).await.into_payload();
    let mut broken = vec![PAYLOAD.to_vec(), Vec::new(), original[..28].to_vec()];
    for at in [0, 1, original.len() - 20, original.len() - 1] {
        let mut payload = original.clone();
        payload[at] ^= 1;
        broken.push(payload);
    }
    for changed in broken {
        let Replaced::Done(next) = store.replace(&KEY, version, &record(&changed)).await.unwrap()
        else {
            unreachable!("no other task writes")
        };
        version = next;
        assert_eq!(payload(&sessions).await, None, "{changed:?}");
    }
}

/// The payload `one`, encrypted in version 1 for `KEY` and the owner `ada`.
const SAMPLE: &str = "015fe95669d3b270b760f96118535c7572605da98c06cfc1b5b917600a86ad2b";

#[tokio::test]
async fn payload_of_version_1_is_read() {
    let store = MemoryStore::new();
    let bytes: Vec<u8> = SAMPLE
        .as_bytes()
        .chunks(2)
        .map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap())
        .collect();
    store.create(&KEY, &record(&bytes)).await.unwrap();
    assert_eq!(payload(&encrypted(&store, &key("first"))).await.unwrap(), b"one");
}

/// A later build must be able to read what this one writes, so the layout must not change.
#[tokio::test]
async fn payload_is_written_in_version_1() {
    let store = MemoryStore::new();
    encrypted(&store, &key("first")).create(&KEY, &record(b"one")).await.unwrap();
    let written = stored(&store).await.into_payload();
    assert_eq!((written[0], written.len()), (1, 1 + 3 + 16 + 12));
}

#[tokio::test]
async fn newer_payload_is_unavailable_and_stays() {
    let store = MemoryStore::new();
    let sessions = encrypted(&store, &key("first"));
    store.create(&KEY, &record(b"\xffen\x02 of a newer build")).await.unwrap();
    sessions.create(&OTHER_KEY, &record(PAYLOAD)).await.unwrap();
    let before = stored(&store).await;
    for error in [
        sessions.load(&KEY).await.unwrap_err(),
        sessions.load_recent(&KEY).await.unwrap_err(),
        sessions.load_many(&[OTHER_KEY, KEY]).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.is_newer_format(), "{error}");
    }
    assert_eq!(stored(&store).await, before);
}

#[tokio::test]
async fn end_all_ends_sessions_beside_newer_payload() {
    let store = MemoryStore::new();
    let sessions = encrypted(&store, &key("first"));
    let engine = Arc::new(ServerSideSessions::new(sessions, SessionConfig::default()));
    let request = RequestSession::new(Arc::clone(&engine), RequestView::default());
    request.session().await.unwrap().log_in("ada", None).await.unwrap();
    store.create(&KEY, &record(b"\xffen\x02 of a newer build")).await.unwrap();
    let before = stored(&store).await;
    let error = engine.end_all("ada").await.unwrap_err();
    assert!(error.is_newer_format(), "{error}");
    assert!(error.to_string().starts_with("1 sessions of the owner were ended, and 1 are left"));
    assert_eq!(stored(&store).await, before);
    assert_eq!(store.keys_of("ada").await.unwrap(), [KEY]);
}

#[test]
fn debug_shows_no_key() {
    let sessions = encrypted(&MemoryStore::new(), &key("hunter2"));
    assert!(!format!("{sessions:?}").contains("hunter2"));
}

#[tokio::test]
async fn every_record_is_found_and_ended() {
    let store = || encrypted(&MemoryStore::new(), &key("new"));
    session_conformance::scan::check_scan(store()).await;
    session_conformance::scan::check_administration(store()).await;
}
