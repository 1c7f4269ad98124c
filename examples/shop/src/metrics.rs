//! The metrics of the shop, for Prometheus.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use session_core::events::Events;
use session_metrics::SessionMetrics;

const CALLS: &str = "session_store_call_duration_seconds";
const BUCKETS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// The recorder of this process.
#[derive(Clone, Debug)]
pub struct Metrics {
    recorder: PrometheusHandle,
}

impl Metrics {
    /// Installs the recorder of this process.
    ///
    /// # Errors
    ///
    /// Fails if the process already has a recorder.
    pub fn install() -> Result<Self, BuildError> {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(Matcher::Full(CALLS.to_owned()), &BUCKETS)?;
        Ok(Self { recorder: builder.install_recorder()? })
    }

    /// Returns a receiver that records events as metrics.
    pub fn events(&self) -> Events {
        Events::new(SessionMetrics::new())
    }

    /// Returns the route of the metrics. A proxy must not forward requests to this route.
    pub fn route(&self) -> Router {
        let recorder = self.recorder.clone();
        Router::new().route("/metrics", get(async move || recorder.render()))
    }

    /// Merges recorded values to limit their memory use between two reads of the metrics.
    pub async fn maintain(self) {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            self.recorder.run_upkeep();
        }
    }
}
