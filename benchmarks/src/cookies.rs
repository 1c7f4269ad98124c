//! Compares session cookies with other libraries. A run reads values of the session from a `Cookie`
//! header, and writes a `Set-Cookie` header. One thread, no server.

mod flask;
mod jars;
mod ours;

use std::hint::black_box;
use std::time::{Duration, Instant};

use flask::Flask;
use jars::Jars;
use ours::Ours;

use crate::rounds::{Figures, Plan, Target, number, order, print_targets};
use crate::sessions::{LARGE, SMALL};

/// The measured work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Work {
    /// Opens the session and reads one value.
    OpenOne,
    /// Opens the session and reads every value.
    OpenAll,
    /// Opens the session, sets one value, and renders the header.
    Save,
}

const WORKS: [(Work, &str); 3] = [
    (Work::OpenOne, "open, read one key"),
    (Work::OpenAll, "open, read all keys"),
    (Work::Save, "open, change, save"),
];
const SESSIONS: [(usize, &str); 2] = [(70, SMALL), (300, LARGE)];
const NAMES: [&str; 5] = ["signed", "sealed", "SignedJar", "PrivateJar", "Flask"];
const SIGNED: usize = 0;
const SEALED: usize = 1;
const SIGNED_JAR: usize = 2;
const PRIVATE_JAR: usize = 3;
const FLASK: usize = 4;

/// The protection of a cookie: signed or encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Signed,
    Sealed,
}

/// A library whose cookies are measured.
trait Contestant {
    /// Returns the repetitions of the work per second in a slice of about this length.
    fn run(&mut self, work: Work, slice: Duration) -> f64;
}

/// A library that runs in this process.
trait Library {
    fn open_one(&self) -> u64;
    /// Returns the number of values.
    fn open_all(&self) -> usize;
    /// Returns the length of the header.
    fn save(&self) -> usize;
}

impl<L: Library> Contestant for L {
    fn run(&mut self, work: Work, slice: Duration) -> f64 {
        const BLOCK: u32 = 64;
        let (start, mut blocks) = (Instant::now(), 0u32);
        while start.elapsed() < slice {
            match work {
                Work::OpenOne => (0..BLOCK).for_each(|_| _ = black_box(self.open_one())),
                Work::OpenAll => (0..BLOCK).for_each(|_| _ = black_box(self.open_all())),
                Work::Save => (0..BLOCK).for_each(|_| _ = black_box(self.save())),
            }
            blocks += 1;
        }
        f64::from(blocks * BLOCK) / start.elapsed().as_secs_f64()
    }
}

pub fn run(plan: &Plan) {
    // Indexed by size, work and contestant.
    let mut figures =
        vec![vec![vec![Figures::default(); NAMES.len()]; WORKS.len()]; SESSIONS.len()];
    for (size, (_, payload)) in SESSIONS.iter().enumerate() {
        let mut contestants: Vec<Box<dyn Contestant>> = vec![
            Box::new(Ours::new(Kind::Signed, payload)),
            Box::new(Ours::new(Kind::Sealed, payload)),
            Box::new(Jars::new(Kind::Signed, payload)),
            Box::new(Jars::new(Kind::Sealed, payload)),
            Box::new(Flask::start(payload)),
        ];
        for round in 0..=plan.rounds {
            for (case, (work, _)) in WORKS.iter().enumerate() {
                for contestant in order(round, NAMES.len()) {
                    let per_second = contestants[contestant].run(*work, plan.slice);
                    if round > 0 {
                        figures[size][case][contestant].0.push(per_second);
                    }
                }
            }
        }
    }
    print(plan, &figures);
}

fn print(plan: &Plan, figures: &[Vec<Vec<Figures>>]) {
    println!("\n## Cookie, {} rounds of {} ms\n", plan.rounds, plan.slice.as_millis());
    println!(
        "| work | bytes | signed, per second | over `SignedJar` | over Flask | sealed, per second | over `PrivateJar` |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut targets = Vec::new();
    for (case, (work, name)) in WORKS.iter().enumerate() {
        for ((bytes, _), by_work) in SESSIONS.iter().zip(figures) {
            let row = &by_work[case];
            let (over_jar, over_flask) =
                (row[SIGNED].over(&row[SIGNED_JAR]), row[SIGNED].over(&row[FLASK]));
            println!(
                "| {name} | {bytes} | {} | {} | {} | {} | {} |",
                number(row[SIGNED].median()),
                over_jar.ratio(),
                over_flask.ratio(),
                number(row[SEALED].median()),
                row[SEALED].over(&row[PRIVATE_JAR]).ratio(),
            );
            let target = |ours: usize, rival: usize, at_least| {
                let what =
                    format!("Cookie: {name}, {bytes} B, {} over {}", NAMES[ours], NAMES[rival]);
                Target { what, ratio: row[ours].over(&row[rival]), at_least }
            };
            let (jar, flask) = wanted(*work, *bytes);
            targets.extend(jar.map(|at_least| target(SIGNED, SIGNED_JAR, at_least)));
            targets.extend(flask.map(|at_least| target(SIGNED, FLASK, at_least)));
            targets.push(target(SEALED, PRIVATE_JAR, 1.2));
        }
    }
    print_targets(&targets);
}

/// Returns the targets over `SignedJar` and over Flask.
fn wanted(work: Work, bytes: usize) -> (Option<f64>, Option<f64>) {
    match (work, bytes) {
        (Work::OpenOne, 70) => (Some(2.2), Some(65.0)),
        (Work::OpenOne, _) => (Some(2.9), None),
        (Work::Save, 70) => (Some(2.1), Some(75.0)),
        (Work::Save, _) => (Some(2.7), None),
        (Work::OpenAll, _) => (None, None),
    }
}
