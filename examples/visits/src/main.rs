//! Counts the visits of each visitor. A test compares this program with the program in the README.
use axum::{Router, routing::get};
use session_kit::axum::{Error, Session, SessionLayer};
use session_kit::cookie::{SecretKey, SessionConfig, SignedCookieSessions};

async fn visits(session: Session) -> Result<String, Error> {
    session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))?;
    let visits: Option<u64> = session.get("visits")?;
    Ok(format!("Visit number {}\n", visits.unwrap_or(0)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt::init(); // shows why a session could not be loaded or saved
    // development() allows plain HTTP. In production, use SessionConfig::default().
    let sessions =
        SignedCookieSessions::new(SessionConfig::development(), &SecretKey::generate()?)?;
    let app = Router::new().route("/", get(visits)).layer(SessionLayer::new(sessions));
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
