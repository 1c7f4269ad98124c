//! Random requests on the store in memory.

use std::sync::Arc;

use history_tests::{Stores, check_store, check_store_on_one_thread, requests_or};
use session_core::store::MAX_CLOCK_SKEW;
use session_memory::MemoryStore;

/// Returns a store of which both engines use one clone.
fn stores() -> Stores {
    let store = Arc::new(MemoryStore::new());
    Stores::new("memory", [store.clone(), store.clone()])
        .reliable()
        // One process has one clock. Here, two engines have different ones.
        .with_sweeps([store.clone(), store], MAX_CLOCK_SKEW)
}

#[test]
fn ordered_histories_in_memory_keep_every_guarantee() {
    check_store_on_one_thread(stores, requests_or(10_000, 8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_histories_in_memory_keep_every_guarantee() {
    check_store(stores(), requests_or(4_000, 2)).await;
}
