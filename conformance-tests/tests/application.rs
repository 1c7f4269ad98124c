//! Tests of the checks of running applications: a correct application passes every check, and each
//! check fails for an application with its defect.

#![allow(unreachable_pub, reason = "the modules are part of this test")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "application/defects.rs"]
mod defects;
#[path = "application/sample.rs"]
mod sample;

use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use defects::{DEFECTS, Defect};
use sample::{IDLE_TIMEOUT, Sample};
use session_conformance::application::{Options, Outcome, Report, check, checks};
use session_core::{Error, ErrorKind};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn correct_application_passes_every_check() {
    let report = checked(None).await.unwrap();
    assert_eq!(failures(&report), [""; 0], "{report}");
    assert!(report.findings().iter().all(|finding| finding.outcome == Outcome::Passed), "{report}");
    assert!(!report.has_failures() && !report.is_stored_in_cookie());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn application_with_defect_fails_only_its_checks() {
    let mut reports = JoinSet::new();
    for (defect, expected) in DEFECTS {
        reports.spawn(async move { (defect, expected, checked(Some(*defect)).await.unwrap()) });
    }
    while let Some(report) = reports.join_next().await {
        let (defect, expected, report) = report.unwrap();
        assert_eq!(failures(&report), *expected, "{defect:?}\n{report}");
        assert!(report.has_failures());
        let completed = report.findings().iter().all(|finding| {
            !finding.outcome.cause().starts_with("the check could not be completed")
        });
        assert!(completed, "{defect:?}\n{report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn application_with_locks_passes_every_check() {
    let report = checked(Some(Defect::LocksSessions)).await.unwrap();
    assert_eq!(failures(&report), [""; 0], "{report}");
}

#[test]
fn each_check_fails_for_some_defect() {
    for (name, _) in checks() {
        assert!(DEFECTS.iter().any(|(_, expected)| expected.contains(&name)), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn application_without_holds_fails_overlapping_checks() {
    let report = checked(Some(Defect::IgnoresHold)).await.unwrap();
    let failed = failures(&report);
    let overlapping = checks().map(|(name, _)| name).filter(|name| name.contains("overlapping"));
    assert_eq!(failed, overlapping.collect::<Vec<_>>(), "{report}");
    assert!(report.to_string().contains("did not wait for POST /release"), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn application_without_contract_is_error() {
    let error = checked(Some(Defect::RefusesValues)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Backend);
    let expected = "POST /set?key=color returned status 500; the adapter contract requires 200";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn address_without_application_is_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = check(&format!("http://{address}"), &Options::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let error = check("https://127.0.0.1", &Options::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expiry_without_timeout_is_not_applicable() {
    let url = Sample::new(Some(Defect::NeverExpires)).serve().await;
    let report = tokio::task::block_in_place(|| check(&url, &Options::default())).unwrap();
    assert!(!report.has_failures(), "{report}");
    let json = report.to_json();
    let expiry = json["checks"].as_array().unwrap().last().unwrap();
    assert_eq!(expiry["check"], "active_session_does_not_expire");
    assert_eq!(expiry["outcome"], "not applicable");
    assert_eq!(json["storage"], "server");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn program_exits_with_outcome() {
    let passed = program(&Sample::new(None).serve().await, &[]);
    assert_eq!(passed.status.code(), Some(0), "{passed:?}");
    let text = String::from_utf8(passed.stdout).unwrap();
    assert!(text.ends_with("pass: 19, fail: 0, by design: 0, not applicable: 2\n"), "{text}");

    let failed = program(&Sample::new(Some(Defect::NoSecure)).serve().await, &["--json"]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let report: serde_json::Value = serde_json::from_slice(&failed.stdout).unwrap();
    let secure = &report["checks"][1];
    assert_eq!(
        (&secure["check"], &secure["outcome"]),
        (&"cookie_is_secure".into(), &"fail".into())
    );
    let cause = secure["cause"].as_str().unwrap();
    assert!(cause.starts_with("POST /set?key=color sets `session` without Secure"), "{cause}");

    let refused = program("https://127.0.0.1", &[]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("must begin with http://"), "{message}");
}

#[test]
fn guide_lists_every_check() {
    let guide = include_str!("../../docs/checking-applications.md");
    for (name, promise) in checks() {
        assert!(guide.contains(&format!("| `{name}` | {promise} |")), "{name}: {promise}");
    }
}

/// Checks an application with this defect.
async fn checked(defect: Option<Defect>) -> Result<Report, Error> {
    let sample = Sample::new(defect);
    let url = sample.serve().await;
    let clock = Arc::clone(&sample);
    let mut options =
        Options::default().idle_timeout(IDLE_TIMEOUT).advance(move |by| clock.advance(by));
    if defect == Some(Defect::LocksSessions) {
        options = options.patience(Duration::ZERO);
    }
    tokio::task::block_in_place(|| check(&url, &options))
}

fn program(url: &str, options: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_check-application");
    Command::new(program).arg(url).args(options).output().unwrap()
}

fn failures(report: &Report) -> Vec<&str> {
    let failed =
        report.findings().iter().filter(|finding| matches!(finding.outcome, Outcome::Failed(_)));
    failed.map(|finding| finding.check).collect()
}
