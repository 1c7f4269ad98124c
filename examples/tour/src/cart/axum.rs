//! A shopping cart that overlapping requests change in place: axum.

use axum::Router;
use axum::extract::Path;
use axum::response::Redirect;
use axum::routing::{get, post};
use session_core::{Key, SessionConfig};
use session_memory::{MemorySessions, MemoryStore};
use session_tower::{Error, Session, SessionLayer};

/// A key that has the type of its value.
const CART: Key<Vec<String>> = Key::new("cart");

async fn show(session: Session) -> Result<String, Error> {
    let cart = session.get(CART)?.unwrap_or_default();
    Ok(format!("{} in your cart: {}\n", cart.len(), cart.join(", ")))
}

async fn add(session: Session, Path(article): Path<String>) -> Result<Redirect, Error> {
    // If another request has stored a newer cart, the function runs again, so no change is lost.
    session.update(CART, move |cart| {
        let mut cart = cart.unwrap_or_default();
        cart.push(article.clone());
        Some(cart)
    })?;
    Ok(Redirect::to("/"))
}

async fn empty(session: Session) -> Result<Redirect, Error> {
    session.discard(CART.name())?;
    Ok(Redirect::to("/"))
}

pub(crate) fn app() -> Router {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    Router::new()
        .route("/", get(show))
        .route("/add/{article}", post(add))
        .route("/empty", post(empty))
        .layer(SessionLayer::new(sessions))
}
