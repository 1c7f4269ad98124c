//! The visitors, and the counts of their requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::browser::Server;
use crate::judge::Verdict;
use crate::visitor::Visitor;

const VISITORS: usize = 8;
const PAUSE: Duration = Duration::from_millis(30);
/// The time without a failed request after which an outage is over.
const CALM: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_mins(2);

/// The counts since the last call of [`Traffic::start_counting`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) requests: u32,
    pub(crate) updates: u32,
    pub(crate) logouts: u32,
    /// The number of errors by status, or by reason if there was no response.
    pub(crate) errors: BTreeMap<String, u32>,
    first_error: Option<Instant>,
    last_error: Option<Instant>,
    successes_since_error: usize,
    /// The total outage of the faults that were added.
    earlier: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Traffic(StdMutex<Counts>);

/// Visitors that send requests until this value is dropped.
pub(crate) struct Visitors {
    pub(crate) traffic: Arc<Traffic>,
    all: Vec<Arc<Mutex<Visitor>>>,
    _tasks: JoinSet<()>,
}

impl Traffic {
    pub(crate) fn start_counting(&self) {
        *self.counts() = Counts::default();
    }

    pub(crate) fn read(&self) -> Counts {
        self.counts().clone()
    }

    pub(crate) fn acknowledge_update(&self) {
        self.counts().updates += 1;
    }

    pub(crate) fn acknowledge_logout(&self) {
        self.counts().logouts += 1;
    }

    pub(crate) fn succeed(&self) {
        let mut counts = self.counts();
        counts.requests += 1;
        counts.successes_since_error += 1;
    }

    pub(crate) fn fail(&self, reason: String) {
        let mut counts = self.counts();
        counts.requests += 1;
        counts.successes_since_error = 0;
        *counts.errors.entry(reason).or_default() += 1;
        counts.last_error = Some(Instant::now());
        counts.first_error = counts.first_error.or(counts.last_error);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Returns the time from the first to the last error.
    pub(crate) fn outage(&self) -> Duration {
        let times = self.first_error.zip(self.last_error);
        self.earlier + times.map_or(Duration::ZERO, |(first, last)| last - first)
    }

    /// Adds the counts of another fault. The outage becomes the sum of both outages.
    pub(crate) fn add(&mut self, other: &Counts) {
        self.requests += other.requests;
        self.updates += other.updates;
        self.logouts += other.logouts;
        for (reason, count) in &other.errors {
            *self.errors.entry(reason.clone()).or_default() += count;
        }
        self.earlier += other.outage();
    }

    fn is_calm(&self) -> bool {
        self.last_error.is_none_or(|last| last.elapsed() > CALM)
            && self.successes_since_error >= 3 * VISITORS
    }
}

impl Visitors {
    pub(crate) fn start(server: &Server) -> Self {
        let traffic = Arc::new(Traffic::default());
        let new = || Arc::new(Mutex::new(Visitor::new(server.clone(), Arc::clone(&traffic))));
        let all: Vec<_> = (0..VISITORS).map(|_| new()).collect();
        let mut tasks = JoinSet::new();
        for visitor in &all {
            let visitor = Arc::clone(visitor);
            tasks.spawn(async move {
                loop {
                    visitor.lock().await.act().await;
                    sleep(PAUSE).await;
                }
            });
        }
        Self { traffic, all, _tasks: tasks }
    }

    /// Waits until requests succeed, and returns whether they do.
    pub(crate) async fn calm_down(&self) -> bool {
        let calm = async {
            while !self.traffic.read().is_calm() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, calm).await.is_ok()
    }

    /// Compares all sessions with the acknowledged changes, and adds the losses to `sum`.
    ///
    /// # Errors
    ///
    /// Fails if a request fails.
    pub(crate) async fn inspect(&self, sum: &mut Verdict) -> Result<(), String> {
        for visitor in &self.all {
            sum.add(visitor.lock().await.inspect().await?);
        }
        Ok(())
    }
}
