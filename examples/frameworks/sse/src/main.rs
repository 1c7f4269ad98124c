//! Server-sent events with the number of products in the cart, until the session ends.

use std::error::Error as _;
use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use futures_util::Stream;
use futures_util::stream::unfold;
use session_kit::SessionConfig;
use session_kit::axum::{Error, Session, SessionLayer};
use session_kit::memory::{MemorySessions, MemoryStore};

async fn add(session: Session) -> Result<(), Error> {
    Ok(session.update("cart", |cart: Option<u32>| Some(cart.unwrap_or(0) + 1))?)
}

/// A body cannot obtain the session for the first time, because the headers are sent before the
/// body. Therefore the handler obtains the session.
async fn events(
    session: Session,
) -> Sse<impl Stream<Item = Result<Event, session_kit::Error>> + use<>> {
    let events = unfold(session, async |session| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let event = next(&session).await.inspect_err(log).transpose()?;
        Some((event, session))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// Returns `None` if the session has ended. An error ends the stream, and the browser reconnects.
/// Only `save` extends the expiry of the session.
async fn next(session: &Session) -> Result<Option<Event>, session_kit::Error> {
    let session = session.reopen().await?;
    if session.is_new() {
        return Ok(None);
    }
    session.save().await?;
    let cart: u32 = session.get("cart")?.unwrap_or(0);
    Ok(Some(Event::default().event("cart").data(cart.to_string())))
}

fn log(error: &session_kit::Error) {
    tracing::error!(%error, source = error.source(), "session failed");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    let app = Router::new()
        .route("/cart", post(add))
        .route("/events", get(events))
        .layer(SessionLayer::new(sessions));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
