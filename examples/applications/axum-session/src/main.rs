//! An application with `axum_session`, for `check-application`.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum_session::{SessionConfig, SessionLayer, SessionNullPool, SessionStore};
use serde::Deserialize;

type Session = axum_session::Session<SessionNullPool>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    key: String,
    user: String,
    hold: String,
}

fn held() -> MutexGuard<'static, BTreeSet<String>> {
    static HELD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the release of this hold.
async fn wait(hold: &str) {
    if !hold.is_empty() {
        held().insert(hold.to_owned());
        while held().contains(hold) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn set(session: Session, Query(query): Query<Parameters>, value: String) {
    session.get::<String>(&query.key);
    wait(&query.hold).await;
    session.set(&query.key, value);
}

async fn value(session: Session, Query(query): Query<Parameters>) -> Result<String, StatusCode> {
    let value = session.get(&query.key);
    wait(&query.hold).await;
    value.ok_or(StatusCode::NOT_FOUND)
}

async fn add(session: Session, Query(query): Query<Parameters>) -> String {
    let number = session.get::<u64>(&query.key).unwrap_or(0) + 1;
    wait(&query.hold).await;
    session.set(&query.key, number);
    number.to_string()
}

/// Calls the function that the documentation recommends for a login.
async fn log_in(session: Session, Query(query): Query<Parameters>) {
    session.renew();
    session.set("user", &query.user);
}

async fn user(session: Session) -> Result<String, StatusCode> {
    session.get("user").ok_or(StatusCode::NOT_FOUND)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = SessionConfig::default();
    if let Ok(seconds) = std::env::var("IDLE_TIMEOUT") {
        let timeout = time::Duration::seconds(seconds.parse()?);
        config = config.with_lifetime(timeout).with_memory_lifetime(timeout);
    }
    let store = SessionStore::<SessionNullPool>::new(None, config).await?;
    let is_held = async |Query(query): Query<Parameters>| {
        held().get(&query.hold).cloned().ok_or(StatusCode::NOT_FOUND)
    };
    let release = async |Query(query): Query<Parameters>| {
        held().take(&query.hold).ok_or(StatusCode::NOT_FOUND)
    };
    let app = Router::new()
        .route("/plain", get("plain"))
        .route("/set", post(set))
        .route("/get", get(value))
        .route("/add", get(add))
        .route("/login", post(log_in))
        .route("/logout", post(async |session: Session| session.destroy()))
        .route("/user", get(user))
        .route("/held", get(is_held))
        .route("/release", post(release))
        .layer(SessionLayer::new(store));
    let address = format!("127.0.0.1:{}", std::env::var("PORT")?);
    Ok(axum::serve(tokio::net::TcpListener::bind(address).await?, app).await?)
}
