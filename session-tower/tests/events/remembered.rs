//! A remember-me token that is used again.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use session_core::config::SecretKey;
use session_core::{ManualClock, SessionConfig};
use session_memory::{MemorySessions, MemoryStore};
use session_tower::remember::{Remember, RememberLayer, RememberMe};
use session_tower::testing::TestClient;
use session_tower::{Error, Session, SessionLayer};

use super::{KEY, MONTH, OWNER};

const COOKIE: &str = "session-remember";

async fn log_in(session: Session, remember: Remember) -> Result<(), Error> {
    session.log_in(OWNER, None).await?;
    Ok(remember.start().await?)
}

/// Uses two tokens of a series, and then the first one again.
pub(crate) async fn stolen_token() {
    let clock = ManualClock::at(std::time::SystemTime::UNIX_EPOCH + MONTH);
    let config = SessionConfig::builder().clock(clock.clone()).cookie_secure(false);
    let sessions = MemorySessions::new(MemoryStore::new(), config.build().unwrap());
    let sessions = Arc::new(sessions);
    let settings = RememberMe::new(Arc::clone(&sessions), &SecretKey::new(KEY).unwrap()).unwrap();
    let owner = async |session: Session| session.owner().unwrap_or_default();
    let app = Router::new()
        .route("/", post(log_in))
        .route("/owner", get(owner))
        .layer(RememberLayer::new(settings))
        .layer(SessionLayer::new(Arc::clone(&sessions)));
    let mut client = TestClient::new(app, sessions);
    client.post("/", "text/plain", "").await.unwrap();
    let first = client.browser().cookie(COOKIE).unwrap().to_owned();
    for expected in [OWNER, OWNER, ""] {
        client.browser_mut().restart();
        if expected.is_empty() {
            clock.advance(MONTH / 31);
            let set = format!("{COOKIE}={first}; Path=/");
            client.browser_mut().receive("/", &set).unwrap();
        }
        assert_eq!(client.get("/owner").await.unwrap().text(), expected);
    }
}
