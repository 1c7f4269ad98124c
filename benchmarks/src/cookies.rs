//! Session cookies side by side: from the bytes of a `Cookie` header to values of the session, and from a session to the
//! bytes of a `Set-Cookie` header. One thread, no server.

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

/// What is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Work {
    /// To one value of the verified session.
    OpenOne,
    /// To every value of it.
    OpenAll,
    /// From an opened session, one value set, to the header.
    Save,
}

const WORKS: [(Work, &str); 3] =
    [(Work::OpenOne, "open, one key"), (Work::OpenAll, "open, all keys"), (Work::Save, "save")];
const SESSIONS: [(usize, &str); 2] = [(70, SMALL), (300, LARGE)];
const NAMES: [&str; 5] = ["signed", "sealed", "SignedJar", "PrivateJar", "Flask"];
const SIGNED: usize = 0;
const SEALED: usize = 1;
const SIGNED_JAR: usize = 2;
const PRIVATE_JAR: usize = 3;
const FLASK: usize = 4;

/// Whether a cookie can be read, or only its signature be made and checked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Signed,
    Sealed,
}

/// Whose cookies are measured.
trait Contestant {
    /// So many a second, over about this long.
    fn run(&mut self, work: Work, slice: Duration) -> f64;
}

/// A library in this process.
trait Library {
    type Opened;

    fn open_one(&self) -> u64;
    /// How many values there are.
    fn open_all(&self) -> usize;
    fn opened(&self) -> Self::Opened;
    /// The length of the header.
    fn save(&self, opened: Self::Opened) -> usize;
}

impl<L: Library> Contestant for L {
    fn run(&mut self, work: Work, slice: Duration) -> f64 {
        const BLOCK: u32 = 64;
        let (mut spent, mut blocks) = (Duration::ZERO, 0u32);
        while spent < slice {
            let opened: Vec<_> =
                if work == Work::Save { (0..BLOCK).map(|_| self.opened()).collect() } else { Vec::new() };
            let start = Instant::now();
            match work {
                Work::OpenOne => (0..BLOCK).for_each(|_| _ = black_box(self.open_one())),
                Work::OpenAll => (0..BLOCK).for_each(|_| _ = black_box(self.open_all())),
                Work::Save => opened.into_iter().for_each(|opened| _ = black_box(self.save(opened))),
            }
            spent += start.elapsed();
            blocks += 1;
        }
        f64::from(blocks * BLOCK) / spent.as_secs_f64()
    }
}

pub fn run(plan: &Plan) {
    // By size, work and contestant.
    let mut figures = vec![vec![vec![Figures::default(); NAMES.len()]; WORKS.len()]; SESSIONS.len()];
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
            let (over_jar, over_flask) = (row[SIGNED].over(&row[SIGNED_JAR]), row[SIGNED].over(&row[FLASK]));
            println!(
                "| {name} | {bytes} | {} | {} | {} | {} | {} |",
                number(row[SIGNED].median()),
                over_jar.ratio(),
                over_flask.ratio(),
                number(row[SEALED].median()),
                row[SEALED].over(&row[PRIVATE_JAR]).ratio(),
            );
            let Some((jar, flask)) = wanted(*work, *bytes) else { continue };
            let target = |rival: &str, ratio, at_least| {
                let what = format!("Cookie: {name}, {bytes} B, signed over {rival}");
                Target { what, ratio, at_least }
            };
            targets.extend([target(NAMES[SIGNED_JAR], over_jar, jar), target(NAMES[FLASK], over_flask, flask)]);
        }
    }
    print_targets(&targets);
}

/// Over `SignedJar`, and over Flask.
fn wanted(work: Work, bytes: usize) -> Option<(f64, f64)> {
    match (work, bytes) {
        (Work::OpenOne, 70) => Some((5.0, 60.0)),
        (Work::OpenOne, _) => Some((4.0, 40.0)),
        (Work::Save, 70) => Some((4.0, 80.0)),
        (Work::Save, _) => Some((3.5, 50.0)),
        (Work::OpenAll, _) => None,
    }
}
