//! The recorded metrics, and their documentation.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use session_core::events::{Event, EventHandler as _, EventSession, Events, StoreCall};
use session_core::interface::SessionInterface;
use session_core::request::{OutagePolicy, RequestSession, RequestView};
use session_core::{ErrorKind, Outcome, SessionConfig};
use session_memory::{MemorySessions, MemoryStore};
use session_metrics::SessionMetrics;

/// Returns the recorded metrics as lines such as `name{label=value} 1`. Histograms show the number
/// of values.
fn lines(snapshotter: &Snapshotter) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let key = key.key();
        let labels: Vec<_> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let value = match value {
            DebugValue::Counter(value) => value.to_string(),
            DebugValue::Gauge(value) => value.to_string(),
            DebugValue::Histogram(values) => format!("{} values", values.len()),
        };
        lines.push(format!("{}{{{}}} {value}", key.name(), labels.join(",")));
    }
    lines.sort();
    lines
}

async fn request(sessions: &Arc<dyn SessionInterface>, cookie: &str, value: u32) -> RequestSession {
    let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
    let request = RequestSession::with_shared(Arc::clone(sessions), view, OutagePolicy::Refuse);
    request.session().await.unwrap().insert("n", value).unwrap();
    request
}

#[tokio::test]
async fn requests_and_store_calls_are_recorded() {
    let recorder = DebuggingRecorder::new();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let snapshotter = recorder.snapshotter();
    let metrics = SessionMetrics::new();
    let store = MemoryStore::new();
    let events = Events::new(metrics.clone());
    let config = SessionConfig::builder().events(events).build().unwrap();
    let sessions: Arc<dyn SessionInterface> = Arc::new(MemorySessions::new(store.clone(), config));
    let headers = request(&sessions, "", 1).await.commit().await.into_result().unwrap();
    let cookie = headers.set_cookie().unwrap().split(';').next().unwrap();
    let (one, two) = (request(&sessions, cookie, 2).await, request(&sessions, cookie, 3).await);
    for request in [one, two] {
        let _ = request.commit().await.into_result().unwrap();
    }
    metrics.record_live(store.len());
    let expected = [
        "session_events_total{event=created} 1",
        "session_live{} 1",
        "session_requests_total{outcome=stored} 3",
        "session_store_call_duration_seconds{call=create,result=ok} 1 values",
        "session_store_call_duration_seconds{call=load,result=ok} 3 values",
        "session_store_call_duration_seconds{call=replace,result=ok} 3 values",
        "session_store_retries_total{} 1",
        "session_store_up{} 1",
    ];
    assert_eq!(lines(&snapshotter), expected);
}

/// Each kind of event, with the metric that counts it.
fn kinds() -> Vec<(Event<'static>, &'static str)> {
    let (session, previous) = (EventSession::default(), EventSession::default());
    let (call, duration, error) = (StoreCall::Load, Duration::ZERO, Some(ErrorKind::Unavailable));
    vec![
        (Event::Created { session }, "session_events_total{event=created} 1"),
        (Event::LoggedIn { session, previous }, "session_events_total{event=logged_in} 1"),
        (Event::Rotated { session }, "session_events_total{event=rotated} 1"),
        (Event::LoggedOut { session }, "session_events_total{event=logged_out} 1"),
        (Event::Ended { session }, "session_events_total{event=ended} 1"),
        (Event::Theft { session }, "session_events_total{event=theft} 1"),
        (Event::Expired { count: 2 }, "session_events_total{event=expired} 2"),
        (Event::RotatedId { count: 3 }, "session_events_total{event=rotated_id} 3"),
        (Event::UnknownId { count: 4 }, "session_events_total{event=unknown_id} 4"),
        (Event::ForgedCookie { count: 5 }, "session_events_total{event=forged_cookie} 5"),
        (Event::CsrfRefused { count: 6 }, "session_events_total{event=csrf_refused} 6"),
        (
            Event::SeveralCookies { of_different_users: true, count: 7 },
            "session_events_total{event=several_cookies} 7",
        ),
        (
            Event::RequestEnded { result: Ok(Outcome::Dropped) },
            "session_requests_total{outcome=dropped} 1",
        ),
        (
            Event::RequestEnded { result: Err(ErrorKind::TooLarge) },
            "session_requests_total{outcome=too_large} 1",
        ),
        (Event::Retried, "session_store_retries_total{} 1"),
        (Event::Evicted { count: 8 }, "session_store_evicted_total{} 8"),
        (Event::Swept { count: 9 }, "session_store_swept_total{} 9"),
        (Event::Reconnected, "session_store_reconnects_total{} 1"),
        (Event::OutageEnded { failed: 1 }, "session_store_up{} 1"),
        (Event::OutageBegan, "session_store_outages_total{} 1"),
        (
            Event::StoreCallEnded { call, duration, error },
            "session_store_call_duration_seconds{call=load,result=unavailable} 1 values",
        ),
    ]
}

#[test]
fn each_event_is_counted_once() {
    let recorder = DebuggingRecorder::new();
    metrics::with_local_recorder(&recorder, || {
        let metrics = SessionMetrics::new();
        for (event, _) in kinds() {
            metrics.handle(&event);
        }
    });
    let mut expected: Vec<_> = kinds().into_iter().map(|(_, line)| line.to_owned()).collect();
    for line in &mut expected {
        if line == "session_store_up{} 1" {
            // The last event of its kind is the start of an outage.
            "session_store_up{} 0".clone_into(line);
        }
    }
    expected.sort();
    assert_eq!(lines(&recorder.snapshotter()), expected);
}

/// Returns the names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(|c| !is_part(c)).filter(|word| word.starts_with("session_"));
    words
        .map(|word| word.trim_end_matches("_bucket").trim_end_matches("_count").to_owned())
        .collect()
}

#[test]
fn table_and_dashboard_have_every_metric() {
    let table: String = include_str!("../README.md")
        .lines()
        .filter(|line| line.starts_with("| `session_"))
        .filter_map(|line| line.split('|').nth(1))
        .collect();
    let mut recorded: BTreeSet<_> = kinds().iter().flat_map(|(_, line)| names(line)).collect();
    recorded.insert("session_live".to_owned());
    assert_eq!(names(&table), recorded);

    let dashboard = include_str!("../dashboard.json");
    let dashboard: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let expressions: String =
        targets.map(|target| target["expr"].as_str().unwrap().to_owned() + " ").collect();
    assert_eq!(names(&expressions), recorded);
}
