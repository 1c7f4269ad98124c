//! The application in axum.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use session_core::guard::{Guards, Owners};
use session_tower::guard::{CurrentUser, GuardLayer, Next};
use session_tower::testing::TestClient;
use session_tower::{Error, Session, SessionLayer};

use super::applications::{Accounts, User, World};

pub(crate) fn client(world: &World) -> TestClient<Router> {
    let (users, guards) = (world.users.clone(), Guards::new(world.users.clone()));
    let login = || GuardLayer::new(guards.login_required());
    let recent = GuardLayer::new(guards.recent_login_required(Duration::from_secs(10 * 60)));
    let permission = GuardLayer::new(guards.permission_required("orders.edit"));
    let orders = Router::new().route("/orders", get(name)).layer(permission).layer(login());
    let app = Router::new()
        .route("/whoami", get(whoami).layer(GuardLayer::new(guards.load_user())))
        .route("/strict", get(name).layer(GuardLayer::new(guards.load_user())))
        .route("/account", get(name).post(name).layer(login()))
        .route("/any/{*rest}", get(name).layer(login()))
        .route("/critical", get(name).layer(recent))
        .merge(orders)
        .route("/register", register(&guards))
        .route("/owner", get(owner).layer(GuardLayer::new(Guards::new(Owners).login_required())))
        .route("/unguarded", get(name))
        .route("/plain", get(async |session: Session| session.owner().unwrap_or_default()))
        .route("/next", get(async |next: Next| next.or("/none").to_owned()))
        .nest("/shop", Router::new().route("/account", get(name)).route_layer(login()))
        .route("/login", post(async |session, name| log_in(users, session, name).await))
        .layer(SessionLayer::new(Arc::clone(&world.sessions)));
    TestClient::new(app, Arc::clone(&world.sessions))
}

fn register(guards: &Guards<Accounts>) -> axum::routing::MethodRouter {
    get(async || "register")
        .post(async || "registered")
        .layer(GuardLayer::new(guards.anonymous_only()))
}

async fn whoami(user: Option<CurrentUser<User>>) -> String {
    user.map_or("visitor".to_owned(), |user| user.name.clone())
}

async fn name(CurrentUser(user): CurrentUser<User>) -> String {
    user.name
}

async fn owner(CurrentUser(owner): CurrentUser<String>) -> String {
    owner
}

async fn log_in(users: Accounts, session: Session, name: String) -> Result<(), Error> {
    Ok(session.log_in(&name, users.stamp_of(&name).as_deref()).await?)
}
