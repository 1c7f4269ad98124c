//! The conformance suites of stores and of server-side sessions.

mod store {
    conformance_tests::store_suite!(
        async { session_memory::MemoryStore::new() },
        owner_index,
        sweep,
        clones
    );
}

mod sessions {
    use session_memory::{MemorySessions, MemoryStore};

    conformance_tests::interface_suite!(
        server_side,
        |config| async move { MemorySessions::new(MemoryStore::new(), config) },
        owners,
    );
}

mod cached_store {
    conformance_tests::store_suite!(
        async { session_memory::Cached::new(session_memory::MemoryStore::new()) },
        owner_index,
        sweep,
        clones
    );
}

mod cached_sessions {
    use session_core::ServerSideSessions;
    use session_memory::{Cached, MemoryStore};

    conformance_tests::interface_suite!(
        server_side,
        |config| async move { ServerSideSessions::new(Cached::new(MemoryStore::new()), config) },
        owners,
    );
}
