//! An application with tower-sessions, for `check-application`.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use tower_sessions::cookie::time;
use tower_sessions::{Expiry, MemoryStore, Session, SessionManagerLayer};

type Answer<T> = Result<T, (StatusCode, String)>;

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

fn found<T>(value: Option<T>) -> Answer<T> {
    value.ok_or((StatusCode::NOT_FOUND, String::new()))
}

fn failed(error: impl std::fmt::Display) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

async fn set(session: Session, Query(query): Query<Parameters>, value: String) -> Answer<()> {
    session.get::<String>(&query.key).await.map_err(failed)?;
    wait(&query.hold).await;
    session.insert(&query.key, value).await.map_err(failed)
}

async fn value(session: Session, Query(query): Query<Parameters>) -> Answer<String> {
    let value = session.get(&query.key).await.map_err(failed)?;
    wait(&query.hold).await;
    found(value)
}

async fn add(session: Session, Query(query): Query<Parameters>) -> Answer<String> {
    let number = session.get::<u64>(&query.key).await.map_err(failed)?.unwrap_or(0) + 1;
    wait(&query.hold).await;
    session.insert(&query.key, number).await.map_err(failed)?;
    Ok(number.to_string())
}

/// Calls the function that the documentation of tower-sessions recommends against session fixation.
async fn log_in(session: Session, Query(query): Query<Parameters>) -> Answer<()> {
    session.cycle_id().await.map_err(failed)?;
    session.insert("user", &query.user).await.map_err(failed)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut layer = SessionManagerLayer::new(MemoryStore::default());
    if let Ok(seconds) = std::env::var("IDLE_TIMEOUT") {
        let expiry = Expiry::OnInactivity(time::Duration::seconds(seconds.parse()?));
        layer = layer.with_expiry(expiry).with_always_save(true);
    }
    let user = async |session: Session| {
        session.get::<String>("user").await.map_err(failed).and_then(found)
    };
    let is_held = async |query: Query<Parameters>| found(held().get(&query.hold).cloned());
    let release = async |query: Query<Parameters>| found(held().take(&query.hold));
    let app = Router::new()
        .route("/plain", get("plain"))
        .route("/set", post(set))
        .route("/get", get(value))
        .route("/add", get(add))
        .route("/login", post(log_in))
        .route("/logout", post(async |session: Session| session.flush().await.map_err(failed)))
        .route("/user", get(user))
        .route("/held", get(is_held))
        .route("/release", post(release))
        .layer(layer);
    let address = format!("127.0.0.1:{}", std::env::var("PORT")?);
    Ok(axum::serve(tokio::net::TcpListener::bind(address).await?, app).await?)
}
