//! A WebSocket that counts its messages in the session, and closes when the session ends.

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use session_kit::axum::{Error, Session, SessionLayer};
use session_kit::memory::{MemorySessions, MemoryStore};
use session_kit::{ErrorKind, SessionConfig};

async fn log_in(session: Session) -> Result<(), Error> {
    Ok(session.log_in("ada", None).await?)
}

async fn log_out(session: Session) -> Result<(), Error> {
    session.log_out().await?;
    Ok(())
}

/// The session is saved with this response. The browser may also send the cookie with requests from
/// pages of other origins. Therefore an application must check the header `Origin`.
async fn connect(session: Session, upgrade: WebSocketUpgrade) -> Response {
    if session.owner().is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    upgrade.on_upgrade(async move |mut socket| {
        if let Err(error) = serve(&session, &mut socket).await {
            tracing::error!(%error, source = error.source(), "socket failed");
        }
    })
}

async fn serve(session: &Session, socket: &mut WebSocket) -> Result<(), axum::BoxError> {
    while let Some(message) = socket.recv().await {
        if !matches!(message?, Message::Text(_)) {
            continue;
        }
        let Some(count) = count(session).await? else { break };
        socket.send(format!("message {count}").into()).await?;
    }
    Ok(())
}

/// Counts a message, and returns the new number, or `None` if the session has ended. Each message
/// opens the session again, because other requests change it.
async fn count(session: &Session) -> Result<Option<u64>, session_kit::Error> {
    let session = session.reopen().await?;
    if session.owner().is_none() {
        return Ok(None);
    }
    session.update("messages", |count: Option<u64>| Some(count.unwrap_or(0) + 1))?;
    match session.save().await {
        Ok(_) => session.get("messages"),
        Err(error) if error.kind() == ErrorKind::Ended => Ok(None),
        Err(error) => Err(error),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init();
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    let app = Router::new()
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/socket", get(connect))
        .layer(SessionLayer::new(sessions));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
