//! A server function of Dioxus that counts visits in the session. The server has the feature
//! `server`, and the program for the browser has the feature `web`.

use dioxus::prelude::*;
#[cfg(feature = "server")]
use session_kit::axum::{Session, SessionLayer};

/// The session is an extractor, which exists only in the server.
#[post("/api/visit", session: Session)]
#[allow(clippy::unused_async, reason = "Dioxus demands it")]
async fn visit() -> Result<u64, ServerFnError> {
    session
        .update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))
        .map_err(hidden)?;
    Ok(session.get("visits").map_err(hidden)?.unwrap_or(0))
}

/// Dioxus sends the text of an error to the browser. The text must not name the store. Therefore
/// only the log contains the cause.
#[cfg(feature = "server")]
fn hidden(error: impl std::error::Error) -> ServerFnError {
    tracing::error!(%error, source = error.source(), "session failed");
    ServerFnError::new("session failed")
}

#[component]
fn App() -> Element {
    let mut visits = use_signal(|| 0);
    rsx! {
        button {
            onclick: move |_| async move {
                if let Ok(count) = visit().await {
                    visits.set(count);
                }
            },
            "Visit"
        }
        p { "{visits} visits" }
    }
}

#[cfg(feature = "server")]
fn main() {
    use session_kit::SessionConfig;
    use session_kit::memory::{MemorySessions, MemoryStore};

    tracing_subscriber::fmt::init();
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    let layer = SessionLayer::new(sessions);
    dioxus::serve(move || {
        let layer = layer.clone();
        async move { Ok(dioxus::server::router(App).layer(layer)) }
    });
}

#[cfg(not(feature = "server"))]
fn main() {
    dioxus::launch(App);
}
