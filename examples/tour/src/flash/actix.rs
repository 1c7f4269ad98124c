//! Messages for the next page, in categories: actix-web.

use std::io;
use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::web::{Redirect, get, post};
use actix_web::{App, HttpServer};
use session_actix::{Error, Session, SessionMiddleware};
use session_core::{Flash, SessionConfig};
use session_memory::{MemorySessions, MemoryStore};

async fn save(session: Session) -> Result<Redirect, Error> {
    session.flash_in("info", "Your profile is saved")?;
    session.flash_in("warning", "Your address is incomplete")?;
    session.flash("See you soon")?; // the category "message"
    Ok(Redirect::to("/").see_other())
}

/// Shows every message once, the warnings first. The first `take_flashes_in` removes all messages
/// from the session.
async fn page(session: Session) -> Result<String, Error> {
    let warnings = session.take_flashes_in(&["warning"])?;
    let others = session.take_flashes_in(&["info", "message"])?;
    Ok(format!("{}---\n{}", lines(&warnings), lines(&others)))
}

fn lines(flashes: &[Flash]) -> String {
    let lines = flashes.iter().map(|flash| format!("{}: {}\n", flash.category(), flash.text()));
    lines.collect()
}

pub(crate) fn serve(listener: TcpListener) -> io::Result<Server> {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    let sessions = SessionMiddleware::new(sessions);
    let server = HttpServer::new(move || {
        App::new().wrap(sessions.clone()).route("/", get().to(page)).route("/save", post().to(save))
    });
    Ok(server.listen(listener)?.run())
}
