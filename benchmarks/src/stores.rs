//! Compares stores: load, open, save and read-modify-write, by one task and by 64.

mod actix;
mod bare;
mod groups;
mod ours;
mod tower;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use actix::Actix;
pub use groups::{block_on, mariadb, memory, peers_store, postgres, redis, sqlite, valkey};
pub use ours::{Ours, settings};
pub use tower::{Contents, Tower};

use crate::rounds::{Figures, Plan, Target, number, order, print_targets};

/// The measured work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Work {
    /// From the store's key to one value.
    Load,
    /// From the session id to one value, through the library's session.
    Open,
    /// Overwrites an existing session.
    Save,
    /// Opens a session, replaces one value by the same value, and saves.
    Update,
}

const WORKS: [Work; 4] = [Work::Load, Work::Open, Work::Save, Work::Update];
const TASKS: [usize; 2] = [1, 64];

/// A store that is measured, with its sessions.
pub trait Contestant: Send + Sync + 'static {
    /// The state that a task reuses for each save.
    type Scratch: Send;

    fn len(&self) -> usize;
    fn scratch(&self) -> Self::Scratch;
    /// Runs before each slice and is not measured.
    fn prepare(&self, _work: Work) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
    fn load(&self, index: usize) -> impl Future<Output = Option<u64>> + Send;
    fn open(&self, index: usize) -> impl Future<Output = Option<u64>> + Send;
    /// Returns whether the session was saved.
    fn save(
        &self,
        scratch: &mut Self::Scratch,
        index: usize,
        number: u64,
    ) -> impl Future<Output = bool> + Send;
    fn update(&self, index: usize) -> impl Future<Output = bool> + Send;
}

type Running<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A contestant with its type erased.
pub trait Run: Sync {
    fn name(&self) -> &'static str;
    fn run(&self, work: Work, tasks: usize, slice: Duration) -> Running<'_, Slice>;
}

/// The work done in one slice.
#[derive(Clone, Copy)]
pub struct Slice {
    pub per_second: f64,
    pub failed: u64,
}

pub struct Named<C>(&'static str, Arc<C>);

impl<C: Contestant> Named<C> {
    pub fn boxed(name: &'static str, contestant: C) -> Box<dyn Run> {
        Box::new(Self(name, Arc::new(contestant)))
    }
}

impl<C: Contestant> Run for Named<C> {
    fn name(&self) -> &'static str {
        self.0
    }

    fn run(&self, work: Work, tasks: usize, slice: Duration) -> Running<'_, Slice> {
        Box::pin(async move {
            self.1.prepare(work).await;
            let start = Instant::now();
            let end = start + slice;
            let running: Vec<_> = (0..tasks)
                .map(|task| tokio::spawn(one_task(Arc::clone(&self.1), work, task, tasks, end)))
                .collect();
            let (mut done, mut failed) = (0, 0);
            for task in running {
                let (did, failures) = task.await.expect("a task ends");
                done += did;
                failed += failures;
            }
            // `f64` is exact for a count of this size.
            #[expect(clippy::cast_precision_loss)]
            let done = done as f64;
            Slice { per_second: done / start.elapsed().as_secs_f64(), failed }
        })
    }
}

/// Works on sessions that no other task uses, until the time is over.
async fn one_task<C: Contestant>(
    contestant: Arc<C>,
    work: Work,
    task: usize,
    tasks: usize,
    end: Instant,
) -> (u64, u64) {
    let mut scratch = contestant.scratch();
    let own = contestant.len() / tasks;
    let (mut done, mut failed, mut random) = (0, 0, fastrand::Rng::new());
    while Instant::now() < end {
        // A contestant that never waits must yield to the other tasks, as requests do.
        for _ in 0..8 {
            let index = task + tasks * random.usize(..own);
            let well = match work {
                Work::Load => contestant.load(index).await.is_some(),
                Work::Open => contestant.open(index).await.is_some(),
                Work::Save => contestant.save(&mut scratch, index, done).await,
                Work::Update => contestant.update(index).await,
            };
            done += u64::from(well);
            failed += u64::from(!well);
            if Instant::now() >= end {
                break;
            }
        }
        tokio::task::yield_now().await;
    }
    (done, failed)
}

/// A target: our figure over the best of these contestants.
struct Wanted {
    work: Work,
    tasks: usize,
    rivals: &'static [&'static str],
    at_least: f64,
}

/// Runs all work of all contestants and prints the results. The first contestant is this project.
async fn measure(title: &str, plan: &Plan, contestants: &[Box<dyn Run>], wanted: &[Wanted]) {
    let contestants: Vec<_> = contestants
        .iter()
        .enumerate()
        .filter(|(index, one)| *index == 0 || plan.takes(one.name()))
        .collect();
    let cases: Vec<(Work, usize)> =
        WORKS.iter().flat_map(|work| TASKS.map(|tasks| (*work, tasks))).collect();
    let mut figures = vec![vec![Figures::default(); contestants.len()]; cases.len()];
    let mut failures = vec![0; contestants.len()];
    // The first round is a warm-up.
    for round in 0..=plan.rounds {
        for (case, (work, tasks)) in cases.iter().enumerate() {
            for contestant in order(round, contestants.len()) {
                let slice = contestants[contestant].1.run(*work, *tasks, plan.slice).await;
                if round > 0 {
                    figures[case][contestant].0.push(slice.per_second);
                    failures[contestant] += slice.failed;
                }
            }
        }
    }
    let names: Vec<_> = contestants.iter().map(|(_, one)| one.name()).collect();
    print(title, plan, &names, &cases, &figures, &failures);
    let mut targets = Vec::new();
    for Wanted { work, tasks, rivals, at_least } in wanted {
        let (Some(case), rivals) = (
            cases.iter().position(|case| *case == (*work, *tasks)),
            rivals
                .iter()
                .filter_map(|rival| names.iter().position(|name| name == rival))
                .collect::<Vec<_>>(),
        ) else {
            continue;
        };
        if rivals.is_empty() {
            continue;
        }
        let best =
            Figures::best(&rivals.iter().map(|rival| &figures[case][*rival]).collect::<Vec<_>>());
        let against: Vec<_> = rivals.iter().map(|rival| names[*rival]).collect();
        let plural = if *tasks == 1 { "" } else { "s" };
        let what = format!("{title}: {work:?}, {tasks} task{plural}, over {}", against.join(" / "));
        targets.push(Target { what, ratio: figures[case][0].over(&best), at_least: *at_least });
    }
    print_targets(&targets);
}

fn print(
    title: &str,
    plan: &Plan,
    names: &[&str],
    cases: &[(Work, usize)],
    figures: &[Vec<Figures>],
    failures: &[u64],
) {
    println!("\n## {title}, {} rounds of {} ms\n", plan.rounds, plan.slice.as_millis());
    println!("| work | tasks | ours, per second | {} |", names[1..].join(" | "));
    println!("|---|---|---|{}", "---|".repeat(names.len() - 1));
    for ((work, tasks), row) in cases.iter().zip(figures) {
        let rivals: Vec<_> = row[1..].iter().map(|rival| row[0].over(rival).ratio()).collect();
        println!("| {work:?} | {tasks} | {} | {} |", number(row[0].median()), rivals.join(" | "));
    }
    for (name, failed) in names.iter().zip(failures).filter(|(_, failed)| **failed > 0) {
        println!("\n{name}: {failed} calls failed and are not counted.");
    }
}
