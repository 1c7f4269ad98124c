//! The application in actix-web.

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::CACHE_CONTROL;
use actix_web::test::init_service;
use actix_web::web::{Bytes, get, post, put, resource, route, scope};
use actix_web::{App, HttpResponse, Responder};
use session_actix::csrf::{Csrf, CsrfMiddleware, Rejection};
use session_actix::testing::TestClient;
use session_actix::{Error, Session, SessionMiddleware};
use session_core::csrf::CsrfConfig;

use super::applications::Sessions;

pub(crate) async fn client(
    config: &CsrfConfig,
    sessions: Sessions,
) -> TestClient<
    impl Service<
        actix_http::Request,
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
    > + use<>,
> {
    let app = App::new()
        .wrap(CsrfMiddleware::new(config.clone()))
        .wrap(SessionMiddleware::new(std::sync::Arc::clone(&sessions)))
        .service(
            resource("/")
                .route(get().to(async || "get"))
                .route(post().to(async || "post"))
                .route(put().to(async || "put")),
        )
        .route("/token", get().to(token))
        .route("/public", get().to(public))
        .route("/echo", post().to(async |body: Bytes| body))
        .route("/login", post().to(log_in))
        .route("/login-form", post().to(log_in_with_form))
        .route("/logout", post().to(log_out))
        .route("/rotate", post().to(rotate))
        .route("/insert", post().to(insert))
        .route("/verify", post().to(verify))
        .service(
            scope("/hooks")
                .route("/{id}", post().to(async || "hook"))
                .route("/{id}/more", post().to(async || "more")),
        )
        .default_service(route().to(HttpResponse::NotFound));
    TestClient::new(init_service(app).await, sessions)
}

async fn token(csrf: Csrf) -> Result<String, Error> {
    let token = csrf.token()?;
    assert_eq!(csrf.token()?, token, "tokens of one response are equal");
    Ok(token)
}

async fn public(csrf: Csrf) -> Result<impl Responder, Error> {
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public"))
        .insert_header(("cdn-cache-control", "max-age=60"))
        .body(csrf.token()?))
}

async fn log_in(session: Session, owner: String) -> Result<HttpResponse, Error> {
    session.log_in(&owner, None).await?;
    Ok(HttpResponse::Ok().finish())
}

async fn log_in_with_form(session: Session, csrf: Csrf, owner: String) -> Result<String, Error> {
    csrf.token()?;
    session.log_in(&owner, None).await?;
    csrf.token()
}

async fn log_out(session: Session) -> Result<HttpResponse, Error> {
    session.log_out().await?;
    Ok(HttpResponse::Ok().finish())
}

async fn rotate(session: Session) -> Result<HttpResponse, Error> {
    session.rotate_id()?;
    Ok(HttpResponse::Ok().finish())
}

async fn insert(session: Session) -> Result<HttpResponse, Error> {
    session.insert("cart", 1)?;
    Ok(HttpResponse::Ok().finish())
}

async fn verify(csrf: Csrf, body: String) -> Result<&'static str, Rejection> {
    csrf.verify(&body)?;
    Ok("verified")
}
