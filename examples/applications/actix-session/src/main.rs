//! An application with actix-session on Redis, for `check-application`.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_session::config::{BrowserSession, TtlExtensionPolicy::OnEveryRequest};
use actix_session::storage::RedisSessionStore;
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::{Key, time};
use actix_web::error::ErrorNotFound;
use actix_web::web::{Query, get, post};
use actix_web::{App, HttpServer, Result};
use serde::Deserialize;

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
            actix_web::rt::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn set(session: Session, query: Query<Parameters>, value: String) -> Result<&'static str> {
    session.get::<String>(&query.key)?;
    wait(&query.hold).await;
    Ok(session.insert(&query.key, value).map(|()| "")?)
}

async fn value(session: Session, query: Query<Parameters>) -> Result<String> {
    let value = session.get(&query.key)?;
    wait(&query.hold).await;
    value.ok_or(ErrorNotFound(""))
}

async fn add(session: Session, query: Query<Parameters>) -> Result<String> {
    let number = session.get::<u64>(&query.key)?.unwrap_or(0) + 1;
    wait(&query.hold).await;
    session.insert(&query.key, number)?;
    Ok(number.to_string())
}

/// Calls the function that the documentation of actix-session recommends for a login.
async fn log_in(session: Session, query: Query<Parameters>) -> Result<&'static str> {
    session.renew();
    Ok(session.insert("user", &query.user).map(|()| "")?)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (key, redis) = (Key::generate(), std::env::var("REDIS_URL")?);
    let store = RedisSessionStore::new(redis).await?;
    let mut lifecycle = BrowserSession::default();
    if let Ok(seconds) = std::env::var("IDLE_TIMEOUT") {
        let ttl = time::Duration::seconds(seconds.parse()?);
        lifecycle = lifecycle.state_ttl(ttl).state_ttl_extension_policy(OnEveryRequest);
    }
    let user = async |session: Session| session.get::<String>("user");
    let is_held = async |query: Query<Parameters>| held().get(&query.hold).cloned();
    let release = async |query: Query<Parameters>| held().take(&query.hold);
    let log_out = async |session: Session| {
        session.purge();
        ""
    };
    let app = move || {
        let sessions = SessionMiddleware::builder(store.clone(), key.clone());
        App::new()
            .wrap(sessions.session_lifecycle(lifecycle.clone()).build())
            .route("/plain", get().to(async || "plain"))
            .route("/set", post().to(set))
            .route("/get", get().to(value))
            .route("/add", get().to(add))
            .route("/login", post().to(log_in))
            .route("/logout", post().to(log_out))
            .route("/user", get().to(user))
            .route("/held", get().to(is_held))
            .route("/release", post().to(release))
    };
    let address = format!("127.0.0.1:{}", std::env::var("PORT")?);
    Ok(HttpServer::new(app).workers(2).bind(address)?.run().await?)
}
