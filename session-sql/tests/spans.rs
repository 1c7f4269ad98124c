//! The spans of store calls.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use session_core::SessionConfig;
use session_sql::SqlSessions;
use support::requests::Client;
use support::{migrated, sqlite};
use test_servers::TemporaryFolder;
use tracing_subscriber::fmt::format::FmtSpan;

/// The formatted log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn span_of_call_has_fields_of_opentelemetry() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let folder = TemporaryFolder::new();
    let store = migrated(&sqlite(&folder)).await;
    let sessions = SqlSessions::new(store, SessionConfig::default());
    let mut client = Client::new(Arc::new(sessions));
    client.request(|session| session.insert("cart", 1)).await.unwrap();
    client.request(|session| session.insert("cart", 2)).await.unwrap();
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let spans: Vec<_> = log.lines().filter(|line| line.contains("session store call")).collect();
    assert_eq!(spans.len(), 3, "{log}");
    for (span, call) in spans.iter().zip(["create", "load", "replace"]) {
        for field in [
            "otel.kind=\"client\"".to_owned(),
            format!("otel.name=\"{call}\""),
            format!("db.operation.name=\"{call}\""),
            "db.system.name=\"sqlite\"".to_owned(),
            "db.collection.name=\"sessions\"".to_owned(),
        ] {
            assert!(span.contains(&field), "{field} in {span}");
        }
        assert!(!span.contains("error.type"), "{span}");
    }
}
