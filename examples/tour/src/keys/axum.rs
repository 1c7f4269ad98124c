//! A change of the secret key that logs no user out: axum.
//!
//! The key is in `SECRET_KEY`. The previous key is in `OLD_SECRET_KEY` until all sessions that it
//! signed have expired.

use std::env;

use axum::Router;
use axum::routing::get;
use session_cookie::SignedCookieSessions;
use session_core::SessionConfig;
use session_core::config::SecretKey;
use session_tower::{Error, Session, SessionLayer};

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

pub(crate) fn app() -> Result<Router, session_core::Error> {
    let sessions = SignedCookieSessions::new(SessionConfig::development(), &key()?)?;
    Ok(Router::new().route("/", get(visits)).layer(SessionLayer::new(sessions)))
}
