//! The conformance suites of stores and of server-side sessions.

mod store {
    session_conformance::store_suite!(
        async { session_memory::MemoryStore::new() },
        owner_index,
        sweep,
        clones
    );
}

mod sessions {
    use session_memory::{MemorySessions, MemoryStore};

    session_conformance::interface_suite!(
        server_side,
        |config| async move { MemorySessions::new(MemoryStore::new(), config) },
        owners,
    );
}

mod cached_store {
    session_conformance::store_suite!(
        async { session_memory::Cached::new(session_memory::MemoryStore::new()) },
        owner_index,
        sweep,
        clones
    );
}

mod cached_sessions {
    use session_core::ServerSideSessions;
    use session_memory::{Cached, MemoryStore};

    session_conformance::interface_suite!(
        server_side,
        |config| async move { ServerSideSessions::new(Cached::new(MemoryStore::new()), config) },
        owners,
    );
}
