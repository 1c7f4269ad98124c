//! The application in axum.

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use session_kit::axum::{Error, Session};

use crate::Parameters;

/// Returns the routes of the application. Add the session layer.
pub fn router() -> Router {
    let is_held = async |Query(query): Query<Parameters>| {
        if query.is_held() { StatusCode::OK } else { StatusCode::NOT_FOUND }
    };
    Router::new()
        .route("/plain", get("plain"))
        .route("/set", post(set))
        .route("/get", get(value))
        .route("/add", get(add))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/user", get(async |session: Session| found(session.owner())))
        .route("/held", get(is_held))
        .route("/release", post(async |Query(query): Query<Parameters>| query.release()))
}

async fn set(session: Session, query: Query<Parameters>, value: String) -> Result<(), Error> {
    session.get::<String>(&query.key)?;
    query.wait().await;
    Ok(session.insert(&query.key, value)?)
}

async fn value(session: Session, query: Query<Parameters>) -> Result<Response, Error> {
    let value = session.get::<String>(&query.key)?;
    query.wait().await;
    Ok(found(value))
}

async fn add(session: Session, query: Query<Parameters>) -> Result<String, Error> {
    session.get::<u64>(&query.key)?;
    query.wait().await;
    session.update(&query.key, |number: Option<u64>| Some(number.unwrap_or(0) + 1))?;
    let number: Option<u64> = session.get(&query.key)?;
    Ok(number.unwrap_or(0).to_string())
}

async fn log_in(session: Session, query: Query<Parameters>) -> Result<(), Error> {
    Ok(session.log_in(&query.user, None).await?)
}

async fn log_out(session: Session) -> Result<(), Error> {
    session.log_out().await?;
    Ok(())
}

fn found(value: Option<String>) -> Response {
    value.ok_or(StatusCode::NOT_FOUND).into_response()
}
