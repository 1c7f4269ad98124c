//! A shopping cart that overlapping requests change in place: actix-web.

use std::io;
use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::web::{Path, Redirect, get, post};
use actix_web::{App, HttpServer};
use session_actix::{Error, Session, SessionMiddleware};
use session_core::{Key, SessionConfig};
use session_memory::{MemorySessions, MemoryStore};

/// A key that has the type of its value.
const CART: Key<Vec<String>> = Key::new("cart");

async fn show(session: Session) -> Result<String, Error> {
    let cart = session.get(CART)?.unwrap_or_default();
    Ok(format!("{} in your cart: {}\n", cart.len(), cart.join(", ")))
}

async fn add(session: Session, article: Path<String>) -> Result<Redirect, Error> {
    // If another request has stored a newer cart, the function runs again, so no change is lost.
    session.update(CART, move |cart| {
        let mut cart = cart.unwrap_or_default();
        cart.push(article.clone());
        Some(cart)
    })?;
    Ok(Redirect::to("/").see_other())
}

async fn empty(session: Session) -> Result<Redirect, Error> {
    session.discard(CART.name())?;
    Ok(Redirect::to("/").see_other())
}

pub(crate) fn serve(listener: TcpListener) -> io::Result<Server> {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    let sessions = SessionMiddleware::new(sessions);
    let server = HttpServer::new(move || {
        App::new()
            .wrap(sessions.clone())
            .route("/", get().to(show))
            .route("/add/{article}", post().to(add))
            .route("/empty", post().to(empty))
    });
    Ok(server.listen(listener)?.run())
}
