//! A login, which is remembered on request, and a logout: actix-web.

use std::io;
use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::web::{Form, Redirect, get, post};
use actix_web::{App, Either, HttpResponse, HttpServer};
use serde::Deserialize;
use session_actix::{Error, Session, SessionMiddleware};
use session_core::SessionConfig;
use session_memory::{MemorySessions, MemoryStore};

#[derive(Deserialize)]
struct Login {
    user: String,
    password: String,
    remember: Option<String>,
}

async fn home(session: Session) -> String {
    let greeting = |user| format!("Hello, {user}\n");
    session.owner().map_or("Please log in\n".to_owned(), greeting)
}

async fn log_in(
    session: Session,
    Form(login): Form<Login>,
) -> Result<Either<HttpResponse, Redirect>, Error> {
    if login.password != "lovelace" {
        return Ok(Either::Left(HttpResponse::Forbidden().body("Wrong password\n")));
    }
    session.log_in(&login.user, None).await?;
    // "Remember me": the cookie stays when the browser closes.
    session.set_permanent(login.remember.is_some())?;
    Ok(Either::Right(Redirect::to("/").see_other()))
}

async fn log_out(session: Session) -> Result<Redirect, Error> {
    session.log_out().await?;
    Ok(Redirect::to("/").see_other())
}

pub(crate) fn serve(listener: TcpListener) -> io::Result<Server> {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    let sessions = SessionMiddleware::new(sessions);
    let server = HttpServer::new(move || {
        App::new()
            .wrap(sessions.clone())
            .route("/", get().to(home))
            .route("/login", post().to(log_in))
            .route("/logout", post().to(log_out))
    });
    Ok(server.listen(listener)?.run())
}
