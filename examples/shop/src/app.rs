//! The routes, and the layers around them.

use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware::{from_fn, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use session_core::{OwnerSessions, SessionInterface};
use session_tower::SessionLayer;
use session_tower::csrf::{CsrfConfig, CsrfLayer};

use crate::pages::{cart, devices, home, login, lost, preferences, session};
use crate::visitor::load_user;

/// The state that pages need in addition to the visitor's session.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) interface: Arc<dyn SessionInterface>,
    /// The sessions of all users, if they are stored on the server.
    pub(crate) owners: Option<Arc<dyn OwnerSessions>>,
}

/// Returns the shop with sessions of this interface. `owners` has the sessions of each user, if the
/// interface supports this.
pub fn app(
    interface: Arc<dyn SessionInterface>,
    owners: Option<Arc<dyn OwnerSessions>>,
    csrf: CsrfConfig,
) -> Router {
    let pages = Router::new()
        .route("/", get(home::show))
        .route("/cart", get(cart::show).post(cart::change))
        .route("/checkout", post(cart::check_out))
        .route("/devices", get(devices::show))
        .route("/devices/end", post(devices::end))
        .route("/devices/end-others", post(devices::end_others))
        .route("/devices/password", post(devices::change_password))
        .route("/login", get(login::show).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/preferences", get(preferences::show).post(preferences::change))
        .route("/session", get(session::show))
        .route("/session/flash", post(session::leave_flash))
        .fallback(lost::no_such_page)
        .method_not_allowed_fallback(lost::no_such_page)
        .layer(from_fn(load_user))
        .layer(CsrfLayer::new(csrf))
        .layer(map_response(guard))
        .with_state(Shop { interface: Arc::clone(&interface), owners });
    // The session layer also surrounds these routes. This costs nothing, because they do not obtain
    // the session.
    let files = Router::new()
        .route("/style.css", get(file("text/css; charset=utf-8", include_str!("static/style.css"))))
        .route("/icon.svg", get(file("image/svg+xml", include_str!("static/icon.svg"))));
    pages.merge(files).layer(SessionLayer::new(interface))
}

fn file(content_type: &'static str, content: &'static str) -> impl IntoResponse + Clone {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "public, max-age=600")], content)
}

/// Pages have private data. They load only the shop's own style and icon.
async fn guard(mut response: Response) -> Response {
    let policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                  frame-ancestors 'none'";
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
