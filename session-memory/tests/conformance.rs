//! The memory store keeps every rule of a store, and its sessions every rule of sessions on a server.

mod store {
    conformance_tests::store_suite!(async { session_memory::MemoryStore::new() }, owner_index, sweep, clones);
}

mod sessions {
    conformance_tests::interface_suite!(
        server_side,
        |config| async move { session_memory::MemorySessions::new(config) },
        owners,
    );
}
