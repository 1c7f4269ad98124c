//! A change of the secret key that logs no user out: actix-web.
//!
//! The key is in `SECRET_KEY`. The previous key is in `OLD_SECRET_KEY` until all sessions that it
//! signed have expired.

use std::env;
use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::web::get;
use actix_web::{App, HttpServer};
use session_actix::{Error, Session, SessionMiddleware};
use session_cookie::SignedCookieSessions;
use session_core::SessionConfig;
use session_core::config::SecretKey;

async fn visits(session: Session) -> Result<String, Error> {
    let visits = session.get("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(format!("Visit number {visits}\n"))
}

/// Returns the key. The current key signs, and both keys verify.
fn key() -> Result<SecretKey, session_core::Error> {
    let key = SecretKey::from_env("SECRET_KEY")?;
    if env::var_os("OLD_SECRET_KEY").is_none() {
        return Ok(key);
    }
    Ok(key.with_fallback(&SecretKey::from_env("OLD_SECRET_KEY")?))
}

pub(crate) fn serve(listener: TcpListener) -> Result<Server, Box<dyn std::error::Error>> {
    let sessions = SignedCookieSessions::new(SessionConfig::development(), &key()?)?;
    let sessions = SessionMiddleware::new(sessions);
    let server =
        HttpServer::new(move || App::new().wrap(sessions.clone()).route("/", get().to(visits)));
    Ok(server.listen(listener)?.run())
}
