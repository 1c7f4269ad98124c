//! A session token in a header instead of the cookie.

use actix_http::Request;
use actix_web::body::to_bytes;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use session_actix::{Session, SessionMiddleware};
use session_cookie::SignedCookieSessions;
use session_core::{OutagePolicy, SessionConfigBuilder};

use crate::support::{key, settings};

const TOKEN: &str = "x-session-token";

async fn app(
    settings: SessionConfigBuilder,
) -> impl Service<
    Request,
    Response = ServiceResponse<impl actix_web::body::MessageBody>,
    Error = actix_web::Error,
> {
    let visits = |session: Session| async move {
        session.update("n", |n: Option<u32>| Some(n.unwrap_or_default() + 1)).unwrap();
        session.get::<u32>("n").unwrap().unwrap_or_default().to_string()
    };
    let sessions = SignedCookieSessions::new(settings.build().unwrap(), &key()).unwrap();
    let middleware = SessionMiddleware::new(sessions).on_outage(OutagePolicy::Anonymous);
    init_service(App::new().wrap(middleware).route("/", web::get().to(visits))).await
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).map(|value| value.to_str().unwrap()).collect()
    }

    fn token(&self) -> String {
        let values: Vec<_> = self.headers.get_all(TOKEN).collect();
        let [value] = values.as_slice() else { unreachable!("one token: {values:?}") };
        assert!(value.is_sensitive() && self.all("set-cookie").is_empty());
        value.to_str().unwrap().to_owned()
    }
}

async fn send<B: actix_web::body::MessageBody>(
    app: &impl Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    headers: &[(&str, &str)],
) -> Reply {
    let request =
        headers.iter().fold(TestRequest::get(), |request, header| request.append_header(*header));
    let response = app.call(request.to_request()).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = to_bytes(response.into_body()).await.ok().unwrap();
    Reply { status, headers, text: String::from_utf8(body.to_vec()).unwrap() }
}

#[actix_web::test]
async fn token_header_replaces_cookie() {
    let app = app(settings().token_header("X-Session-Token")).await;
    let first = send(&app, &[]).await;
    assert_eq!(first.all("vary"), ["X-Session-Token"]);
    assert_eq!(first.all("cache-control"), ["no-store"]);
    let token = first.token();
    assert_eq!(send(&app, &[(TOKEN, &token)]).await.text, "2");
    let cookie = format!("session={token}");
    assert_eq!(send(&app, &[("cookie", &cookie)]).await.text, "1");
}

#[actix_web::test]
async fn bearer_token_replaces_cookie() {
    let app = app(settings().bearer_token("X-Session-Token")).await;
    let first = send(&app, &[]).await;
    assert_eq!(first.all("vary"), ["Authorization"]);
    let bearer = format!("Bearer {}", first.token());
    assert_eq!(send(&app, &[("authorization", &bearer)]).await.text, "2");
}

#[actix_web::test]
async fn token_beside_session_cookie_is_bad_request() {
    let app = app(settings().token_header("X-Session-Token")).await;
    let token = send(&app, &[]).await.token();
    let cookie = format!("session={token}");
    let reply = send(&app, &[(TOKEN, &token), ("cookie", &cookie)]).await;
    assert_eq!((reply.status, reply.all("vary")), (400, vec!["X-Session-Token"]));
    assert!(reply.all(TOKEN).is_empty() && reply.all("set-cookie").is_empty());
    assert_eq!(reply.text, "The request has several session tokens.\n");
}
