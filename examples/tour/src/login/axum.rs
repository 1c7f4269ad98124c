//! A login, which is remembered on request, and a logout: axum.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use session_core::SessionConfig;
use session_memory::{MemorySessions, MemoryStore};
use session_tower::{Error, Session, SessionLayer};

#[derive(Deserialize)]
struct Login {
    user: String,
    password: String,
    remember: Option<String>,
}

async fn home(session: Session) -> String {
    let greeting = |user| format!("Hello, {user}\n");
    session.owner().map_or("Please log in\n".to_owned(), greeting)
}

async fn log_in(session: Session, Form(login): Form<Login>) -> Result<Response, Error> {
    if login.password != "lovelace" {
        return Ok((StatusCode::FORBIDDEN, "Wrong password\n").into_response());
    }
    session.log_in(&login.user, None).await?;
    // "Remember me": the cookie stays when the browser closes.
    session.set_permanent(login.remember.is_some())?;
    Ok(Redirect::to("/").into_response())
}

async fn log_out(session: Session) -> Result<Redirect, Error> {
    session.log_out().await?;
    Ok(Redirect::to("/"))
}

pub(crate) fn app() -> Router {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    Router::new()
        .route("/", get(home))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .layer(SessionLayer::new(sessions))
}
