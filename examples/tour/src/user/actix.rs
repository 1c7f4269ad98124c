//! Loads the user of each request before the handler runs, like Flask's `before_request` and
//! `g.user`: actix-web.

use std::io;
use std::net::TcpListener;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Path, Redirect, ReqData, post, resource};
use actix_web::{App, HttpMessage as _, HttpResponse, HttpServer};
use session_actix::{Error, Session, SessionMiddleware};
use session_core::SessionConfig;
use session_memory::{MemorySessions, MemoryStore};

/// The user table.
const USERS: [(u64, &str); 2] = [(1, "Ada"), (2, "Grace")];

#[derive(Clone)]
struct User(&'static str);

/// Refuses requests without a user. Handlers behind this middleware always have a user.
async fn load_user(
    session: Session,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let id = session.get::<u64>("user_id")?;
    let Some((_, name)) = USERS.into_iter().find(|(user, _)| Some(*user) == id) else {
        let response = HttpResponse::Unauthorized().body("Please log in\n");
        return Ok(request.into_response(response).map_into_right_body());
    };
    request.extensions_mut().insert(User(name));
    Ok(next.call(request).await?.map_into_left_body())
}

async fn account(user: ReqData<User>) -> String {
    format!("The account of {}\n", user.0)
}

async fn log_in(session: Session, id: Path<u64>) -> Result<Redirect, Error> {
    session.log_in(&id.to_string(), None).await?;
    session.insert("user_id", *id)?;
    Ok(Redirect::to("/account").see_other())
}

pub(crate) fn serve(listener: TcpListener) -> io::Result<Server> {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    let sessions = SessionMiddleware::new(sessions);
    let server = HttpServer::new(move || {
        App::new()
            .wrap(sessions.clone())
            .service(resource("/account").wrap(from_fn(load_user)).to(account))
            .route("/login/{id}", post().to(log_in))
    });
    Ok(server.listen(listener)?.run())
}
