//! The application in actix-web.

use actix_web::http::StatusCode;
use actix_web::web::{Query, ServiceConfig, get, post};
use session_kit::actix::{Error, Session};

use crate::Parameters;

/// Adds the routes of the application. Wrap the application in the session middleware.
pub fn routes(config: &mut ServiceConfig) {
    let is_held = async |query: Query<Parameters>| query.is_held().then_some("held");
    let release = async |query: Query<Parameters>| {
        query.release();
        ""
    };
    config
        .route("/plain", get().to(async || "plain"))
        .route("/set", post().to(set))
        .route("/get", get().to(value))
        .route("/add", get().to(add))
        .route("/login", post().to(log_in))
        .route("/logout", post().to(log_out))
        .route("/user", get().to(async |session: Session| session.owner()))
        .route("/held", get().to(is_held))
        .route("/release", post().to(release));
}

type Empty = (&'static str, StatusCode);

const EMPTY: Empty = ("", StatusCode::OK);

async fn set(session: Session, query: Query<Parameters>, value: String) -> Result<Empty, Error> {
    session.get::<String>(&query.key)?;
    query.wait().await;
    session.insert(&query.key, value)?;
    Ok(EMPTY)
}

async fn value(session: Session, query: Query<Parameters>) -> Result<Option<String>, Error> {
    let value = session.get(&query.key)?;
    query.wait().await;
    Ok(value)
}

async fn add(session: Session, query: Query<Parameters>) -> Result<String, Error> {
    session.get::<u64>(&query.key)?;
    query.wait().await;
    session.update(&query.key, |number: Option<u64>| Some(number.unwrap_or(0) + 1))?;
    let number: Option<u64> = session.get(&query.key)?;
    Ok(number.unwrap_or(0).to_string())
}

async fn log_in(session: Session, query: Query<Parameters>) -> Result<Empty, Error> {
    session.log_in(&query.user, None).await?;
    Ok(EMPTY)
}

async fn log_out(session: Session) -> Result<Empty, Error> {
    session.log_out().await?;
    Ok(EMPTY)
}
