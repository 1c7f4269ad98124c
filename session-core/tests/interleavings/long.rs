//! Larger sets of cases, which run for minutes.

use crate::cases::{
    BASIC, BESIDE, COMPOSED, FOLLOWING, LARGEST, LOGIN_BESIDE, LONG_TRIPLES, MORE_TIMES, REOPENED,
    TIMED, TIMES, TRIPLES,
};
use crate::faults::FaultKind;
use crate::pairs;
use crate::report::Report;
use crate::single;
use crate::world::Case;

#[test]
#[ignore = "runs in scripts/test --long interleavings"]
fn one_process_with_faults_in_every_order() {
    let mut report = Report::new("one process, faults");
    for pair in pairs(single()).filter(|pair| *pair != LARGEST) {
        let kinds = if pair == LOGIN_BESIDE { &FaultKind::PROMPT[..] } else { &FaultKind::ALL };
        report.run_with_faults(Case::new(1, &pair), kinds);
    }
    report.finish();
}

#[test]
#[ignore = "runs in scripts/test --long interleavings"]
fn one_process_with_saves_and_faults_in_every_order() {
    let mut report = Report::new("one process, manual saves, faults");
    for one in COMPOSED {
        for two in BESIDE {
            report.run_with_faults(Case::new(1, &[one, two]), &FaultKind::ALL);
        }
    }
    report.finish();
}

#[test]
#[ignore = "runs in scripts/test --long interleavings"]
fn two_password_changes_in_every_order() {
    let mut report = Report::new("two changes of a password");
    report.run(Case::new(1, &LARGEST));
    report.run_with_faults(Case::new(2, &LARGEST), &FaultKind::ALL);
    report.finish();
}

#[test]
#[ignore = "runs in scripts/test --long interleavings"]
fn visitors_with_faults_in_every_order() {
    let mut report = Report::new("visitors, faults");
    for pair in pairs(single()) {
        report.run_with_faults(Case::new(2, &pair).of_visitor(), &FaultKind::ALL);
    }
    for one in COMPOSED {
        for two in single() {
            report.run_with_faults(Case::new(2, &[one, two]).of_visitor(), &FaultKind::ALL);
        }
    }
    report.finish();
}

#[test]
#[ignore = "runs in scripts/test --long interleavings"]
fn manual_saves_with_faults_in_every_order() {
    let mut report = Report::new("manual saves, faults");
    for (first, one) in COMPOSED.iter().enumerate() {
        for two in single().chain(COMPOSED[first..].iter().copied()) {
            report.run_with_faults(Case::new(2, &[one, two]), &FaultKind::ALL);
        }
    }
    report.finish();
}

#[test]
#[ignore = "runs in scripts/test --long interleavings"]
fn reopened_sessions_with_faults_in_every_order() {
    let mut report = Report::new("reopened sessions, faults");
    for (first, one) in REOPENED.iter().enumerate() {
        for two in single().chain(REOPENED[first..].iter().copied()) {
            report.run_with_faults(Case::new(2, &[one, two]), &FaultKind::ALL);
            report.run_with_faults(Case::new(2, &[one, two]).of_visitor(), &FaultKind::ALL);
        }
    }
    report.finish();
}

#[test]
#[ignore = "runs in scripts/test --long interleavings"]
fn requests_after_responses_with_faults_in_every_order() {
    let mut report = Report::new("requests after a response, faults");
    for one in single().chain(COMPOSED.iter().copied()) {
        for following in FOLLOWING {
            report.run_with_faults(Case::new(2, &[one, following]), &FaultKind::ALL);
            for two in BESIDE {
                report.run(Case::new(2, &[one, two, following]));
            }
        }
    }
    report.finish();
}

#[test]
#[ignore = "runs in scripts/test --long interleavings"]
fn clocks_with_faults_in_every_order() {
    let mut report = Report::new("clocks, faults");
    for pair in pairs(TIMED.iter().copied()) {
        for (skew, ticks) in TIMES {
            let case = Case { skew: *skew, ticks, ..Case::new(2, &pair) };
            report.run_with_faults(case, &FaultKind::ALL);
        }
        for (skew, ticks) in MORE_TIMES {
            for (processes, anonymous) in [(1, false), (2, false), (2, true)] {
                let case = Case { anonymous, skew: *skew, ticks, ..Case::new(processes, &pair) };
                report.run(case);
            }
        }
    }
    report.finish();
}

#[test]
#[ignore = "runs in scripts/test --long interleavings"]
fn three_requests_with_all_faults_in_every_order() {
    let mut report = Report::new("three requests, all faults");
    for triple in TRIPLES {
        report.run_with_faults(Case::new(3, triple), &FaultKind::ALL);
        report.run_with_faults(Case::new(1, triple), &[FaultKind::Lost, FaultKind::Cut]);
    }
    for triple in LONG_TRIPLES {
        report.run(Case::new(3, triple));
    }
    report.finish();
}

#[test]
#[ignore = "runs in scripts/test --long interleavings"]
fn three_requests_in_one_process_in_every_order() {
    let mut report = Report::new("three requests, one process and manual saves");
    for (first, one) in BASIC.iter().enumerate() {
        for (second, two) in BASIC.iter().enumerate().skip(first) {
            for three in &BASIC[second..] {
                report.run(Case::new(1, &[one, two, three]));
            }
            for three in COMPOSED {
                report.run(Case::new(3, &[one, two, three]));
            }
        }
    }
    report.finish();
}
