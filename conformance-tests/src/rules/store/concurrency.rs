//! Rules of concurrent calls, and of calls that are dropped.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use session_core::store::{Replaced, StoreKey, Version};
use tokio::sync::Barrier;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind};
use crate::harness::store::forced::Overlaps;
use crate::harness::store::history::{Clients, History};
use crate::harness::store::observer::Observer;
use crate::harness::store::overlap::poll_once;
use crate::harness::store::reading::{Read, Write, read_during_write};
use crate::harness::store::values::whole_second;
use crate::macros::rules;
use crate::report::{Checked, Failure};

rules! {
    ($) pub(crate) const CONCURRENCY, macro __store_concurrency, for StoreUnderTest;

    /// Concurrent calls on one key have an order (linearizability). The result of each call
    /// reflects all previous calls. A call that starts after another call returned is later in this
    /// order.
    ///
    /// Fix failing rules about single calls first. Then make each call one atomic step: one
    /// statement, one script, or one lock held from the comparison to the write. If a call reads
    /// and writes in two steps, another call can run between the steps. Do not serve `load` from a
    /// cache or a replica that lags.
    async fn concurrent_calls_have_order(store) {
        have_order(store, ROUNDS, false).await
    }

    /// Concurrent calls on a record with an owner also have an order. No call returns the payload
    /// of one record with the owner of another record.
    ///
    /// Write the index entry in the same step as the record. If this is impossible, compare the
    /// version in the step that writes the record, not in an earlier step.
    async fn concurrent_calls_on_owned_record_have_order(store) {
        have_order(store, ROUNDS / 3, true).await
    }

    /// `load`, `load_many` and `load_recent` return the complete record, in its state before or
    /// after a concurrent call.
    ///
    /// Read all fields of a record in one statement, or in one transaction with a snapshot.
    async fn concurrent_read_sees_whole_record(store) {
        for read in Read::ALL {
            for write in Write::ALL {
                for polls in 1..=3 {
                    read_during_write(store, read, write, polls).await?;
                }
            }
        }
        Ok(())
    }

    /// If the future of a call is dropped, the call is applied completely or not at all.
    ///
    /// Do not write one part of a record before an `await` and the rest after the `await`. Run
    /// several steps in a separate task or in a transaction.
    async fn dropped_call_is_applied_whole_or_not_at_all(store) {
        for patience in [1, 1, 2, 3, 4, 6, 9, 14, 20] {
            given_up_create(store, patience).await?;
            given_up_replace(store, patience).await?;
            given_up_touch(store, patience).await?;
            given_up_remove(store, patience).await?;
        }
        Ok(())
    }

    /// If the future of a call that reads is dropped, other calls still return.
    ///
    /// If a call sets a flag or acquires a slot before an `await`, a guard must undo this step when
    /// the future is dropped.
    async fn dropped_read_blocks_no_call(store) {
        let (key, entry) = (store.key(), owned(store, "one", 0));
        let version = store.create(&key, &entry).await?;
        for patience in 1..=4 {
            give_up(store.store().load(&key), patience).await;
            give_up(store.store().load_many(&[key]), patience).await;
            give_up(store.store().load_recent(&key), patience).await;
            if store.has_index() {
                give_up(store.index()?.keys_of("ada"), patience).await;
            }
            if let Some(sweep) = store.sweeper() {
                give_up(sweep.sweep(store.now(), 1), patience).await;
            }
            store.calls().note("load, load_many, load_recent, keys_of and sweep, each dropped");
            let see = Observer::new(store, "an owner, after dropped calls");
            let seen = see.sees("dropped calls", &key, Some(version.clone()), &entry);
            match tokio::time::timeout(RETURNS, seen).await {
                Ok(seen) => seen?,
                Err(_) => return Err(store.failure("the next call returns", "no result for 5 s")),
            };
        }
        store.removed(&key, version).await
    }
}

const ROUNDS: u32 = 150;

const CLIENTS: u8 = 3;

const CALLS: u8 = 5;

/// The time after which no further round starts.
const LONG_ENOUGH: Duration = Duration::from_secs(4);

/// Fails unless all pairs of calls, and random rounds of three clients, have an order.
async fn have_order(store: &StoreUnderTest, rounds: u32, owned: bool) -> Checked {
    Overlaps { store, other: store.store(), owned }.check().await?;
    let begun = Instant::now();
    for _ in 0..rounds {
        let keys = [store.key(), store.key()];
        let history = play(store, keys, owned).await?;
        for key in keys {
            if let Some(failing) = history.explain(&key) {
                return Err(failing.failure(&store.name(&key)));
            }
        }
        if begun.elapsed() > LONG_ENOUGH {
            break;
        }
    }
    Ok(())
}

/// Runs three concurrent clients on two keys. The first key has a record.
async fn play(
    store: &StoreUnderTest,
    keys: [StoreKey; 2],
    owned: bool,
) -> Result<History, Failure> {
    let clients = Clients::new([store.store(), store.store()], keys, whole_second(store.now()));
    let clients = clients.owned(owned);
    clients.first(&keys[0]).await?;
    let start = Arc::new(Barrier::new(usize::from(CLIENTS)));
    let mut playing = Vec::new();
    for client in 1..=CLIENTS {
        let (clients, start) = (clients.clone(), Arc::clone(&start));
        playing.push(tokio::spawn(async move {
            start.wait().await;
            clients.call(client, CALLS).await
        }));
    }
    for playing in playing {
        playing.await.map_err(|error| store.failure("no panic", error.to_string()))??;
    }
    Ok(clients.history())
}

/// Polls a call several times, with increasing pauses, and drops it.
async fn give_up<T>(call: impl Future<Output = T>, patience: u32) {
    let mut call = pin!(call);
    for poll in 0..patience {
        if poll < 4 {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        if poll_once(&mut call).await.is_some() {
            break;
        }
    }
}

fn owned(store: &StoreUnderTest, text: &str, minutes: u64) -> Entry {
    let entry = Entry::new(Kind::Owned, text, store.now());
    let expires_at = entry.expires_at + Duration::from_mins(minutes);
    entry.expiring_at(expires_at)
}

async fn given_up_create(store: &StoreUnderTest, patience: u32) -> Result<(), Failure> {
    let (key, entry) = (store.key(), owned(store, "new", 0));
    store.calls().note(format!("create({}, \"new\"), dropped", store.name(&key)));
    give_up(store.store().create(&key, &entry.as_new()), patience).await;
    whole(store, &key, None, Some(&entry)).await
}

async fn given_up_replace(store: &StoreUnderTest, patience: u32) -> Result<(), Failure> {
    let (key, old, new) = (store.key(), owned(store, "old", 0), owned(store, "a newer one", 1));
    let version = store.create(&key, &old).await?;
    store.calls().note(format!(
        "replace({}, at {}, \"a newer one\"), dropped",
        store.name(&key),
        version.get()
    ));
    give_up(store.store().replace(&key, version.clone(), &new.as_new()), patience).await;
    whole(store, &key, Some((version, &old)), Some(&new)).await
}

async fn given_up_touch(store: &StoreUnderTest, patience: u32) -> Result<(), Failure> {
    let (key, old) = (store.key(), owned(store, "old", 0));
    let touched = old.clone().expiring_at(old.expires_at + Duration::from_mins(1));
    let version = store.create(&key, &old).await?;
    store.calls().note(format!("touch({}, at {}), dropped", store.name(&key), version.get()));
    give_up(store.store().touch(&key, version.clone(), touched.expires_at), patience).await;
    whole(store, &key, Some((version, &old)), Some(&touched)).await
}

async fn given_up_remove(store: &StoreUnderTest, patience: u32) -> Result<(), Failure> {
    let (key, old) = (store.key(), owned(store, "old", 0));
    let version = store.create(&key, &old).await?;
    store.calls().note(format!("remove({}, at {}), dropped", store.name(&key), version.get()));
    give_up(store.store().remove(&key, version.clone()), patience).await;
    whole(store, &key, Some((version, &old)), None).await
}

/// Fails unless the record has its state from before or after the call, and can be changed. The
/// call may still be applied once during this check.
async fn whole(
    store: &StoreUnderTest,
    key: &StoreKey,
    before: Option<(Version, &Entry)>,
    after: Option<&Entry>,
) -> Result<(), Failure> {
    let mut landed = false;
    loop {
        let record = store.load(key).await?;
        let is_before = match (&record, before.clone()) {
            (None, None) => true,
            (Some(record), Some((version, entry))) => {
                record.version() == version && store.difference(entry, record).await?.is_none()
            }
            _ => false,
        };
        let is_after = match (&record, after) {
            (None, None) => true,
            (Some(record), Some(entry)) => store.difference(entry, record).await?.is_none(),
            _ => false,
        };
        if !(is_after || (is_before && !landed)) {
            let expected =
                if landed { "the record after the call" } else { "the complete old or new record" };
            return Err(store.failure(expected, "another result; see the last load"));
        }
        let probe = owned(store, "probe", 9);
        let works = match &record {
            Some(record) => store.replace(key, record.version(), &probe).await? != Replaced::Stale,
            None => store.store().create(key, &probe.as_new()).await.is_ok(),
        };
        match (works, landed) {
            (true, _) => return Ok(()),
            (false, false) => landed = true,
            (false, true) => {
                return Err(
                    store.failure("a record that can be replaced, or a free key", "neither")
                );
            }
        }
    }
}

/// The time in which a call must return after other calls were dropped.
const RETURNS: Duration = Duration::from_secs(5);
