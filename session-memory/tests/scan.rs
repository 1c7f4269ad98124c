//! Finding and ending all records.

use session_conformance::scan::{check_administration, check_scan};
use session_memory::{Cached, MemoryStore};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scan_finds_every_record() {
    check_scan(MemoryStore::new()).await;
    check_scan(MemoryStore::with_capacity(3000)).await;
    check_scan(Cached::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_sessions_end_while_requests_write() {
    check_administration(MemoryStore::new()).await;
    check_administration(Cached::new(MemoryStore::new())).await;
}
