//! Mutants of the rules of handlers that panic, and of requests that are dropped.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::mutation::{commit, mutants, mutation};
use super::original::{Reply, Visit};

mutants! {
    CommitsAfterAPanic breaks panic_of_handler_stores_nothing;
    SetsACookieAfterAPanic breaks panic_of_handler_stores_nothing;
    PanicPoisonsALock breaks panic_of_handler_stores_nothing;
    DroppedRequestHoldsTheSlot breaks dropped_request_blocks_no_other;
    DroppedRequestBlocksItsSession breaks dropped_request_blocks_no_other;
}

fn panics(visit: &Visit) -> bool {
    visit.path().starts_with("/panics")
}

fn is_slow(visit: &Visit) -> bool {
    visit.path().starts_with("/slow")
}

mutation! {
    /// The framework converts a panic into a response, and the session is committed.
    CommitsAfterAPanic;
    async fn before(&self, visit: &Visit) -> Option<Reply> {
        if !panics(visit) {
            return None;
        }
        visit.session.session().await.unwrap().insert("color", "green").unwrap();
        Some(Reply::new(500, "panic"))
    }
}

mutation! {
    /// The response to a panic has the headers of a session that could not be stored.
    SetsACookieAfterAPanic;
    async fn before(&self, visit: &Visit) -> Option<Reply> {
        panics(visit).then(|| Reply::new(500, "panic"))
    }
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        let mut reply = commit(self, visit, reply).await;
        if panics(visit) {
            reply.append("set-cookie", format!("{}=; Max-Age=0", visit.session.cookie_name()));
        }
        reply
    }
}

mutation! {
    PanicPoisonsALock { lock: Mutex<()> };
    async fn before(&self, visit: &Visit) -> Option<Reply> {
        let Ok(_guard) = self.lock.lock() else { return Some(Reply::new(500, "poisoned")) };
        assert!(!panics(visit), "the handler panics while the lock is held");
        None
    }
}

mutation! {
    /// Only one request is served at a time, and the others wait.
    DroppedRequestHoldsTheSlot { is_busy: AtomicBool };
    async fn before(&self, visit: &Visit) -> Option<Reply> {
        while self.is_busy.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.is_busy.store(is_slow(visit), Ordering::Relaxed);
        None
    }
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        self.is_busy.store(false, Ordering::Relaxed);
        commit(self, visit, reply).await
    }
}

mutation! {
    /// Only one request of each session is served at a time, and the others are refused.
    DroppedRequestBlocksItsSession { is_busy: AtomicBool };
    async fn before(&self, visit: &Visit) -> Option<Reply> {
        if visit.has_session() && self.is_busy.load(Ordering::Relaxed) {
            return Some(Reply::new(409, "another request is served"));
        }
        self.is_busy.fetch_or(is_slow(visit), Ordering::Relaxed);
        None
    }
    async fn after(&self, visit: &Visit, reply: Reply) -> Reply {
        self.is_busy.fetch_and(!is_slow(visit), Ordering::Relaxed);
        commit(self, visit, reply).await
    }
}
