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

/// What pages need besides the visitor's own session.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) interface: Arc<dyn SessionInterface>,
    /// Everybody's sessions, if they are kept where the shop can find them.
    pub(crate) owners: Option<Arc<dyn OwnerSessions>>,
}

/// The shop, with sessions by this interface, and with those of each user if it can tell them.
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
    // The session layer surrounds these too, and costs them nothing: they never ask for a session.
    let files = Router::new()
        .route("/style.css", get(file("text/css; charset=utf-8", include_str!("static/style.css"))))
        .route("/icon.svg", get(file("image/svg+xml", include_str!("static/icon.svg"))));
    pages.merge(files).layer(SessionLayer::new(interface))
}

fn file(content_type: &'static str, content: &'static str) -> impl IntoResponse + Clone {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "public, max-age=600")], content)
}

/// Pages hold what is one visitor's own, and load nothing but the shop's own style and icon.
async fn guard(mut response: Response) -> Response {
    let policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                  frame-ancestors 'none'";
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
