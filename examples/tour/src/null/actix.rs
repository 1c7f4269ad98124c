//! An application without a secret key. The application runs, and its first write logs the missing
//! setting: actix-web.

use std::env;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::web::{get, post};
use actix_web::{App, HttpServer};
use session_actix::{Error, Session, SessionMiddleware};
use session_cookie::SignedCookieSessions;
use session_core::config::SecretKey;
use session_core::interface::NullSessions;
use session_core::{SessionConfig, SessionInterface};

/// Returns sessions in signed cookies if there is a key, and otherwise sessions that are always
/// empty.
fn sessions() -> Result<Arc<dyn SessionInterface>, session_core::Error> {
    if env::var_os("SECRET_KEY").is_none() {
        return Ok(Arc::new(NullSessions::new("set SECRET_KEY to keep sessions")));
    }
    let key = SecretKey::from_env("SECRET_KEY")?;
    Ok(Arc::new(SignedCookieSessions::new(SessionConfig::development(), &key)?))
}

async fn theme(session: Session) -> Result<String, Error> {
    let theme = session.get::<String>("theme")?.unwrap_or("light".to_owned());
    Ok(format!("The theme is {theme}\n"))
}

async fn darken(session: Session) -> Result<&'static str, Error> {
    session.insert("theme", "dark")?; // without a key, fails and logs the missing setting
    Ok("The theme is dark from now on\n")
}

pub(crate) fn serve(listener: TcpListener) -> Result<Server, Box<dyn std::error::Error>> {
    let sessions = SessionMiddleware::new(sessions()?);
    let server = HttpServer::new(move || {
        App::new()
            .wrap(sessions.clone())
            .route("/", get().to(theme))
            .route("/dark", post().to(darken))
    });
    Ok(server.listen(listener)?.run())
}
