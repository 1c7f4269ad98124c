//! A server function of Leptos that counts visits in the session. The example omits the browser's
//! part, which needs the feature `hydrate` and no session.

use axum::Router;
use axum::routing::{get, post};
use leptos::prelude::*;
use leptos_axum::{extract, handle_server_fns, render_app_to_stream};
use session_kit::SessionConfig;
use session_kit::axum::{Session, SessionLayer};
use session_kit::memory::{MemorySessions, MemoryStore};

/// Leptos sends the text of an error to the browser. The text must not name the store. Therefore
/// only the log contains the cause.
fn hidden(error: impl std::error::Error) -> ServerFnError {
    tracing::error!(%error, source = error.source(), "session failed");
    ServerFnError::new("session failed")
}

/// Counts the visit in a server function, not while a page is rendered. The headers of a streamed
/// page are sent before its components have finished, and afterwards no change can be saved.
#[server]
async fn visit() -> Result<u64, ServerFnError> {
    let session: Session = extract().await.map_err(hidden)?;
    session
        .update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))
        .map_err(hidden)?;
    Ok(session.get("visits").map_err(hidden)?.unwrap_or(0))
}

#[component]
fn App() -> impl IntoView {
    let visit = ServerAction::<Visit>::new();
    let visits = move || visit.value().get().and_then(Result::ok).unwrap_or(0);
    view! {
        <ActionForm action=visit>
            <button>"Visit"</button>
        </ActionForm>
        <p>{visits} " visits"</p>
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    // Components spawn tasks. `generate_route_list` of leptos_axum would also initialize this
    // executor.
    any_spawner::Executor::init_tokio()?;
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    let app = Router::new()
        .route("/", get(render_app_to_stream(App)))
        .route("/api/{*function}", post(handle_server_fns))
        .layer(SessionLayer::new(sessions));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
