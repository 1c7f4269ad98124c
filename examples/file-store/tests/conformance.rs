//! The conformance rules for stores and for server-side sessions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::LazyLock;

use file_store::FileStore;

/// All tests share one directory, like the processes of an application.
static STORE: LazyLock<FileStore> = LazyLock::new(|| {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
    if directory.exists() {
        std::fs::remove_dir_all(&directory).unwrap();
    }
    FileStore::open(directory).unwrap()
});

mod rules_of_a_store {
    conformance_tests::store_suite!(async { super::STORE.clone() }, sweep, clones);
}

mod rules_of_sessions_on_a_server {
    use session_core::ServerSideSessions;

    conformance_tests::interface_suite!(server_side, |config| async move {
        ServerSideSessions::new(super::STORE.clone(), config)
    });
}
