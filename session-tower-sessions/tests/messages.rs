//! An application with axum-messages.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::Router;
use axum::routing::get;
use axum_messages::{Messages, MessagesManagerLayer};
use support::{Browser, memory, on_ours};

async fn write(messages: Messages) {
    messages.info("Saved").warning("Nearly full");
}

async fn read(messages: Messages) -> String {
    let messages = messages.into_iter().map(|message| format!("{}: {message}", message.level));
    messages.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn messages_are_shown_once() {
    let routes = Router::new()
        .route("/write", get(write))
        .route("/read", get(read))
        .layer(MessagesManagerLayer);
    let mut browser = Browser::new(on_ours(routes, memory()));
    assert_eq!(browser.text("/read").await, "");
    browser.get("/write").await;
    assert_eq!(browser.text("/read").await, "Info: Saved\nWarning: Nearly full");
    assert_eq!(browser.text("/read").await, "");
}
