//! Requests without a session fill no store.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use session_core::store::{NewRecord, OwnerIndex, StoreKey};
use session_core::{
    Error, ErrorKind, ServerSideSessions, Session, SessionConfig, SessionInterface,
};
use session_memory::MemoryStore;

use crate::backends::{Adapter, Handler, Server, handler, reading, visit};
use crate::recording::Recording;

/// More than the limit of each store.
const LARGE: usize = 2 * 1024 * 1024;
const MALFORMED: [&[u8]; 3] = [b"session=x", b"session=\xff", b"session"];
const UNKNOWN: &[u8] = b"session=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn sessions(store: &Arc<Recording>) -> Arc<dyn SessionInterface> {
    Arc::new(ServerSideSessions::new(Arc::clone(store), SessionConfig::default()))
}

fn storing_large() -> Handler {
    handler(|session: Session| async move {
        session.insert("large", "x".repeat(LARGE)).map(|()| String::new())
    })
}

/// Returns how many records visitors can store by requests that store no value.
async fn stored_by_reads(store: &Arc<Recording>, read: &Handler) -> usize {
    let sessions = sessions(store);
    for adapter in Adapter::ALL {
        for cookie in MALFORMED.into_iter().chain([UNKNOWN, b""]) {
            for _ in 0..10 {
                adapter.send(Arc::clone(&sessions), Arc::clone(read), cookie).await;
            }
        }
    }
    store.writes()
}

#[actix_web::test]
async fn read_of_visitor_stores_no_record() {
    for server in Server::ALL {
        let store = Recording::of(server.store().await);
        assert_eq!(stored_by_reads(&store, &reading("user")).await, 0, "{server:?}");
        // A mutant: a handler that stores something for each visitor.
        let write = crate::backends::storing("user", "x");
        assert!(stored_by_reads(&store, &write).await > 0, "{server:?}");
    }
}

/// Returns whether the store refuses a large payload, also in place of a small one.
async fn refuses_large(store: &dyn OwnerIndex) -> bool {
    let now = SystemTime::now();
    let record = |payload| NewRecord::new(payload, now, now + Duration::from_mins(5));
    let (small, large) = (vec![b'x'; 100], vec![b'x'; LARGE]);
    let [one, other] = [1, 2].map(|byte| StoreKey::from_bytes([byte; 32]));
    let version = store.create(&one, &record(&small)).await.unwrap();
    let results = [
        store.replace(&one, version, &record(&large)).await.map(drop),
        store.create(&other, &record(&large)).await.map(drop),
    ];
    let kept = store.load(&one).await.unwrap().is_some_and(|kept| kept.payload() == small);
    let is_refused = |result: &Result<(), Error>| {
        result.as_ref().is_err_and(|error| error.kind() == ErrorKind::TooLarge)
    };
    kept && results.iter().all(is_refused) && store.load(&other).await.unwrap().is_none()
}

#[actix_web::test]
async fn large_session_is_refused_by_each_store() {
    for server in Server::ALL {
        let store = server.store().await;
        assert!(refuses_large(&store).await, "{server:?}");
        let sessions = sessions(&Recording::of(store));
        let error = visit(&sessions, b"", &storing_large()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{server:?}");
    }
    // A mutant: a store without a limit.
    let unlimited = MemoryStore::builder().max_payload(2 * LARGE).build();
    assert!(!refuses_large(&unlimited).await);
}
