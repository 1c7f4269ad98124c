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
    session_conformance::store_suite!(async { super::STORE.clone() }, sweep, clones);
}

/// Each test has its own directory, which is closed and missing at times.
mod rules_of_a_store_that_is_reopened {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use file_store::FileStore;

    fn store() -> FileStore {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("reopened-{}-{number}", std::process::id());
        FileStore::open(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder)).unwrap()
    }

    /// Moves the directory away and back.
    fn outage(directory: PathBuf) -> impl Fn(bool) {
        let elsewhere = directory.with_extension("elsewhere");
        move |down| {
            let (from, to) = if down { (&directory, &elsewhere) } else { (&elsewhere, &directory) };
            std::fs::rename(from, to).unwrap();
        }
    }

    session_conformance::store_suite!(
        async { store() },
        sweep,
        clones,
        reopen = |store: &FileStore| {
            let directory = store.directory().to_owned();
            move || {
                let directory = directory.clone();
                async move { FileStore::open(directory).unwrap() }
            }
        },
        outage = |store: &FileStore| outage(store.directory().to_owned()),
    );
}

mod rules_of_sessions_on_a_server {
    use session_core::ServerSideSessions;

    session_conformance::interface_suite!(server_side, |config| async move {
        ServerSideSessions::new(super::STORE.clone(), config)
    });
}
