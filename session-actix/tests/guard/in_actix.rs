//! The application in actix-web.

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::init_service;
use actix_web::web::{Data, get, post, resource, scope};
use actix_web::{App, HttpResponse};
use session_actix::guard::{CurrentUser, GuardMiddleware, Next};
use session_actix::testing::TestClient;
use session_actix::{Error, Session, SessionMiddleware};
use session_core::guard::{Guards, Owners};

use super::applications::{Accounts, User, World};

pub(crate) async fn client(
    world: &World,
) -> TestClient<
    impl Service<
        actix_http::Request,
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
    > + use<>,
> {
    let guards = Guards::new(world.users.clone());
    let login = || GuardMiddleware::new(guards.login_required());
    let load = || GuardMiddleware::new(guards.load_user());
    let recent = GuardMiddleware::new(guards.recent_login_required(Duration::from_secs(10 * 60)));
    let permission = GuardMiddleware::new(guards.permission_required("orders.edit"));
    let owner_login = GuardMiddleware::new(Guards::new(Owners).login_required());
    let register = resource("/register")
        .wrap(GuardMiddleware::new(guards.anonymous_only()))
        .route(get().to(async || "register"))
        .route(post().to(async || "registered"));
    let app = App::new()
        .wrap(SessionMiddleware::new(Arc::clone(&world.sessions)))
        .app_data(Data::new(world.users.clone()))
        .service(resource("/whoami").wrap(load()).route(get().to(whoami)))
        .service(resource("/strict").wrap(load()).route(get().to(name)))
        .service(resource("/account").wrap(login()).to(name))
        .service(resource("/any/{rest:.*}").wrap(login()).to(name))
        .service(resource("/critical").wrap(recent).to(name))
        .service(resource("/orders").wrap(permission).wrap(login()).to(name))
        .service(register)
        .service(resource("/owner").wrap(owner_login).to(owner))
        .route("/unguarded", get().to(name))
        .route("/plain", get().to(async |session: Session| session.owner().unwrap_or_default()))
        .route("/next", get().to(async |next: Next| next.or("/none").to_owned()))
        .service(scope("/shop").wrap(login()).route("/account", get().to(name)))
        .route("/login", post().to(log_in));
    TestClient::new(init_service(app).await, Arc::clone(&world.sessions))
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

async fn log_in(
    users: Data<Accounts>,
    session: Session,
    name: String,
) -> Result<HttpResponse, Error> {
    session.log_in(&name, users.stamp_of(&name).as_deref()).await?;
    Ok(HttpResponse::Ok().finish())
}
