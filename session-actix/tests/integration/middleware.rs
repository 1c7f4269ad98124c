//! Middleware between the session middleware and the handler shares the session of the handler.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::init_service;
use actix_web::web::{Path, ReqData, get, scope};
use actix_web::{App, HttpMessage as _};
use session_actix::{Session, SessionMiddleware, request_session};

use crate::support::{Watched, cookie, named, reopen, send, send_to};

#[derive(Clone)]
struct User(String);

/// Loads the user, and writes to the session before and after the handler.
async fn load_user(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let handle = request_session(&request).unwrap();
    let session = handle.session().await?;
    let user = session.get::<String>("user")?.unwrap_or_else(|| "none".to_owned());
    session.insert("before", &user)?;
    request.extensions_mut().insert(User(user));
    let response = next.call(request).await?;
    let seen = session.get::<String>("handler")?;
    session.insert("after", seen)?;
    Ok(response)
}

#[actix_web::test]
async fn middleware_and_handler_share_session_and_both_are_saved() {
    let cookies = named("session");
    let sessions = Watched::new(cookies.clone());
    let handler = |user: ReqData<User>, session: Session| async move {
        session
            .insert("handler", format!("saw {:?}", session.get::<String>("before").unwrap()))
            .unwrap();
        user.0.clone()
    };
    let app = App::new()
        .wrap(from_fn(load_user))
        .wrap(SessionMiddleware::new(sessions.clone()))
        .route("/", get().to(handler));
    let ada = cookie(&cookies, |session| session.insert("user", "ada").unwrap()).await;
    let response = send(&init_service(app).await, &ada).await;
    let saved = reopen(&cookies, response.set_cookies()[0]).await;
    assert_eq!(saved.get::<String>("before").unwrap().as_deref(), Some("ada"));
    assert_eq!(saved.get::<String>("handler").unwrap().as_deref(), Some(r#"saw Some("ada")"#));
    assert_eq!(saved.get::<String>("after").unwrap().as_deref(), Some(r#"saw Some("ada")"#));
    assert_eq!(sessions.counts(), (1, 1));
    assert_eq!(response.text, "ada");
}

#[actix_web::test]
async fn session_used_by_middleware_only_adds_vary() {
    let app = App::new()
        .wrap(from_fn(async |session: Session, request: ServiceRequest, next: Next<_>| {
            let empty = session.is_empty();
            let mut response = next.call(request).await?;
            let empty = HeaderValue::from_static(if empty { "true" } else { "false" });
            response.headers_mut().insert(HeaderName::from_static("x-empty"), empty);
            Ok(response)
        }))
        .wrap(SessionMiddleware::new(named("session")))
        .route("/", get().to(|| async { "public" }));
    let response = send(&init_service(app).await, "").await;
    assert_eq!(response.all("x-empty"), ["true"]);
    assert_eq!((response.all("vary"), response.set_cookies().len()), (vec!["Cookie"], 0));
}

#[actix_web::test]
async fn request_outside_middleware_has_no_session() {
    let app = App::new()
        .wrap(SessionMiddleware::new(named("session")))
        .wrap(from_fn(async |request: ServiceRequest, next: Next<_>| {
            let outside = request_session(&request).is_none();
            let mut response = next.call(request).await?;
            let outside = HeaderValue::from_static(if outside { "true" } else { "false" });
            response.headers_mut().insert(HeaderName::from_static("x-outside"), outside);
            Ok(response)
        }))
        .route("/", get().to(|session: Session| async move { session.keys().len().to_string() }));
    let response = send(&init_service(app).await, "").await;
    assert_eq!((response.all("x-outside"), response.text.as_str()), (vec!["true"], "0"));
}

#[actix_web::test]
async fn middleware_on_scope_affects_no_other_route() {
    let handler = |session: Option<Session>| async move { session.is_some().to_string() };
    let shop =
        scope("/shop").wrap(SessionMiddleware::new(named("session"))).route("", get().to(handler));
    let app = init_service(App::new().service(shop).route("/", get().to(handler))).await;
    assert_eq!(send(&app, "").await.text, "false");
    assert_eq!(send_to(&app, "/shop", "").await.text, "true");
}

#[actix_web::test]
async fn path_parameters_of_nested_scope_are_extracted() {
    let handler = |path: Path<(String, u32)>, session: Session| async move {
        let (shop, page) = path.into_inner();
        session.insert("page", page).unwrap();
        format!("{shop} {page}")
    };
    let shops = scope("/shops/{shop}").wrap(SessionMiddleware::<u8>::marked(named("inner")));
    let app = App::new()
        .wrap(SessionMiddleware::new(named("session")))
        .service(shops.route("/pages/{page}", get().to(handler)));
    assert_eq!(send_to(&init_service(app).await, "/shops/books/pages/3", "").await.text, "books 3");
}
