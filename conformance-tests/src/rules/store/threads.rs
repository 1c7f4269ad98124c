//! Rules of calls that run on several threads.

use std::time::Duration;

use session_core::store::StoreKey;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::reading::Read;
use crate::harness::store::threads::Switching;
use crate::harness::store::values::someone;
use crate::macros::rules;
use crate::report::Checked;

rules! {
    ($) pub(crate) const THREADS, macro __store_threads, for StoreUnderTest;

    /// While another thread replaces and touches a record, each call that reads returns the
    /// complete record.
    ///
    /// Other threads can run between two statements, even without an `await`. A call that reads
    /// must hold the lock of the calls that write, or read from a snapshot. In many embedded
    /// databases, a read outside a transaction returns a part of a batch.
    async fn read_on_other_thread_sees_whole_record(store) {
        for read in Read::ALL {
            let switching = switching(store);
            let reading = || async { whole(store, &switching, read).await };
            switching.read(store, reading).await?;
        }
        Ok(())
    }
}

rules! {
    ($) pub(crate) const INDEX_THREADS, macro __store_index_threads, for StoreUnderTest;

    /// While another thread replaces and touches a record, each call of `keys_of` lists the key
    /// exactly once.
    ///
    /// Other threads can run between two statements, even without an `await`. `keys_of` must hold
    /// the lock of the calls that write, or read from a snapshot. Alternatively, do not write the
    /// entry if the owner does not change. "Log out everywhere" misses a session whose entry is
    /// missing for a moment.
    async fn record_stays_listed_while_other_thread_writes(store) {
        let switching = switching(store);
        let owner = switching.states[0].owner.clone().unwrap_or_default();
        switching.read(store, || listed(store, &switching.key, &owner)).await
    }
}

/// Returns an unused key, and two records that differ in payload and expiry.
fn switching(store: &StoreUnderTest) -> Switching {
    let first = Entry::with_payload([b'x'; 300], store.now()).owned_by(&someone("ada"));
    let second = Entry { payload: vec![b'y'; 400], ..first.clone() };
    let later = first.expires_at + Duration::from_mins(1);
    Switching { key: store.key(), states: [first, second.expiring_at(later)] }
}

/// Fails unless the record exists and equals one of the two states of `switching`.
async fn whole(store: &StoreUnderTest, switching: &Switching, read: Read) -> Checked {
    let seen = match read.read(store, &switching.key).await? {
        Some(record) => switching.difference(store, &record).await?,
        None => Some("None".to_owned()),
    };
    let Some(seen) = seen else { return Ok(()) };
    store.calls().note(format!("meanwhile: {read:?} of {}", store.name(&switching.key)));
    Err(store.failure("the complete record, from before or after a call of the other thread", seen))
}

async fn listed(store: &StoreUnderTest, key: &StoreKey, owner: &str) -> Checked {
    let call = format!("keys_of({owner:?})");
    let keys = store.quietly(&call, store.index()?.keys_of(owner).await)?;
    let times = keys.iter().filter(|listed| *listed == key).count();
    if times == 1 {
        return Ok(());
    }
    store.calls().note(format!("{call} = {} keys", keys.len()));
    let name = store.name(key);
    Err(store.failure(format!("{name} once among the keys"), format!("{name} {times} times")))
}
