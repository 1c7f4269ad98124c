//! Messages for the next page, in categories: axum.

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};
use session_core::{Flash, SessionConfig};
use session_memory::{MemorySessions, MemoryStore};
use session_tower::{Error, Session, SessionLayer};

async fn save(session: Session) -> Result<Redirect, Error> {
    session.flash_in("info", "Your profile is saved")?;
    session.flash_in("warning", "Your address is incomplete")?;
    session.flash("See you soon")?; // the category "message"
    Ok(Redirect::to("/"))
}

/// Shows every message once, the warnings first. The first `take_flashes_in` removes all messages
/// from the session.
async fn page(session: Session) -> Result<String, Error> {
    let warnings = session.take_flashes_in(&["warning"])?;
    let others = session.take_flashes_in(&["info", "message"])?;
    Ok(format!("{}---\n{}", lines(&warnings), lines(&others)))
}

fn lines(flashes: &[Flash]) -> String {
    let lines = flashes.iter().map(|flash| format!("{}: {}\n", flash.category(), flash.text()));
    lines.collect()
}

pub(crate) fn app() -> Router {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    Router::new()
        .route("/", get(page))
        .route("/save", post(save))
        .layer(SessionLayer::new(sessions))
}
