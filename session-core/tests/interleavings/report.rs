//! Counts the orders that ran, and reports the broken rules.
//!
//! A broken rule fails the test at once. With `INTERLEAVINGS_COUNT=1`, it is only counted: the test
//! prints, for each rule, how many interleavings break it, and for which requests. With
//! `INTERLEAVINGS_COUNT=examples`, it also prints one interleaving of each.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::exceptions::{self, EXCEPTIONS};
use crate::faults::{Fault, FaultKind};
use crate::schedule::every_order;
use crate::verdict::{Invariant, Verdict};
use crate::world::{Case, World};

/// Names the case in which the scheduler or the engine panics.
struct InProgress<'a>(&'a Case<'a>);

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{:?}", self.0);
        }
    }
}

/// The cases of one test.
pub(crate) struct Report {
    name: &'static str,
    counts: bool,
    shows: bool,
    orders: usize,
    /// The orders that broke a rule.
    failed: usize,
    /// For each rule and combination of requests, the number of orders that broke it, and the first
    /// of them.
    broken: BTreeMap<Invariant, BTreeMap<String, (usize, String)>>,
    /// The number of uses of each exception.
    needed: Vec<usize>,
}

impl Report {
    pub(crate) fn new(name: &'static str) -> Self {
        let count = std::env::var("INTERLEAVINGS_COUNT").unwrap_or_default();
        let (counts, shows) = (!count.is_empty() && count != "0", count == "examples");
        Self {
            name,
            counts,
            shows,
            orders: 0,
            failed: 0,
            broken: BTreeMap::new(),
            needed: vec![0; EXCEPTIONS.len()],
        }
    }

    /// Runs a case in every order.
    pub(crate) fn run(&mut self, case: Case<'_>) {
        let failures: RefCell<BTreeMap<Invariant, (usize, String)>> = RefCell::default();
        let (failed, needed) = (Cell::new(0), RefCell::new(&mut self.needed));
        let check = |world: &World, order: &[usize]| {
            let logs = world.logs.borrow().clone();
            let verdict = Verdict::of(&case, world, &logs);
            let broken = exceptions::remaining(&verdict, &mut needed.borrow_mut());
            assert!(self.counts || broken.is_empty(), "{broken:?}\n{}", verdict.story(order));
            failed.set(failed.get() + usize::from(!broken.is_empty()));
            for (rule, what) in broken {
                let example = || (0, format!("{what}\n{}", verdict.story(order)));
                failures.borrow_mut().entry(rule).or_insert_with(example).0 += 1;
            }
        };
        let scene = case.scene();
        let _in_progress = InProgress(&case);
        self.orders += every_order(|| scene.start(&case), check).judged;
        self.failed += failed.get();
        for (rule, (count, example)) in failures.take() {
            let combinations = self.broken.entry(rule).or_default();
            let kind = case.fault.map(|fault| fault.kind);
            let combination = format!("{:?} {kind:?}", case.requests);
            combinations.entry(combination).or_insert((0, example)).0 += count;
        }
    }

    /// Runs a case with one fault of each of these kinds, at every call of every request.
    pub(crate) fn run_with_faults(&mut self, case: Case<'_>, kinds: &[FaultKind]) {
        for kind in kinds {
            for request in 0..case.requests.len() {
                for calls in 0.. {
                    let before = self.orders;
                    let fault = Some(Fault { request, calls, kind: *kind });
                    self.run(Case { fault, ..case });
                    // No order has that many calls.
                    if self.orders == before && calls > 1 {
                        break;
                    }
                }
            }
        }
    }

    /// Returns the number of uses of each exception.
    pub(crate) fn needed(&self) -> &[usize] {
        &self.needed
    }

    /// Prints the summary, and returns the number of orders.
    pub(crate) fn finish(self) -> usize {
        let mut text = format!("{}: {} interleavings", self.name, self.orders);
        if self.counts {
            let _ = write!(text, ", {} of them fail", self.failed);
        }
        for (rule, combinations) in &self.broken {
            let count: usize = combinations.values().map(|(count, _)| count).sum();
            let _ = write!(text, "\n== {rule:?}: {count} in {} combinations", combinations.len());
            for (requests, (count, example)) in combinations {
                let example = if self.shows { example.as_str() } else { "" };
                let _ = write!(text, "\n-- {rule:?} {count} {requests} {example}");
            }
        }
        for (row, count) in EXCEPTIONS.iter().zip(&self.needed).filter(|(_, count)| **count > 0) {
            let _ = write!(text, "\n++ {count} excepted: {}", row.name);
        }
        println!("{text}");
        self.orders
    }
}
