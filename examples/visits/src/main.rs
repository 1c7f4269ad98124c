//! Counts a visitor's visits. This file is the program of the README, word for word: a test compares them.
use axum::{Router, routing::get};
use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
use session_tower::{Error, Session, SessionLayer};

async fn visits(session: Session) -> Result<String, Error> {
    let visits = session.get("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(format!("Visit number {visits}\n"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // development(): plain HTTP on your own machine. In production: SessionConfig::default().
    let sessions =
        SignedCookieSessions::new(SessionConfig::development(), &SecretKey::generate()?)?;
    let app = Router::new().route("/", get(visits)).layer(SessionLayer::new(sessions));
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    Ok(axum::serve(tokio::net::TcpListener::bind(address).await?, app).await?)
}
