//! The spans of store calls.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::log::Log;
use support::requests::App;
use support::{new_server, store};
use tracing_subscriber::fmt::format::FmtSpan;

#[tokio::test]
async fn span_of_call_names_database_and_error() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let server = new_server().await;
    let app = App::new(store(&server).await);
    let _guard = tracing::subscriber::set_default(subscriber);
    let cookie = app.get("/write/cart", "").await.cookie.unwrap();
    server.kill().await;
    app.get("/read", &cookie).await;
    let log = log.take();
    let spans: Vec<_> = log.lines().filter(|line| line.contains("db.operation.name")).collect();
    let spans: Vec<_> = spans.into_iter().filter(|line| line.contains(" close ")).collect();
    assert_eq!(spans.len(), 2, "{log}");
    assert!(spans.iter().all(|span| span.contains("db.system.name=\"redis\"")), "{log}");
    assert!(spans[0].contains("db.operation.name=\"create\"") && !spans[0].contains("error.type"));
    assert!(spans[1].contains("db.operation.name=\"load\""), "{log}");
    assert!(spans[1].contains("error.type=Unavailable"), "{log}");
    assert!(spans[1].contains("otel.status_code=\"ERROR\""), "{log}");
}
