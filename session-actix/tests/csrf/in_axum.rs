//! The application in axum.

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use session_core::csrf::CsrfConfig;
use session_tower::csrf::{Csrf, CsrfLayer, Rejection};
use session_tower::testing::TestClient;
use session_tower::{Error, Session, SessionLayer};

use super::applications::Sessions;

pub(crate) fn client(config: &CsrfConfig, sessions: Sessions) -> TestClient<Router> {
    let hooks = Router::new()
        .route("/{id}", post(async || "hook"))
        .route("/{id}/more", post(async || "more"));
    let app = Router::new()
        .route("/", get(async || "get").post(async || "post").put(async || "put"))
        .route("/token", get(token))
        .route("/public", get(public))
        .route("/echo", post(async |body: Bytes| body))
        .route("/login", post(log_in))
        .route("/login-form", post(log_in_with_form))
        .route("/logout", post(log_out))
        .route("/rotate", post(async |session: Session| session.rotate_id().map_err(Error::from)))
        .route("/insert", post(insert))
        .route("/verify", post(verify))
        .nest("/hooks", hooks)
        .layer(CsrfLayer::new(config.clone()))
        .layer(SessionLayer::new(std::sync::Arc::clone(&sessions)));
    TestClient::new(app, sessions)
}

async fn token(csrf: Csrf) -> Result<String, Error> {
    let token = csrf.token()?;
    assert_eq!(csrf.token()?, token, "tokens of one response are equal");
    Ok(token)
}

async fn public(csrf: Csrf) -> Result<impl IntoResponse, Error> {
    let headers = [(CACHE_CONTROL.as_str(), "public"), ("cdn-cache-control", "max-age=60")];
    Ok((headers, csrf.token()?))
}

async fn log_in(session: Session, owner: String) -> Result<(), Error> {
    Ok(session.log_in(&owner, None).await?)
}

async fn log_in_with_form(session: Session, csrf: Csrf, owner: String) -> Result<String, Error> {
    csrf.token()?;
    session.log_in(&owner, None).await?;
    Ok(csrf.token()?)
}

async fn log_out(session: Session) -> Result<(), Error> {
    session.log_out().await?;
    Ok(())
}

async fn insert(session: Session) -> Result<(), Error> {
    Ok(session.insert("cart", 1)?)
}

async fn verify(csrf: Csrf, body: String) -> Result<&'static str, Rejection> {
    csrf.verify(&body)?;
    Ok("verified")
}
