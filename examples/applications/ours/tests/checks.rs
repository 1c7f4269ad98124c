//! Checks the application with this project's sessions, in axum and in actix-web.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

use actix_web::{App, HttpServer};
use checked_application::{router, routes};
use session_conformance::application::{Options, Outcome, Report, check};
use session_kit::actix::SessionMiddleware;
use session_kit::axum::SessionLayer;
use session_kit::cookie::{SecretKey, SignedCookieSessions};
use session_kit::memory::{MemorySessions, MemoryStore};
use session_kit::{ManualClock, SessionConfig, SessionInterface};

type Sessions = Arc<dyn SessionInterface>;

const IDLE_TIMEOUT: Duration = Duration::from_mins(10);

#[test]
fn axum_application_on_memory_passes_every_check() {
    let clock = ManualClock::at(SystemTime::now());
    let report = checked(&in_axum(in_memory(&clock)), clock);
    assert_all_pass(&report);
}

#[test]
fn actix_application_on_memory_passes_every_check() {
    let clock = ManualClock::at(SystemTime::now());
    let report = checked(&in_actix(in_memory(&clock)), clock);
    assert_all_pass(&report);
}

#[test]
fn signed_cookie_fails_only_by_design() {
    let clock = ManualClock::at(SystemTime::now());
    let config = SessionConfig::builder()
        .clock(clock.clone())
        .permanent_lifetime(IDLE_TIMEOUT)
        .permanent_by_default(true)
        .build()
        .unwrap();
    let key = SecretKey::generate().unwrap();
    let sessions = SignedCookieSessions::new(config, &key).unwrap();
    let report = checked(&in_axum(Arc::new(sessions)), clock);
    assert!(report.is_stored_in_cookie() && !report.has_failures(), "{report}");
    let by_design = [
        "login_outlives_overlapping_write",
        "overlapping_writes_are_both_stored",
        "overlapping_additions_are_both_counted",
        "logout_ends_copies_of_cookie",
        "overlapping_write_revives_no_session",
    ];
    assert_eq!(names(&report, |outcome| matches!(outcome, Outcome::ByDesign(_))), by_design);
    let not_applicable = names(&report, |outcome| matches!(outcome, Outcome::NotApplicable(_)));
    assert_eq!(not_applicable, ["ended_id_is_not_adopted"]);
}

fn assert_all_pass(report: &Report) {
    assert_eq!(names(report, |outcome| *outcome != Outcome::Passed), [""; 0], "{report}");
}

fn names(report: &Report, has: impl Fn(&Outcome) -> bool) -> Vec<&str> {
    let findings = report.findings().iter().filter(|finding| has(&finding.outcome));
    findings.map(|finding| finding.check).collect()
}

fn checked(url: &str, clock: ManualClock) -> Report {
    let options = Options::default()
        .idle_timeout(IDLE_TIMEOUT)
        .advance(move |duration| clock.advance(duration));
    check(url, &options).unwrap()
}

fn in_memory(clock: &ManualClock) -> Sessions {
    let config =
        SessionConfig::builder().clock(clock.clone()).idle_timeout(IDLE_TIMEOUT).build().unwrap();
    Arc::new(MemorySessions::new(MemoryStore::new(), config))
}

/// Serves the application until the test process ends, and returns its address.
fn in_axum(sessions: Sessions) -> String {
    let (listener, url) = listener();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router().layer(SessionLayer::new(sessions))).await.unwrap();
        });
    });
    url
}

/// Serves the application until the test process ends, and returns its address.
fn in_actix(sessions: Sessions) -> String {
    let (listener, url) = listener();
    let (started, is_started) = mpsc::channel();
    thread::spawn(move || {
        let sessions = SessionMiddleware::new(sessions);
        let app = move || App::new().wrap(sessions.clone()).configure(routes);
        actix_web::rt::System::new().block_on(async {
            let server =
                HttpServer::new(app).workers(2).disable_signals().listen(listener).unwrap();
            started.send(()).unwrap();
            server.run().await.unwrap();
        });
    });
    is_started.recv().unwrap();
    url
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}
