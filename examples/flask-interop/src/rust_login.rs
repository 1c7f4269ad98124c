//! The Rust application with the pages of the Flask application that uses Flask-Login.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Query, State};
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::AppendHeaders;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use session_core::flask_login::{Client, FlaskLogin, Protection, User};
use session_tower::{Error, Session};

#[derive(Deserialize)]
struct Login {
    user: String,
    permanent: Option<String>,
}

/// The client of a request, as Flask-Login identifies it.
struct ThisClient(Client);

impl<S: Send + Sync> FromRequestParts<S> for ThisClient {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else {
            return Err(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let header = |headers: &HeaderMap, name| headers.get(name).map(|v| v.as_bytes().to_vec());
        let forwarded_for = header(&parts.headers, "x-forwarded-for");
        let user_agent = header(&parts.headers, USER_AGENT.as_str());
        let address = Some(peer.ip().to_canonical());
        Ok(Self(Client::new(address, forwarded_for.as_deref(), user_agent.as_deref())))
    }
}

/// Returns the router of the pages, without a session layer.
pub(crate) fn login_router(protection: Option<Protection>) -> Router {
    Router::new()
        .route("/login", post(log_in))
        .route("/login-without-helper", post(log_in_without_helper))
        .route("/user", get(user))
        .route("/secret", get(secret))
        .route("/identifier", get(async |client: ThisClient| client.0.id().to_owned()))
        .route("/confirm", post(confirm))
        .route("/logout", post(log_out))
        .route("/logout-without-helper", post(log_out_without_helper))
        .with_state(FlaskLogin::new().protection(protection))
}

async fn log_in(
    State(flask): State<FlaskLogin>,
    session: Session,
    ThisClient(client): ThisClient,
    Query(login): Query<Login>,
) -> Result<(), Error> {
    flask.log_in(&session, &login.user, &client)?;
    Ok(session.set_permanent(login.permanent.is_some())?)
}

async fn log_in_without_helper(session: Session, Query(login): Query<Login>) -> Result<(), Error> {
    Ok(session.insert("_user_id", login.user)?)
}

async fn user(
    State(flask): State<FlaskLogin>,
    session: Session,
    ThisClient(client): ThisClient,
) -> Result<Json<Value>, Error> {
    let user = flask.user(&session, &client)?;
    let fresh = user.as_ref().is_some_and(User::is_fresh);
    Ok(Json(json!({ "user": user.map(|user| user.id().to_owned()), "fresh": fresh })))
}

async fn secret(
    State(flask): State<FlaskLogin>,
    session: Session,
    ThisClient(client): ThisClient,
) -> Result<(StatusCode, &'static str), Error> {
    Ok(match flask.user(&session, &client)? {
        Some(user) if user.is_fresh() => (StatusCode::OK, "secret"),
        _ => (StatusCode::UNAUTHORIZED, ""),
    })
}

async fn confirm(
    State(flask): State<FlaskLogin>,
    session: Session,
    ThisClient(client): ThisClient,
) -> Result<(), Error> {
    Ok(flask.confirm(&session, &client)?)
}

async fn log_out(
    State(flask): State<FlaskLogin>,
    session: Session,
) -> Result<AppendHeaders<[(axum::http::HeaderName, String); 1]>, Error> {
    Ok(AppendHeaders([(SET_COOKIE, flask.log_out(&session).await?)]))
}

async fn log_out_without_helper(session: Session) -> Result<(), Error> {
    session.log_out().await?;
    Ok(())
}
