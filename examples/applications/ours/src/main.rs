//! Serves the application on the port of the environment variable `PORT`, with the idle timeout of
//! `IDLE_TIMEOUT` in seconds. The arguments are `axum` or `actix`, and `memory` or `cookie`.

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpServer};
use session_kit::actix::SessionMiddleware;
use session_kit::axum::SessionLayer;
use session_kit::cookie::{SecretKey, SignedCookieSessions};
use session_kit::memory::{MemorySessions, MemoryStore};
use session_kit::{SessionConfig, SessionInterface};

type Sessions = Arc<dyn SessionInterface>;

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt::init();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [framework, backend] = &arguments[..] else {
        return Err("arguments must be a framework and a backend".into());
    };
    let sessions = sessions(backend)?;
    let address = format!("127.0.0.1:{}", env::var("PORT")?);
    match framework.as_str() {
        "axum" => serve_axum(&address, sessions),
        "actix" => serve_actix(&address, sessions),
        other => Err(format!("unknown framework `{other}`").into()),
    }
}

/// Returns sessions with the default settings, except for the idle timeout.
fn sessions(backend: &str) -> Result<Sessions, Box<dyn Error>> {
    let timeout = env::var("IDLE_TIMEOUT").ok();
    let timeout = timeout.map(|seconds| seconds.parse().map(Duration::from_secs)).transpose()?;
    let config = SessionConfig::builder();
    match backend {
        "memory" => {
            let config = config.idle_timeout(timeout).build()?;
            Ok(Arc::new(MemorySessions::new(MemoryStore::new(), config)))
        }
        "cookie" => {
            // Like Flask's cookie, the signed cookie has a lifetime instead of an idle timeout.
            let config = match timeout {
                Some(timeout) => config.permanent_lifetime(timeout).permanent_by_default(true),
                None => config,
            };
            Ok(Arc::new(SignedCookieSessions::new(config.build()?, &SecretKey::generate()?)?))
        }
        other => Err(format!("unknown backend `{other}`").into()),
    }
}

#[tokio::main]
async fn serve_axum(address: &str, sessions: Sessions) -> Result<(), Box<dyn Error>> {
    let app = checked_application::router().layer(SessionLayer::new(sessions));
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, app).await?)
}

#[actix_web::main]
async fn serve_actix(address: &str, sessions: Sessions) -> Result<(), Box<dyn Error>> {
    let sessions = SessionMiddleware::new(sessions);
    let app = move || App::new().wrap(sessions.clone()).configure(checked_application::routes);
    Ok(HttpServer::new(app).workers(2).bind(address)?.run().await?)
}
