//! Every interleaving: two and three requests on one session, in every order of their store calls.
//! Replies are lost, calls are carried out late, requests and saves are dropped, and clocks differ
//! and jump. After each order, the rules of `verdict` hold.
//!
//! About 490,000 orders run in a minute on two cores. Two kinds of cases run only in `long`. The
//! first is the two requests with by far the most orders, in one process or with faults. The second
//! is all other cases in one process with faults. A defect that needs one of those also breaks
//! orders of two processes: the queue of a process only reduces contention.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cases;
mod changes;
mod clocks;
mod exceptions;
mod faults;
mod ids;
mod log;
mod long;
mod owners;
mod records;
mod report;
mod requests;
mod schedule;
mod stage;
mod steps;
mod verdict;
mod world;

use cases::{
    BASIC, BESIDE, COMPOSED, FOLLOWING, FURTHER, LARGEST, LOGIN, LOGIN_AND_END, LOGIN_AND_LOGOUT,
    REOPENED, TIMED, TIMES, TRIPLES,
};
use exceptions::EXCEPTIONS;
use faults::FaultKind;
use report::Report;
use schedule::every_order;
use steps::Request;
use steps::Step::{End, Rotate, Update};
use world::Case;

/// All requests of one operation.
fn single() -> impl Iterator<Item = Request> + Clone {
    BASIC.iter().chain(FURTHER).copied()
}

/// Each two of these.
fn pairs(requests: impl Iterator<Item = Request> + Clone) -> impl Iterator<Item = [Request; 2]> {
    let numbered = requests.enumerate();
    numbered
        .clone()
        .flat_map(move |(first, one)| numbered.clone().skip(first).map(move |(_, two)| [one, two]))
}

#[test]
fn two_requests_in_every_order() {
    let mut report = Report::new("two requests");
    for pair in pairs(single()) {
        if pair != LARGEST {
            report.run(Case::new(1, &pair));
        }
        report.run(Case::new(2, &pair));
        report.run(Case::new(2, &pair).of_visitor());
    }
    assert!(report.finish() > 10_000);
}

#[test]
fn two_requests_with_token_in_header_in_every_order() {
    let mut report = Report::new("two requests, token in a header");
    for pair in pairs(BASIC.iter().copied()) {
        report.run(Case::new(1, &pair).in_header());
        report.run(Case::new(2, &pair).in_header());
    }
    assert!(report.finish() > 500);
}

#[test]
fn two_requests_with_lifetime_of_visitors_in_every_order() {
    let mut report = Report::new("two requests, lifetime of visitors");
    for pair in pairs(single()) {
        for case in [Case::new(2, &pair).of_visitor(), Case::new(2, &pair)] {
            report.run(case.shortened());
        }
    }
    assert!(report.finish() > 1_000);
}

#[test]
fn two_requests_with_manual_saves_in_every_order() {
    let mut report = Report::new("two requests, manual saves");
    for (first, one) in COMPOSED.iter().enumerate() {
        for two in single().chain(COMPOSED[first..].iter().copied()) {
            report.run(Case::new(1, &[one, two]));
            report.run(Case::new(2, &[one, two]));
        }
    }
    assert!(report.finish() > 15_000);
}

#[test]
fn reopened_sessions_in_every_order() {
    let mut report = Report::new("reopened sessions");
    for one in REOPENED {
        for two in single().chain(REOPENED.iter().copied()) {
            report.run(Case::new(1, &[one, two]));
            report.run(Case::new(2, &[one, two]));
            report.run(Case::new(2, &[one, two]).of_visitor());
        }
        for two in BESIDE {
            report.run_with_faults(Case::new(2, &[one, two]), &FaultKind::ALL);
        }
    }
    assert!(report.finish() > 10_000);
}

#[test]
fn request_after_response_in_every_order() {
    let mut report = Report::new("requests after a response");
    for one in single().chain(COMPOSED.iter().copied()) {
        for following in FOLLOWING {
            report.run(Case::new(2, &[one, following]));
            for two in [&[Update][..], &[Rotate], LOGIN, &[End]] {
                report.run(Case::new(3, &[one, two, following]));
            }
        }
    }
    assert!(report.finish() > 10_000);
}

#[test]
fn two_requests_with_clocks_in_every_order() {
    let mut report = Report::new("two requests, clocks");
    for pair in pairs(TIMED.iter().copied()) {
        for (skew, ticks) in TIMES {
            report.run(Case { skew: *skew, ticks, ..Case::new(2, &pair) });
        }
    }
    assert!(report.finish() > 10_000);
}

#[test]
fn two_requests_with_faults_in_every_order() {
    let mut report = Report::new("two requests, faults");
    for pair in pairs(single()).filter(|pair| *pair != LARGEST) {
        report.run_with_faults(Case::new(2, &pair), &FaultKind::ALL);
    }
    assert!(report.finish() > 40_000);
}

#[test]
fn two_requests_with_manual_saves_and_faults_in_every_order() {
    let mut report = Report::new("two requests, manual saves, faults");
    for one in COMPOSED.iter().copied().chain([LOGIN_AND_END]) {
        for two in BESIDE {
            report.run_with_faults(Case::new(2, &[one, two]), &FaultKind::ALL);
        }
    }
    assert!(report.finish() > 40_000);
}

#[test]
fn requests_that_continue_after_unknown_outcome_in_every_order() {
    let mut report = Report::new("two requests, unknown outcomes");
    for one in COMPOSED.iter().copied().chain([LOGIN_AND_END, LOGIN_AND_LOGOUT]) {
        for two in BESIDE {
            for case in [Case::new(2, &[one, two]), Case::new(2, &[one, two]).of_visitor()] {
                report.run_with_faults(case, &[FaultKind::LostWithLookup]);
            }
        }
    }
    assert!(report.finish() > 1_000);
}

#[test]
fn three_requests_in_every_order() {
    let mut report = Report::new("three requests");
    for (first, one) in BASIC.iter().enumerate() {
        for (second, two) in BASIC.iter().enumerate().skip(first) {
            for three in &BASIC[second..] {
                // Two processes serve them, or each has its own.
                report.run(Case::new(2, &[one, two, three]));
                report.run(Case::new(3, &[one, two, three]));
            }
        }
    }
    assert!(report.finish() > 30_000);
}

#[test]
fn three_requests_with_faults_in_every_order() {
    let mut report = Report::new("three requests, faults");
    for triple in TRIPLES {
        report.run_with_faults(Case::new(3, triple), &[FaultKind::Lost, FaultKind::Cut]);
    }
    assert!(report.finish() > 5_000);
}

#[test]
fn exceptions_are_reached() {
    for (row, exception) in EXCEPTIONS.iter().enumerate() {
        let mut report = Report::new(exception.name);
        let (case, faults) = (exception.example)();
        if faults.is_empty() {
            report.run(case);
        } else {
            report.run_with_faults(case, faults);
        }
        let (needed, name, reason) = (report.needed()[row], exception.name, exception.reason);
        assert!(needed > 0, "no order reaches the exception `{name}`: {reason}");
    }
}

#[test]
fn design_lists_the_exceptions() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../DESIGN.md");
    let design = std::fs::read_to_string(path).unwrap();
    let (_, table) = design.split_once("| exception | reason |\n|---|---|\n").unwrap();
    let listed: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    let rows: Vec<String> =
        EXCEPTIONS.iter().map(|row| format!("| {} | {} |", row.name, row.reason)).collect();
    assert_eq!(listed, rows);
}

#[test]
fn updates_in_one_process_load_once_and_save_once() {
    for count in 2..=3 {
        let requests: Vec<Request> = vec![&[Update]; count];
        let case = Case::new(1, &requests);
        let scene = case.scene();
        let ran = every_order(
            || scene.start(&case),
            |world, order| {
                let calls: usize = (0..count).map(|request| world.stage.calls(request)).sum();
                assert_eq!(calls, 2 * count, "order {order:?}");
            },
        );
        assert!(ran.orders > count, "only {} orders", ran.orders);
    }
}
