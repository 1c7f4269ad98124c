//! Sessions in an application of Loco, which adds the layer after the routes. `cargo run -- start`
//! reads the settings in `config/development.yaml`, and the key from the variable `SECRET_KEY`.

use axum::Router;
use axum::routing::{get, post};
use loco_rs::Result;
use loco_rs::app::{AppContext, Hooks};
use loco_rs::bgworker::Queue;
use loco_rs::boot::{BootResult, StartMode, create_app};
use loco_rs::config::Config;
use loco_rs::controller::{AppRoutes, Routes};
use loco_rs::environment::Environment;
use loco_rs::prelude::async_trait;
use loco_rs::task::Tasks;
use session_kit::SessionConfig;
use session_kit::axum::{Error, Session, SessionLayer};
use session_kit::cookie::{SecretKey, SignedCookieSessions};

async fn visits(session: Session) -> Result<String, Error> {
    session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))?;
    let visits: Option<u64> = session.get("visits")?;
    Ok(format!("Visit number {}\n", visits.unwrap_or(0)))
}

async fn log_out(session: Session) -> Result<(), Error> {
    session.log_out().await?;
    Ok(())
}

struct App;

#[async_trait]
impl Hooks for App {
    fn app_name() -> &'static str {
        "shop"
    }

    async fn boot(mode: StartMode, env: &Environment, config: Config) -> Result<BootResult> {
        create_app::<Self>(mode, env, config).await
    }

    fn routes(_: &AppContext) -> AppRoutes {
        AppRoutes::empty()
            .add_route(Routes::new().add("/", get(visits)).add("/logout", post(log_out)))
    }

    async fn after_routes(router: Router, context: &AppContext) -> Result<Router> {
        let config = match context.environment {
            Environment::Production => SessionConfig::default(),
            _ => SessionConfig::development(),
        };
        let sessions = SecretKey::from_env("SECRET_KEY")
            .and_then(|key| SignedCookieSessions::new(config, &key))
            .map_err(loco_rs::Error::wrap)?;
        Ok(router.layer(SessionLayer::new(sessions)))
    }

    async fn connect_workers(_: &AppContext, _: &Queue) -> Result<()> {
        Ok(())
    }

    fn register_tasks(_: &mut Tasks) {}
}

#[tokio::main]
async fn main() -> Result<()> {
    loco_rs::cli::main::<App>().await
}
