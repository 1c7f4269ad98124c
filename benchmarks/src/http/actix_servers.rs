//! The servers on actix-web.

use std::process::ExitCode;

use actix_session::SessionMiddleware as PeerMiddleware;
use actix_session::storage::{CookieSessionStore, RedisSessionStore, SessionStore};
use actix_web::cookie::Key;
use actix_web::dev::Server;
use actix_web::http::header::SET_COOKIE;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpResponse, HttpServer, web};
use session_actix::SessionMiddleware;
use session_cookie::{SealedCookieSessions, SignedCookieSessions};
use session_core::{ServerSideSessions, SessionInterface};

use super::axum_servers::{contents, key, next, no_session};
use crate::stores::settings;

pub fn serve(name: &str, database: &str) -> ExitCode {
    let serving = actix_web::rt::System::new().block_on(async {
        let server = match name {
            "actix-web" => bare(),
            "ours, actix-web, cookie" => {
                ours(SignedCookieSessions::new(settings(), &key()).expect("a key"))
            }
            "ours, actix-web, sealed cookie" => {
                ours(SealedCookieSessions::new(settings(), &key()).expect("a key"))
            }
            "ours, actix-web, memory" => {
                ours(ServerSideSessions::new(session_memory::MemoryStore::new(), settings()))
            }
            "ours, actix-web, redis" => {
                let store = session_redis::RedisStore::builder(database).connect().await;
                ours(session_redis::RedisSessions::new(store.expect("Redis answers"), settings()))
            }
            "actix-session, cookie" => peer(CookieSessionStore::default),
            "actix-session, redis" => {
                let store = RedisSessionStore::new(database).await.expect("Redis answers");
                peer(move || store.clone())
            }
            _ => panic!("no server is called {name}"),
        };
        server.await
    });
    serving.expect("a server serves");
    ExitCode::SUCCESS
}

/// Prints the port and serves.
macro_rules! listen {
    ($server:expr) => {{
        let server = $server.bind("127.0.0.1:0").expect("a port is free");
        println!("{}", server.addrs()[0].port());
        server.run()
    }};
}

fn bare() -> Server {
    listen!(HttpServer::new(|| App::new().configure(bare_routes)))
}

fn ours(sessions: impl SessionInterface) -> Server {
    let middleware: SessionMiddleware = SessionMiddleware::new(sessions);
    listen!(HttpServer::new(move || App::new().wrap(middleware.clone()).configure(our_routes)))
}

fn peer<S: SessionStore + 'static>(store: impl Fn() -> S + Clone + Send + 'static) -> Server {
    listen!(HttpServer::new(move || {
        App::new().wrap(PeerMiddleware::new(store(), secret())).configure(peer_routes)
    }))
}

/// Returns the key of actix-session's middleware.
pub fn secret() -> Key {
    Key::from(&[7; 64])
}

pub fn bare_routes(config: &mut ServiceConfig) {
    let login = async || HttpResponse::Ok().insert_header((SET_COOKIE, no_session())).body("in");
    config
        .route("/login", web::get().to(login))
        .route("/untouched", web::get().to(async || "hello"))
        .route("/read", web::get().to(async || "42".to_owned()))
        .route("/write", web::get().to(async || "written"));
}

pub fn our_routes(config: &mut ServiceConfig) {
    use session_actix::{Error, Session};

    async fn login(session: Session) -> Result<&'static str, Error> {
        for (key, value) in contents() {
            session.insert(&key, value)?;
        }
        Ok("in")
    }
    async fn read(session: Session) -> Result<String, Error> {
        Ok(session.get::<u64>("user_id")?.unwrap_or_default().to_string())
    }
    async fn write(session: Session) -> Result<&'static str, Error> {
        session.insert("user_id", next())?;
        Ok("written")
    }
    config
        .route("/login", web::get().to(login))
        .route("/untouched", web::get().to(async || "hello"))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write));
}

pub fn peer_routes(config: &mut ServiceConfig) {
    use actix_session::Session;

    async fn login(session: Session) -> actix_web::Result<&'static str> {
        for (key, value) in contents() {
            session.insert(key, value)?;
        }
        Ok("in")
    }
    async fn read(session: Session) -> actix_web::Result<String> {
        Ok(session.get::<u64>("user_id")?.unwrap_or_default().to_string())
    }
    async fn write(session: Session) -> actix_web::Result<&'static str> {
        session.insert("user_id", next())?;
        Ok("written")
    }
    config
        .route("/login", web::get().to(login))
        .route("/untouched", web::get().to(async || "hello"))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write));
}
