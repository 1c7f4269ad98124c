#![doc = include_str!("../README.md")]

mod labels;

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use session_core::ErrorKind;
use session_core::events::{Event, EventHandler, StoreCall};

const REQUESTS: &str = "session_requests_total";
const EVENTS: &str = "session_events_total";
const CALLS: &str = "session_store_call_duration_seconds";
const RETRIES: &str = "session_store_retries_total";
const EVICTED: &str = "session_store_evicted_total";
const SWEPT: &str = "session_store_swept_total";
const RECONNECTS: &str = "session_store_reconnects_total";
const OUTAGES: &str = "session_store_outages_total";
const UP: &str = "session_store_up";
const LIVE: &str = "session_live";

/// An event handler that records metrics with the recorder of this process.
///
/// Pass the handler to [`Events::new`](session_core::events::Events::new). A closure can call
/// several handlers.
///
/// # Examples
///
/// ```
/// use session_core::SessionConfig;
/// use session_core::events::{Event, EventHandler, Events};
/// use session_metrics::SessionMetrics;
///
/// let metrics = SessionMetrics::new();
/// let events = Events::new(move |event: &Event<'_>| {
///     metrics.handle(event);
///     if let Event::Theft { .. } = event {
///         // Notify the user.
///     }
/// });
/// let config = SessionConfig::builder().events(events).build()?;
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionMetrics;

impl SessionMetrics {
    /// Returns a handler, and describes the metrics to the recorder. Install the recorder before
    /// this call.
    #[expect(clippy::new_without_default, reason = "it describes the metrics")]
    pub fn new() -> Self {
        describe();
        gauge!(UP).set(1.0);
        Self
    }

    /// Records the number of live sessions. Call this method when the metrics are read, if the
    /// store counts its sessions. The memory store counts its sessions with `MemoryStore::len`.
    #[expect(clippy::cast_precision_loss, reason = "gauges are floating-point numbers")]
    pub fn record_live(&self, sessions: u64) {
        gauge!(LIVE).set(sessions as f64);
    }
}

impl EventHandler for SessionMetrics {
    fn handle(&self, event: &Event<'_>) {
        match *event {
            Event::RequestEnded { result } => {
                counter!(REQUESTS, "outcome" => labels::of_result(result)).increment(1);
            }
            Event::StoreCallEnded { call, duration, error } => record_call(call, duration, error),
            Event::Retried => counter!(RETRIES).increment(1),
            Event::Evicted { count } => counter!(EVICTED).increment(count),
            Event::Swept { count } => counter!(SWEPT).increment(count),
            Event::Reconnected => counter!(RECONNECTS).increment(1),
            Event::OutageBegan => {
                counter!(OUTAGES).increment(1);
                gauge!(UP).set(0.0);
            }
            Event::OutageEnded { .. } => gauge!(UP).set(1.0),
            _ => {
                if let Some((event, count)) = labels::of_event(event) {
                    counter!(EVENTS, "event" => event).increment(count);
                }
            }
        }
    }
}

fn record_call(call: StoreCall, duration: Duration, error: Option<ErrorKind>) {
    let call = call.name();
    let result = error.map_or("ok", labels::of_error);
    histogram!(CALLS, "call" => call, "result" => result).record(duration);
}

fn describe() {
    describe_counter!(REQUESTS, "Requests that opened their session, by outcome.");
    describe_counter!(EVENTS, "Session events, by kind.");
    describe_histogram!(CALLS, Unit::Seconds, "Duration of store calls, by call and result.");
    describe_counter!(RETRIES, "Writes that were retried after a concurrent write.");
    describe_counter!(EVICTED, "Sessions that a full store removed.");
    describe_counter!(SWEPT, "Expired records that a sweep removed.");
    describe_counter!(RECONNECTS, "Connections to a store that were lost and established again.");
    describe_counter!(OUTAGES, "Outages of the store.");
    describe_gauge!(UP, "1 if the last store call succeeded, 0 during an outage.");
    describe_gauge!(LIVE, "Live sessions in the store.");
}
