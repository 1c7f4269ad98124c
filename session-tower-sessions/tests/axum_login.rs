//! An application with axum-login's public API, on each kind of backend.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
#[path = "support/users.rs"]
mod users;

use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Form, Router};
use axum_login::{AuthManager, AuthSession, login_required, permission_required};
use http::StatusCode;
use session_cookie::{SealedCookieSessions, SecretKey, SignedCookieSessions};
use session_core::SessionConfig;
use session_redis::{RedisSessions, RedisStore};
use session_sql::{SqlSessions, SqlStore};
use support::{Browser, Sessions, memory, on_ours};
use tower::layer::layer_fn;
use tower_sessions::Session;
use users::{Credentials, Staff, Users};

type Auth = AuthSession<Users>;
type StaffAuth = AuthSession<Staff>;

fn application(users: Users, sessions: Sessions) -> Router {
    let staff = Staff::default();
    let admin = Router::new()
        .route("/admin", get(async || "admin"))
        .route_layer(permission_required!(Users, login_url = "/login", "read", "write"));
    let account = Router::new()
        .route("/account", get(async |auth: Auth| auth.user.unwrap().name))
        .route_layer(login_required!(Users, login_url = "/login"));
    let staff_only = Router::new()
        .route("/staff", get(async |staff: StaffAuth| staff.user.unwrap().name))
        .route_layer(login_required!(Staff));
    let routes = Router::new()
        .merge(admin)
        .merge(account)
        .merge(staff_only)
        .route("/login", post(log_in))
        .route("/staff/login", post(log_in_staff))
        .route("/logout", post(log_out))
        .route("/cart", get(cart).post(add_to_cart))
        .layer(layer_fn(move |inner| AuthManager::new(inner, staff.clone(), "staff")))
        .layer(layer_fn(move |inner| AuthManager::new(inner, users.clone(), "axum-login.data")));
    on_ours(routes, sessions)
}

async fn log_in(mut auth: Auth, Form(credentials): Form<Credentials>) -> StatusCode {
    let Some(user) = auth.authenticate(credentials).await.unwrap() else {
        return StatusCode::UNAUTHORIZED;
    };
    auth.login(&user).await.unwrap();
    StatusCode::OK
}

async fn log_in_staff(mut auth: StaffAuth, Form(credentials): Form<Credentials>) -> StatusCode {
    let Some(user) = auth.authenticate(credentials).await.unwrap() else {
        return StatusCode::UNAUTHORIZED;
    };
    auth.login(&user).await.unwrap();
    StatusCode::OK
}

async fn log_out(mut auth: Auth) -> String {
    auth.logout().await.unwrap().unwrap().name
}

async fn add_to_cart(session: Session) {
    session.insert("cart", ["seeds"]).await.unwrap();
}

async fn cart(session: Session) -> String {
    session.get::<Vec<String>>("cart").await.unwrap().unwrap_or_default().join(",")
}

const ADA: &str = "name=ada&password=lovelace";
const BEN: &str = "name=ben&password=franklin";

/// Visits the application as a user does. `ends_copies` is set if a logout ends copies of cookies.
async fn visit(sessions: Sessions, ends_copies: bool) {
    let users = Users::default();
    let app = application(users.clone(), sessions);
    let mut browser = Browser::new(app.clone());

    let page = browser.get("/account").await;
    assert_eq!(page.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(page.location(), "/login?next=%2Faccount");
    assert!(!browser.has_cookies());
    assert_eq!(browser.post("/login", "name=ada&password=x").await.status, 401);

    browser.post("/cart", "").await;
    let visitor = browser.clone();
    assert_eq!(browser.post("/login", ADA).await.status, 200);
    assert_eq!(browser.text("/account").await, "ada");
    assert_eq!(browser.text("/cart").await, "seeds");
    assert_eq!(visitor.clone().get("/account").await.status, 307);
    if ends_copies {
        assert_eq!(visitor.clone().text("/cart").await, "");
    }
    assert_eq!(browser.text("/admin").await, "admin");

    let copy = browser.clone();
    assert_eq!(browser.post("/logout", "").await.text, "ada");
    assert!(!browser.has_cookies());
    assert_eq!(browser.get("/account").await.status, 307);
    if ends_copies {
        assert_eq!(copy.clone().get("/account").await.status, 307);
    }
    permissions_and_password(&users, app).await;
}

async fn permissions_and_password(users: &Users, app: Router) {
    let mut browser = Browser::new(app);
    browser.post("/login", BEN).await;
    assert_eq!(browser.text("/account").await, "ben");
    assert_eq!(browser.get("/admin").await.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(browser.get("/staff").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.post("/staff/login", "name=eve&password=staff").await.status, 200);
    assert_eq!(browser.text("/staff").await, "eve");
    assert_eq!(browser.text("/account").await, "ben");

    users.set_password("ben", "new");
    assert_eq!(browser.get("/account").await.status, 307);
    assert_eq!(browser.post("/login", BEN).await.status, 401);
    assert_eq!(browser.post("/login", "name=ben&password=new").await.status, 200);
    assert_eq!(browser.text("/account").await, "ben");
}

#[tokio::test]
async fn login_works_on_memory() {
    visit(memory(), true).await;
}

#[tokio::test]
async fn login_works_on_sqlite() {
    let store = SqlStore::connect("sqlite::memory:").await.unwrap();
    let sessions = SqlSessions::new(store, SessionConfig::default());
    sessions.store().migrate().await.unwrap();
    visit(Arc::new(sessions), true).await;
}

#[tokio::test]
async fn login_works_on_redis() {
    let url = test_servers::redis().await.url();
    let store = RedisStore::builder(url).connect().await.unwrap();
    visit(Arc::new(RedisSessions::new(store, SessionConfig::default())), true).await;
}

#[tokio::test]
async fn login_works_on_signed_cookie() {
    let key = SecretKey::generate().unwrap();
    let sessions = SignedCookieSessions::new(SessionConfig::default(), &key).unwrap();
    visit(Arc::new(sessions), false).await;
}

#[tokio::test]
async fn login_works_on_sealed_cookie() {
    let key = SecretKey::generate().unwrap();
    let sessions = SealedCookieSessions::new(SessionConfig::default(), &key).unwrap();
    visit(Arc::new(sessions), false).await;
}
