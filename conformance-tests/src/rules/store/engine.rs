//! Rules of the engine over the store. Each engine here represents a separate process.

use std::sync::Arc;

use session_core::interface::state_of;
use session_core::store::SessionStore;
use session_core::{Error, Session};
use tokio::sync::Barrier;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::overlap::Held;
use crate::harness::store::process::{Process, finish};
use crate::macros::rules;
use crate::report::Failure;

rules! {
    ($) pub(crate) const ENGINE, macro __store_engine, for StoreUnderTest;

    /// Concurrent requests that change different keys of one session lose no change.
    ///
    /// Fix failing rules about single calls first. The engine needs a `replace` that returns
    /// `Stale` to all but one of the calls at one version. A later `load` must return the newer
    /// record.
    async fn concurrent_writes_of_other_keys_are_stored(store) {
        for _ in 0..ROUNDS / 3 {
            let cookie = begin(store).await?;
            let together = Arc::new(Barrier::new(8));
            let held = held(store);
            let writing = (0..8).map(|number| {
                let (process, cookie, together) = (Process::of(store, &held), cookie.clone(), Arc::clone(&together));
                let write = move |session: &Session| session.insert(&format!("key {number}"), "x".repeat(200));
                tokio::spawn(async move { process.visit_together(&cookie, &together, write).await })
            });
            let writing: Vec<_> = writing.collect();
            finish(store, writing).await?;
            let seen = Process::new(store).read(&cookie).await?;
            let missing: Vec<_> = (0..8).map(|number| format!("key {number}")).filter(|key| !seen.contains_key(key)).collect();
            store.calls().note("8 processes insert one key each into one session at the same time");
            store.equal(Vec::<String>::new(), missing)?;
        }
        Ok(())
    }

    /// A counter that 64 concurrent requests increment, each with a separate engine, reaches 64.
    ///
    /// Fix failing rules about single calls first. Then accept any number of concurrent calls.
    /// Calls must wait for a connection instead of failing.
    async fn concurrent_increments_are_all_counted(store) {
        let cookie = begin(store).await?;
        let together = Arc::new(Barrier::new(64));
        let writing = (0..64).map(|_| {
            let (process, cookie, together) = (Process::new(store), cookie.clone(), Arc::clone(&together));
            tokio::spawn(async move { process.visit_together(&cookie, &together, increment).await })
        });
        let writing: Vec<_> = writing.collect();
        finish(store, writing).await?;
        let seen = Process::new(store).read(&cookie).await?;
        store.calls().note("64 processes increment a counter in one session, at once");
        if seen.is_new() {
            return Err(store.failure("the session, with the counter 64", "a new session: its record is missing or damaged"));
        }
        store.equal(Some(64), seen.get::<u64>("n").unwrap_or(None))
    }

    /// A request that saves during or after a logout does not revive the session.
    ///
    /// Fix failing rules about single calls first. The engine needs a `replace` that never creates
    /// a record, and a `remove` after which no call matches the version.
    async fn save_after_logout_revives_nothing(store) {
        for round in 0..ROUNDS {
            let cookie = begin(store).await?;
            let writer = Process::new(store);
            let late = writer.request(&cookie);
            writer.told(late.session().await)?.insert("late", true).map_err(|error| writer.failed(&error))?;
            let logout = {
                let (process, cookie) = (Process::new(store), cookie.clone());
                tokio::spawn(async move { process.log_out(&cookie).await })
            };
            if round % 3 != 0 {
                writer.told(late.commit().await.into_result())?;
            }
            finish(store, vec![logout]).await?;
            if round % 3 == 0 {
                writer.told(late.commit().await.into_result())?;
            }
            let seen = Process::new(store).read(&cookie).await?;
            store.calls().note("a request opens the session; another request logs out; the first request saves");
            store.equal("{}".to_owned(), state_of(&seen).payload())?;
        }
        Ok(())
    }

    /// If a request saves changes while another request rotates the id, the session under the new
    /// id has the changes. The old id opens no session.
    ///
    /// Fix failing rules about single calls first. The engine calls `replace` at the version that
    /// it read. The call replaces the old record with a short record that points to the new record.
    async fn save_during_rotation_is_stored(store) {
        for round in 0..ROUNDS {
            let cookie = begin(store).await?;
            let writer = Process::new(store);
            let write = writer.request(&cookie);
            writer.told(write.session().await)?.insert("written", true).map_err(|error| writer.failed(&error))?;
            let rotation = {
                let (process, cookie) = (Process::new(store), cookie.clone());
                tokio::spawn(async move { process.visit(&cookie, Session::rotate_id).await })
            };
            if round % 3 != 0 {
                writer.told(write.commit().await.into_result())?;
            }
            let rotated = finish(store, vec![rotation]).await?.into_iter().flatten().next();
            if round % 3 == 0 {
                writer.told(write.commit().await.into_result())?;
            }
            store.calls().note("a request opens the session; another request rotates it; the first request saves");
            let Some(rotated) = rotated else { return Err(store.failure("a cookie with the new id", "no cookie")) };
            let seen = Process::new(store).read(&rotated).await?;
            store.equal(Some(true), seen.get::<bool>("written").unwrap_or(None))?;
            let old = Process::new(store).read(&cookie).await?;
            store.equal("{}".to_owned(), state_of(&old).payload())?;
        }
        Ok(())
    }
}

const ROUNDS: u32 = 12;

/// Returns the store with a wrapper that makes writes on one key overlap.
fn held(store: &StoreUnderTest) -> Arc<dyn SessionStore> {
    Arc::new(Held::new(store.store(), None))
}

/// Returns the cookie of a new session with about 300 bytes.
async fn begin(store: &StoreUnderTest) -> Result<String, Failure> {
    let process = Process::new(store);
    let fill = |session: &Session| session.insert("name", "Ada Lovelace ".repeat(23));
    let cookie = process.visit("", fill).await?;
    cookie.ok_or_else(|| store.failure("a cookie for a new session", "none"))
}

fn increment(session: &Session) -> Result<(), Error> {
    session.update("n", |n: Option<u64>| Some(n.unwrap_or(0) + 1))
}
