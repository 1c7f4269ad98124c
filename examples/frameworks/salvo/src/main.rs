//! salvo with the layer for tower, through salvo's own adapter for tower.

use std::error::Error as _;

use salvo::http::StatusCode;
use salvo::prelude::*;

use session_kit::memory::{MemorySessions, MemoryStore};
use session_kit::tower::{SessionLayer, request_session};
use session_kit::{ErrorKind, Session, SessionConfig};

/// An error of the session. The response has only a status. The log has the error and its cause.
struct SessionError(session_kit::Error);

impl From<session_kit::Error> for SessionError {
    fn from(error: session_kit::Error) -> Self {
        Self(error)
    }
}

#[async_trait]
impl Writer for SessionError {
    async fn write(self, _: &mut Request, _: &mut Depot, response: &mut Response) {
        tracing::error!(error = %self.0, source = self.0.source(), "session failed");
        response.status_code(match self.0.kind() {
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        });
    }
}

async fn session(request: &Request) -> Result<Session, SessionError> {
    let Some(session) = request_session(request.extensions()) else {
        let message = "no session layer serves this request";
        return Err(session_kit::Error::new(ErrorKind::Unconfigured, message).into());
    };
    Ok(session.session().await?)
}

#[handler]
async fn count(request: &mut Request) -> Result<String, SessionError> {
    let session = session(request).await?;
    session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))?;
    let visits: Option<u64> = session.get("visits")?;
    Ok(format!("Visit number {}\n", visits.unwrap_or(0)))
}

#[handler]
async fn log_out(request: &mut Request) -> Result<(), SessionError> {
    session(request).await?.log_out().await?;
    Ok(())
}

#[tokio::main]
async fn main() {
    tracing_subscriber::fmt::init();
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    let router = Router::new()
        .hoop(SessionLayer::new(sessions).compat())
        .get(count)
        .push(Router::with_path("logout").post(log_out));
    let acceptor = TcpListener::new("127.0.0.1:3000").bind().await;
    Server::new(acceptor).serve(router).await;
}
