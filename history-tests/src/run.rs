//! Runs rounds until enough requests were sent, and describes the first failure.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::history::{Token, Violation};
use crate::plan::Plan;
use crate::round::{self, Outcome};
use crate::shrink;
use crate::stores::Stores;
use crate::world::World;

/// The number of repetitions of a round with a given seed. On a server, the order differs each
/// time.
const REPETITIONS: u64 = 20;
/// The maximum number of requests in a history that is printed as a whole.
const SHORT: usize = 60;

/// Returns the number of requests that the environment sets, times `factor`, or a default.
///
/// # Panics
///
/// Panics if `HISTORY_REQUESTS` is not a number.
#[expect(clippy::expect_used, reason = "a test fails by panicking")]
pub fn requests_or(default: u64, factor: u64) -> u64 {
    std::env::var("HISTORY_REQUESTS")
        .map_or(default, |text| factor * text.parse::<u64>().expect("HISTORY_REQUESTS is a number"))
}

/// Sends requests to a store, in rounds, and checks the history of each.
///
/// # Panics
///
/// Panics if a history violates a guarantee.
pub async fn check_store(stores: Stores, requests: u64) {
    let stores = Arc::new(stores);
    let seeds = Seeds::new(requests);
    rounds(&stores, &seeds).await;
    seeds.report(stores.name);
}

/// Sends requests to a store in memory on each of two threads. The seed determines the order.
///
/// # Panics
///
/// Panics if a history violates a guarantee.
pub fn check_store_on_one_thread(stores: impl Fn() -> Stores + Sync, requests: u64) {
    let seeds = Seeds::new(requests);
    let name = stores().name;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let stores = Arc::new(stores());
                #[expect(clippy::expect_used, reason = "a test fails by panicking")]
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    .expect("a runtime starts");
                runtime.block_on(rounds(&stores, &seeds));
            });
        }
    });
    seeds.report(name);
}

/// Returns the seed in the environment.
#[expect(clippy::expect_used, reason = "a test fails by panicking")]
pub(crate) fn given_seed() -> Option<u64> {
    static SEED: OnceLock<Option<u64>> = OnceLock::new();
    *SEED.get_or_init(|| {
        let text = std::env::var("HISTORY_SEED").ok()?;
        Some(text.parse().expect("HISTORY_SEED is a number"))
    })
}

/// The seeds of the rounds to run, and how many requests were sent.
struct Seeds {
    given: Option<u64>,
    next: AtomicU64,
    sent: AtomicU64,
    rounds: AtomicU64,
    requests: u64,
}

impl Seeds {
    fn new(requests: u64) -> Self {
        let given = given_seed();
        // Without a number of requests, each run has the same rounds.
        let is_long = std::env::var_os("HISTORY_REQUESTS").is_some();
        let next = AtomicU64::new(if is_long { fastrand::u64(..) } else { 1 });
        Self { given, next, sent: AtomicU64::new(0), rounds: AtomicU64::new(0), requests }
    }

    /// Returns the seed of the next round, unless enough requests were sent.
    fn next(&self) -> Option<u64> {
        let round = self.rounds.fetch_add(1, Ordering::Relaxed);
        if let Some(given) = self.given {
            return (round < REPETITIONS).then_some(given);
        }
        let more = self.sent.load(Ordering::Relaxed) < self.requests;
        more.then(|| self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn report(&self, name: &str) {
        let (sent, rounds) = (&self.sent, &self.rounds);
        println!(
            "{name}: {} requests in {} rounds",
            sent.load(Ordering::Relaxed),
            rounds.load(Ordering::Relaxed)
        );
    }
}

async fn rounds(stores: &Arc<Stores>, seeds: &Seeds) {
    while let Some(seed) = seeds.next() {
        let plan = Plan::new(seed);
        let outcome = round::run(stores, &plan).await;
        let sent = seeds.sent.fetch_add(plan.requests() as u64, Ordering::Relaxed);
        if let Some(violation) = outcome.violations.first() {
            let rule = violation.rule;
            let smaller = shrink::minimal(stores, &plan, rule).await;
            fail(
                stores,
                seed,
                sent + plan.requests() as u64,
                &plan,
                smaller.unwrap_or((plan.clone(), outcome)),
            );
        }
    }
}

#[expect(clippy::panic, reason = "a test fails by panicking")]
fn fail(
    stores: &Stores,
    seed: u64,
    sent: u64,
    plan: &Plan,
    (smaller, outcome): (Plan, Outcome),
) -> ! {
    let Outcome { world, violations } = outcome;
    let mut text = format!(
        "{}: HISTORY_SEED={seed} violates a guarantee, after {sent} requests.\n\
         The round has {} requests; {} of them suffice.\n",
        stores.name,
        plan.requests(),
        smaller.requests()
    );
    for violation in violations.iter().take(8) {
        let _ = writeln!(text, "VIOLATED: {}\n    {}", violation.rule, violation.text);
    }
    let _ = writeln!(text, "{:?}", smaller.settings);
    let lines = if smaller.requests() <= SHORT { None } else { violations.first() };
    history_of(&world, lines, &mut text);
    // The other thread may also print.
    panic!("{text}")
}

/// Appends the events of a round, or only those of the session that a violation is about.
fn history_of(world: &World, only: Option<&Violation>, text: &mut String) {
    let history = world.history();
    let session = only.and_then(|violation| violation.session);
    let touched = session.map(|session| requests_of(world, &history, session));
    for (request, line) in &history.log {
        if touched.as_ref().is_none_or(|touched| *request == 0 || touched.contains(request)) {
            let _ = writeln!(text, "  request {request:>3} {line}");
        }
    }
}

/// Returns the requests that saw or changed a session.
fn requests_of(
    _: &World,
    history: &crate::history::History,
    session: Token,
) -> std::collections::HashSet<u64> {
    let seen = history.observations.iter().filter(|observation| {
        observation.found.as_ref().is_some_and(|found| found.path.contains(&session))
    });
    let changed = history.changes.iter().filter(|change| change.anchors.contains(&session));
    seen.map(|seen| seen.request).chain(changed.map(|change| change.request)).collect()
}
