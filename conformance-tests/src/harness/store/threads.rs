//! A record that one thread writes repeatedly while another reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use session_core::store::{Record, Replaced, SessionStore, StoreKey, Version};
use session_core::{Error, ErrorKind};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::process::joined;
use crate::report::{Checked, Failure};

/// The number of reads and of concurrent writes after which the calls stop.
const ENOUGH: usize = 1_000;

/// The time after which no further call starts.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

/// The number of replacements for each touch.
const TOUCHES: usize = 2;

/// A record with two states, between which another thread switches.
pub(crate) struct Switching {
    pub(crate) key: StoreKey,
    pub(crate) states: [Entry; 2],
}

/// The state that the two threads share.
#[derive(Default)]
struct Progress {
    writes: AtomicUsize,
    is_over: AtomicBool,
}

impl Switching {
    /// Creates the record, and calls `read` while another thread writes the record.
    pub(crate) async fn read<F>(&self, store: &StoreUnderTest, read: impl Fn() -> F) -> Checked
    where
        F: Future<Output = Checked>,
    {
        let version = store.create(&self.key, &self.states[0]).await?;
        let name = store.name(&self.key);
        store.calls().note(format!(
            "from here on, another thread makes the calls replace({name}) and touch({name})"
        ));
        let progress = Arc::new(Progress::default());
        let states = self.states.clone();
        let writing = write(store.store(), self.key, version, states, Arc::clone(&progress));
        // Two tasks might run on one thread in turn.
        let runtime = Handle::current();
        let writing = tokio::task::spawn_blocking(move || runtime.block_on(writing));
        let seen = read_often(read, &progress).await;
        progress.is_over.store(true, Ordering::Relaxed);
        let written = joined(store, writing).await?;
        seen?;
        store.quietly("a call of the other thread", written)
    }

    /// Returns the first difference from the state that is closer to the record.
    pub(crate) async fn difference(
        &self,
        store: &StoreUnderTest,
        record: &Record,
    ) -> Result<Option<String>, Failure> {
        let mut seen = None;
        for state in &self.states {
            match store.difference(state, record).await? {
                None => return Ok(None),
                Some((_, field)) if record.payload() == state.payload => seen = Some(field),
                Some((_, field)) => seen = seen.or(Some(field)),
            }
        }
        Ok(seen)
    }
}

async fn read_often<F>(read: impl Fn() -> F, progress: &Progress) -> Checked
where
    F: Future<Output = Checked>,
{
    let (until, mut reads) = (Instant::now() + LONG_ENOUGH, 0);
    while Instant::now() < until
        && (reads < ENOUGH || progress.writes.load(Ordering::Relaxed) < ENOUGH)
    {
        // The writer may hold an unfair lock most of the time.
        match timeout_at(until, read()).await {
            Ok(seen) => seen?,
            Err(_) => break,
        }
        reads += 1;
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Writes the states alternately, until the other thread has finished its reads.
async fn write(
    store: Arc<dyn SessionStore>,
    key: StoreKey,
    mut version: Version,
    states: [Entry; 2],
    progress: Arc<Progress>,
) -> Result<(), Error> {
    for (round, state) in states.iter().cycle().skip(1).enumerate() {
        if progress.is_over.load(Ordering::Relaxed) {
            break;
        }
        match store.replace(&key, version, &state.as_new()).await? {
            Replaced::Done(newer) => version = newer,
            Replaced::Stale => {
                return Err(Error::new(ErrorKind::Conflict, "Stale, at the current version"));
            }
        }
        if round % TOUCHES == 0 {
            store.touch(&key, version.clone(), state.expires_at).await?;
            let loaded = store.load(&key).await?;
            version = loaded.map_or(version, |record| record.version());
        }
        progress.writes.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
    Ok(())
}
