//! Two concurrent runs of the suite against one store do not affect each other.

use session_conformance::store::{StoreUnderTest, rules};
use session_memory::MemoryStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_runs_on_one_store_pass() {
    let store = MemoryStore::new();
    let mut checks = Vec::new();
    for run in ["first", "second"] {
        for rule in rules() {
            let store = store.clone();
            checks.push(tokio::spawn(async move {
                let under_test = StoreUnderTest::new(store.clone())
                    .owner_index(store.clone())
                    .sweep(store.clone());
                let checked = rule.check(&under_test.clones(store)).await;
                // The store cannot be reopened, and has no outages.
                let is_lacking = |seen: &str| seen.starts_with("the suite was not given");
                match checked {
                    Err(violation) if !is_lacking(violation.failure().seen()) => {
                        Err(format!("in the {run} run, {violation}"))
                    }
                    _ => Ok(()),
                }
            }));
        }
    }
    for check in checks {
        check.await.unwrap().unwrap();
    }
}
