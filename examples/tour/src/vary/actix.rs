//! Responses with `Vary: Cookie`, which depend on the cookie: actix-web.
//!
//! A response depends on the cookie if its handler obtained the session.

use std::io;
use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::web::{get, post};
use actix_web::{App, HttpRequest, HttpServer};
use session_actix::{Error, Session, SessionMiddleware, request_session};
use session_core::SessionConfig;
use session_memory::{MemorySessions, MemoryStore};

/// Returns the same response for all visitors, so any cache may store it.
async fn books() -> &'static str {
    "All books\n"
}

/// A handler with a session argument obtains the session, even if it reads nothing.
async fn mine(session: Session) -> Result<String, Error> {
    Ok(format!("The books of {}\n", session.get::<String>("user")?.unwrap_or("guest".to_owned())))
}

/// Obtains the session only for a personal price. Therefore the list price stays cacheable.
async fn price(request: HttpRequest) -> Result<String, Error> {
    if request.query_string() != "personal" {
        return Ok("The list price is 30\n".to_owned());
    }
    let Some(handle) = request_session(&request) else { return Ok(String::new()) };
    let user = handle.session().await?.get::<String>("user")?;
    Ok(format!("Your price is {}\n", if user.is_some() { 25 } else { 30 }))
}

async fn log_in(session: Session) -> Result<&'static str, Error> {
    session.insert("user", "Ada")?;
    Ok("Hello, Ada\n")
}

pub(crate) fn serve(listener: TcpListener) -> io::Result<Server> {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    let sessions = SessionMiddleware::new(sessions);
    let server = HttpServer::new(move || {
        App::new()
            .wrap(sessions.clone())
            .route("/", get().to(books))
            .route("/mine", get().to(mine))
            .route("/price", get().to(price))
            .route("/login", post().to(log_in))
    });
    Ok(server.listen(listener)?.run())
}
