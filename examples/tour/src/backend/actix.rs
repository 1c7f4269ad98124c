//! Sessions in a third-party store: actix-web.

use std::io;
use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::web::get;
use actix_web::{App, HttpServer};
use session_actix::{Error, Session, SessionMiddleware};
use session_core::{ServerSideSessions, SessionConfig};

use super::store::MapStore;

async fn visits(session: Session) -> Result<String, Error> {
    let visits = session.get("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(format!("Visit number {visits}\n"))
}

pub(crate) fn serve(listener: TcpListener) -> io::Result<Server> {
    let sessions = ServerSideSessions::new(MapStore::default(), SessionConfig::development());
    let sessions = SessionMiddleware::new(sessions);
    let server =
        HttpServer::new(move || App::new().wrap(sessions.clone()).route("/", get().to(visits)));
    Ok(server.listen(listener)?.run())
}
