//! Sessions in a Cloudflare Worker, for the target `wasm32-unknown-unknown`.

use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use session_kit::axum::{Error, Session, SessionLayer};
use session_kit::cookie::{SecretKey, SignedCookieSessions};
use session_kit::{Clock, SessionConfig};
use tower_service::Service as _;
use worker::{Context, Date, Env, HttpRequest, event};

/// The clock of JavaScript. The clocks of the standard library panic on this target.
#[derive(Clone, Copy, Debug)]
struct JsClock;

impl Clock for JsClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(Date::now().as_millis())
    }
}

async fn visits(session: Session) -> Result<String, Error> {
    session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))?;
    let visits: Option<u64> = session.get("visits")?;
    Ok(format!("Visit number {}\n", visits.unwrap_or(0)))
}

fn application(secret_key: &str) -> Result<Router, session_kit::Error> {
    let config = SessionConfig::builder().clock(JsClock).build()?;
    let sessions = SignedCookieSessions::new(config, &SecretKey::new(secret_key)?)?;
    Ok(Router::new().route("/", get(visits)).layer(SessionLayer::new(sessions)))
}

#[event(fetch)]
async fn fetch(
    request: HttpRequest,
    env: Env,
    _: Context,
) -> worker::Result<axum::http::Response<Body>> {
    let secret_key = env.secret("SECRET_KEY")?.to_string();
    let mut application =
        application(&secret_key).map_err(|error| worker::Error::RustError(error.to_string()))?;
    match application.call(request).await {
        Ok(response) => Ok(response),
        Err(never) => match never {},
    }
}
