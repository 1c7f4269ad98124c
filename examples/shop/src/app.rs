//! The routes, and the layers around them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use session_core::{OwnerSessions, SessionInterface};
use session_tower::csrf::CsrfLayer;
use session_tower::guard::{GuardLayer, Guards};
use session_tower::remember::RememberLayer;
use session_tower::{Error, SessionLayer};

use crate::accounts::Accounts;
use crate::pages::{cart, devices, home, join, login, lost, password, preferences, session};
use crate::stores::Sessions;

/// The maximum age of a login that may change the password.
const RECENT: Duration = Duration::from_mins(10);

/// The state that pages need in addition to the visitor's session.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) interface: Arc<dyn SessionInterface>,
    /// The sessions of all users, if they are stored on the server.
    pub(crate) owners: Option<Arc<dyn OwnerSessions>>,
    /// Whether remember-me is available.
    pub(crate) remembers: bool,
}

/// Returns the shop with these sessions.
pub fn app(sessions: &Sessions) -> Router {
    let shop = Shop {
        interface: Arc::clone(&sessions.interface),
        owners: sessions.owners.clone(),
        remembers: sessions.remember.is_some(),
    };
    let guards = Guards::new(Accounts);
    let pages = pages()
        .merge(users().route_layer(GuardLayer::new(guards.login_required())))
        .merge(critical().route_layer(GuardLayer::new(guards.recent_login_required(RECENT))))
        .merge(visitors().route_layer(GuardLayer::new(guards.anonymous_only())))
        .fallback(lost::no_such_page)
        .method_not_allowed_fallback(lost::no_such_page)
        .layer(GuardLayer::new(guards.load_user()))
        .layer(CsrfLayer::new(sessions.csrf.clone()));
    let pages = match &sessions.remember {
        Some(remember) => pages.layer(RememberLayer::new(remember.clone())),
        None => pages,
    };
    let pages = pages.layer(map_response(guard)).with_state(shop);
    // The session layer also surrounds these routes. This costs nothing, because the routes do not
    // obtain the session.
    let files = Router::new()
        .route("/style.css", get(file("text/css; charset=utf-8", include_str!("static/style.css"))))
        .route("/icon.svg", get(file("image/svg+xml", include_str!("static/icon.svg"))));
    let health =
        Router::new().route("/health", get(check)).with_state(Arc::clone(&sessions.interface));
    let session_layer = SessionLayer::new(Arc::clone(&sessions.interface));
    pages.merge(files).layer(session_layer).merge(health)
}

/// Responds to a health check: 200 if the store of the sessions works, and otherwise 503 or 500.
async fn check(State(sessions): State<Arc<dyn SessionInterface>>) -> Result<&'static str, Error> {
    sessions.check().await?;
    Ok("healthy\n")
}

/// Returns the public pages.
fn pages() -> Router<Shop> {
    Router::new()
        .route("/", get(home::show))
        .route("/cart", get(cart::show).post(cart::change))
        .route("/checkout", post(cart::check_out))
        .route("/login", get(login::show).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/preferences", get(preferences::show).post(preferences::change))
        .route("/session", get(session::show))
        .route("/session/flash", post(session::leave_flash))
}

/// Returns the pages of users.
fn users() -> Router<Shop> {
    Router::new()
        .route("/devices", get(devices::show))
        .route("/devices/end", post(devices::end))
        .route("/devices/end-others", post(devices::end_others))
}

/// Returns the pages of users whose login is recent.
fn critical() -> Router<Shop> {
    Router::new().route("/password", get(password::show).post(password::change))
}

/// Returns the pages of visitors without a login.
fn visitors() -> Router<Shop> {
    Router::new().route("/join", get(join::show))
}

fn file(content_type: &'static str, content: &'static str) -> impl IntoResponse + Clone {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "public, max-age=600")], content)
}

/// Adds the security headers of a page. Pages contain private data, and load only the shop's own
/// style and icon.
async fn guard(mut response: Response) -> Response {
    let policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                  frame-ancestors 'none'";
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
