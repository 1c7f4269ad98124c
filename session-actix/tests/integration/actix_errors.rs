//! The operator `?` on a session in functions that return `actix_web::Error`.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{COOKIE, SET_COOKIE};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, FromRequest, HttpRequest, HttpResponse, web};
use session_actix::{Session, SessionMiddleware, request_session};
use session_core::{Key, SessionConfig};
use session_memory::{MemorySessions, MemoryStore};

const CART: Key<Vec<u64>> = Key::new("cart");

async fn every_method(session: Session) -> Result<HttpResponse, actix_web::Error> {
    session.insert("user", "ada")?;
    session.insert(CART, vec![1])?;
    session.update(CART, |cart| Some([cart.unwrap_or_default(), vec![2]].concat()))?;
    assert_eq!(session.get(CART)?, Some(vec![1, 2]));
    assert_eq!(session.get_or_insert("visits", 1)?, 1);
    assert_eq!(session.remove::<String>("user")?.as_deref(), Some("ada"));
    assert!(session.discard("visits")?);
    session.set_permanent(true)?;
    session.set_modified(true)?;
    session.set_label("Firefox")?;
    session.flash("first")?;
    session.flash_in("info", "second")?;
    assert_eq!(session.take_flashes_in(&["info"])?.len(), 1);
    assert_eq!(session.take_flashes()?.len(), 2);
    session.log_in("ada", None).await?;
    session.rotate_id()?;
    session.save().await?;
    session.clear()?;
    session.log_out().await?;
    Ok(HttpResponse::Ok().finish())
}

async fn fails(session: Session) -> Result<HttpResponse, actix_web::Error> {
    session.insert("cart", "text")?;
    session.get(CART)?;
    Ok(HttpResponse::Ok().finish())
}

/// An extractor of an application: the user, or 401.
struct User(String);

impl FromRequest for User {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let session = Session::from_request(request, payload);
        Box::pin(async move {
            let user = session.await?.get("user")?;
            user.map(Self).ok_or_else(|| actix_web::error::ErrorUnauthorized("log in"))
        })
    }
}

async fn profile(user: User) -> String {
    user.0
}

async fn log_in(session: Session) -> Result<&'static str, actix_web::Error> {
    session.insert("user", "ada")?;
    Ok("welcome")
}

async fn count(
    request: ServiceRequest,
    next: Next<impl actix_web::body::MessageBody>,
) -> Result<ServiceResponse<impl actix_web::body::MessageBody>, actix_web::Error> {
    if let Some(handle) = request_session(&request) {
        handle.session().await?.insert("counted", true)?;
    }
    next.call(request).await
}

fn middleware() -> SessionMiddleware {
    SessionMiddleware::new(MemorySessions::new(MemoryStore::new(), SessionConfig::development()))
}

#[actix_web::test]
async fn session_methods_return_error_with_response() {
    let app = App::new().wrap(from_fn(count)).wrap(middleware());
    let app = app.route("/", web::get().to(every_method)).route("/fails", web::get().to(fails));
    let app = init_service(app).await;
    let response = call_service(&app, TestRequest::get().uri("/").to_request()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let response = call_service(&app, TestRequest::get().uri("/fails").to_request()).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[actix_web::test]
async fn custom_extractor_reads_session_and_rejects() {
    let app = App::new().wrap(middleware()).route("/", web::get().to(profile));
    let app = init_service(app.route("/login", web::get().to(log_in))).await;
    let response = call_service(&app, TestRequest::get().uri("/").to_request()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let response = call_service(&app, TestRequest::get().uri("/login").to_request()).await;
    let cookie = response.headers().get(SET_COOKIE).unwrap().to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let request = TestRequest::get().uri("/").insert_header((COOKIE, cookie)).to_request();
    assert_eq!(call_service(&app, request).await.status(), StatusCode::OK);
}

#[test]
fn error_in_main_becomes_io_error() {
    fn main() -> std::io::Result<()> {
        SessionConfig::builder().cookie_name("not a name").build()?;
        Ok(())
    }
    let error = main().unwrap_err();
    let error = error.into_inner().unwrap().downcast::<session_core::Error>().unwrap();
    assert_eq!(error.kind(), session_core::ErrorKind::Configuration);
}
