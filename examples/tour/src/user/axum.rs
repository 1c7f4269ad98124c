//! Loads the user of each request before its handler, like Flask's `before_request` and `g.user`:
//! axum.

use axum::Router;
use axum::extract::{Extension, Path, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use session_core::SessionConfig;
use session_memory::{MemorySessions, MemoryStore};
use session_tower::{Error, Session, SessionLayer};

/// The user table.
const USERS: [(u64, &str); 2] = [(1, "Ada"), (2, "Grace")];

#[derive(Clone)]
struct User(&'static str);

/// Refuses requests without a user. Handlers behind this middleware always have a user.
async fn load_user(session: Session, mut request: Request, next: Next) -> Result<Response, Error> {
    let id = session.get::<u64>("user_id")?;
    let Some((_, name)) = USERS.into_iter().find(|(user, _)| Some(*user) == id) else {
        return Ok((StatusCode::UNAUTHORIZED, "Please log in\n").into_response());
    };
    request.extensions_mut().insert(User(name));
    Ok(next.run(request).await)
}

async fn account(Extension(User(name)): Extension<User>) -> String {
    format!("The account of {name}\n")
}

async fn log_in(session: Session, Path(id): Path<u64>) -> Result<Redirect, Error> {
    session.log_in(&id.to_string(), None).await?;
    session.insert("user_id", id)?;
    Ok(Redirect::to("/account"))
}

pub(crate) fn app() -> Router {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    Router::new()
        .route("/account", get(account))
        .layer(from_fn(load_user))
        .route("/login/{id}", post(log_in))
        .layer(SessionLayer::new(sessions))
}
