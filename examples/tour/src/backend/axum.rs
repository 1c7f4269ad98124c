//! Sessions in a third-party store: axum.

use axum::Router;
use axum::routing::get;
use session_core::{ServerSideSessions, SessionConfig};
use session_tower::{Error, Session, SessionLayer};

use super::store::MapStore;

async fn visits(session: Session) -> Result<String, Error> {
    let visits = session.get("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(format!("Visit number {visits}\n"))
}

pub(crate) fn app() -> Router {
    let sessions = ServerSideSessions::new(MapStore::default(), SessionConfig::development());
    Router::new().route("/", get(visits)).layer(SessionLayer::new(sessions))
}
