//! The conformance suites over an encrypted store.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use session_core::config::SecretKey;
use session_core::{ServerSideSessions, SessionConfig};
use session_encrypted::EncryptedStore;
use session_memory::MemoryStore;

fn store() -> EncryptedStore<MemoryStore> {
    let limit = (1 << 20) + EncryptedStore::<MemoryStore>::OVERHEAD;
    let store = MemoryStore::builder().max_payload(limit).build();
    let key = SecretKey::new("a-test-secret-7Qd0pXw4ZrLk9Vm2Bn8Ys5Tc1");
    key.and_then(|key| EncryptedStore::new(store, &key)).unwrap()
}

mod store {
    session_conformance::store_suite!(async { super::store() }, owner_index, sweep, clones);
}

fn sessions(config: SessionConfig) -> ServerSideSessions<EncryptedStore<MemoryStore>> {
    ServerSideSessions::new(store(), config)
}

mod sessions {
    session_conformance::interface_suite!(
        server_side,
        |config| async move { super::sessions(config) },
        owners,
    );
}
