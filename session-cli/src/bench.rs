//! The command `bench`, which measures the calls of a store on records that the command creates and
//! removes.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use session_core::store::{NewRecord, Replaced, StoreKey, Version};
use session_core::{Error, ErrorKind};
use tokio::task::JoinSet;

use crate::arguments::Bench;
use crate::failure::Failure;
use crate::output::{Row, Table};
use crate::store::{self, Store};

/// The lifetime of the records. If a run is interrupted, its records expire.
const LIFETIME: Duration = Duration::from_hours(1);

const CALLS: [Call; 4] = [Call::Create, Call::Load, Call::Replace, Call::Remove];

#[derive(Clone, Copy)]
enum Call {
    Create,
    Load,
    Replace,
    Remove,
}

/// The records of one task.
struct Task {
    store: Arc<dyn Store>,
    payload: Arc<[u8]>,
    records: Vec<(StoreKey, Version)>,
}

pub(crate) async fn run(options: &Bench, json: bool) -> Result<ExitCode, Failure> {
    let store = store::connect(&options.store).await?;
    let mut tasks = tasks(&store, options)?;
    let columns = [("call", 7), ("per_second", 10), ("median_ms", 9), ("p99_ms", 9), ("max_ms", 9)];
    let mut table = Table::start(&columns, json)?;
    let mut failure = None;
    for call in CALLS {
        // After an error, the records are still removed.
        if failure.is_some() && !matches!(call, Call::Remove) {
            continue;
        }
        let begun = Instant::now();
        let (mut times, failed) = run_together(&mut tasks, call).await;
        let elapsed = begun.elapsed();
        failure = failure.or(failed);
        if failure.is_none() {
            times.sort_unstable();
            table.add(row(call, &times, elapsed))?;
        }
    }
    table.end()?;
    failure.map_or(Ok(ExitCode::SUCCESS), |error| Err(error.into()))
}

/// Runs a call on every record. Returns the time of each call and the first error.
async fn run_together(tasks: &mut Vec<Task>, call: Call) -> (Vec<Duration>, Option<Error>) {
    let mut running = JoinSet::new();
    for mut task in std::mem::take(tasks) {
        running.spawn(async move {
            let result = task.run(call).await;
            (task, result)
        });
    }
    let (mut times, mut failure) = (Vec::new(), None);
    for (task, (some, failed)) in running.join_all().await {
        tasks.push(task);
        times.extend(some);
        failure = failure.or(failed);
    }
    (times, failure)
}

impl Task {
    /// Runs a call on each record, one after the other. Stops after an error, unless the call is
    /// `Remove` and the store is available.
    async fn run(&mut self, call: Call) -> (Vec<Duration>, Option<Error>) {
        let (mut times, mut failure) = (Vec::new(), None);
        for index in 0..self.records.len() {
            let begun = Instant::now();
            match self.call(call, index).await {
                Ok(()) => times.push(begun.elapsed()),
                Err(error) => {
                    let stops = error.kind() == ErrorKind::Unavailable;
                    failure.get_or_insert(error);
                    if stops || !matches!(call, Call::Remove) {
                        break;
                    }
                }
            }
        }
        (times, failure)
    }

    async fn call(&mut self, call: Call, index: usize) -> Result<(), Error> {
        let now = SystemTime::now();
        let record = NewRecord::new(&self.payload, now, now + LIFETIME);
        let (key, version) = &mut self.records[index];
        let is_done = match call {
            Call::Create => {
                *version = self.store.create(key, &record).await?;
                true
            }
            Call::Load => self.store.load(key).await?.is_some(),
            Call::Replace => match self.store.replace(key, version.clone(), &record).await? {
                Replaced::Done(next) => {
                    *version = next;
                    true
                }
                Replaced::Stale => false,
            },
            Call::Remove => self.store.remove(key, version.clone()).await?,
        };
        let message = "record of the measurement is missing; the store may have evicted it";
        if is_done { Ok(()) } else { Err(Error::new(ErrorKind::Backend, message)) }
    }
}

/// Divides the records between the tasks.
fn tasks(store: &Arc<dyn Store>, options: &Bench) -> Result<Vec<Task>, Failure> {
    // The engine never writes such a payload, so no command lists the record as a session.
    let payload: Arc<[u8]> = vec![b'-'; options.payload as usize].into();
    let new = || Task { store: Arc::clone(store), payload: Arc::clone(&payload), records: vec![] };
    let mut tasks: Vec<_> = (0..options.tasks.min(options.records)).map(|_| new()).collect();
    let count = tasks.len();
    for number in 0..options.records as usize {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(Failure::random)?;
        tasks[number % count].records.push((StoreKey::from_bytes(key), Version::new(0)));
    }
    Ok(tasks)
}

fn row(call: Call, sorted: &[Duration], elapsed: Duration) -> Row {
    let name = match call {
        Call::Create => "create",
        Call::Load => "load",
        Call::Replace => "replace",
        Call::Remove => "remove",
    };
    let rate =
        u128::try_from(sorted.len()).unwrap_or_default() * 1_000_000 / elapsed.as_micros().max(1);
    let at = |percent: usize| {
        let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        let time = sorted.get(index).copied().unwrap_or_default();
        (time.as_secs_f64() * 1e6).round() / 1e3
    };
    Row::new()
        .text("call", name)
        .value("per_second", u64::try_from(rate).unwrap_or(u64::MAX))
        .value("median_ms", at(50))
        .value("p99_ms", at(99))
        .value("max_ms", at(100))
}
