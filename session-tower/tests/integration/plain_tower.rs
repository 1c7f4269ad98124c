//! The layer around plain tower services: any body, any error.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::COOKIE;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use session_core::ErrorKind;
use session_tower::{SessionLayer, request_session};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use crate::support::{Watched, cookie, pair, reopen, set_cookies, settings, signed, vary};

/// Counts visits, without a framework.
async fn visits(request: Request<()>) -> Result<Response<Full<Bytes>>, Infallible> {
    let session = request_session(request.extensions()).unwrap().session().await.unwrap();
    let visits = session.get::<u64>("visits").unwrap().unwrap_or(0) + 1;
    session.insert("visits", visits).unwrap();
    Ok(Response::new(Full::from(visits.to_string())))
}

fn visit(cookie: &str) -> Request<()> {
    Request::builder().header(COOKIE, cookie).body(()).unwrap()
}

#[tokio::test]
async fn service_keeps_session_across_requests() {
    let service =
        ServiceBuilder::new().layer(SessionLayer::new(signed(settings()))).service_fn(visits);
    let mut cookie = String::new();
    for visits in ["1", "2", "3"] {
        let response = service.clone().oneshot(visit(&cookie)).await.unwrap();
        assert_eq!(vary(&response), ["Cookie"]);
        cookie = pair(set_cookies(&response)[0]).to_owned();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), visits);
    }
}

#[tokio::test]
async fn failed_save_returns_empty_error_response() {
    let sessions = Watched::new(signed(settings())).failing_save(ErrorKind::Unavailable);
    let service =
        ServiceBuilder::new().layer(SessionLayer::new(sessions.clone())).service_fn(visits);
    let response = service.oneshot(visit("")).await.unwrap();
    assert_eq!((response.status(), sessions.saves()), (StatusCode::SERVICE_UNAVAILABLE, 1));
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!((response.headers().len(), vary(&response)), (3, vec!["Cookie"]));
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
}

#[derive(Debug, Eq, PartialEq)]
struct Broken(&'static str);

#[tokio::test]
async fn inner_service_error_is_returned_and_nothing_is_saved() {
    let broken = service_fn(|request: Request<()>| async move {
        let session = request_session(request.extensions()).unwrap().session().await.unwrap();
        session.insert("user", "ada").unwrap();
        Err::<Response<String>, _>(Broken("upstream closed"))
    });
    let sessions = Watched::new(signed(settings()));
    let service = ServiceBuilder::new().layer(SessionLayer::new(sessions.clone())).service(broken);
    assert_eq!(service.oneshot(visit("")).await.unwrap_err(), Broken("upstream closed"));
    assert_eq!((sessions.opens(), sessions.saves()), (1, 0));
}

#[tokio::test]
async fn unused_session_leaves_response_unchanged() {
    let indifferent = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new("same".to_owned()))
    });
    let cookies = signed(settings());
    let sessions = Watched::new(cookies.clone());
    let ada = cookie(&cookies, |session| session.insert("user", "ada").unwrap()).await;
    let service =
        ServiceBuilder::new().layer(SessionLayer::new(sessions.clone())).service(indifferent);
    let response = service.oneshot(visit(&ada)).await.unwrap();
    assert!(response.headers().is_empty(), "{:?}", response.headers());
    let body = response.into_body().into_inner();
    assert_eq!((body.as_deref(), sessions.opens()), (Some("same"), 0));
}

#[tokio::test]
async fn request_view_has_host_scheme_and_path() {
    let whereabouts = service_fn(|request: Request<()>| async move {
        let handle = request_session(request.extensions()).unwrap();
        let view = handle.request();
        let seen = format!("{:?} {:?} {}", view.host(), view.scheme(), view.path());
        handle.session().await.unwrap().insert("seen", seen).unwrap();
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let cookies = signed(settings());
    let service =
        ServiceBuilder::new().layer(SessionLayer::new(cookies.clone())).service(whereabouts);
    let rows = [
        ("/cart?full=1", Some("a.example:80"), r#"Some("a.example:80") None /cart"#),
        ("/", None, "None None /"),
        ("https://b.example/", Some("a.example"), r#"Some("b.example") Some("https") /"#),
    ];
    for (uri, host, expected) in rows {
        let mut request = Request::get(uri).body(()).unwrap();
        if let Some(host) = host {
            request.headers_mut().insert(http::header::HOST, host.parse().unwrap());
        }
        let response = service.clone().oneshot(request).await.unwrap();
        let saved = reopen(&cookies, set_cookies(&response)[0]).await;
        assert_eq!(saved.get::<String>("seen").unwrap().as_deref(), Some(expected));
    }
}

/// A body without `Default`.
#[derive(Debug, Eq, PartialEq)]
struct Sealed(&'static str);

#[tokio::test]
async fn body_without_default_passes_unless_save_fails() {
    let sealed = service_fn(|request: Request<()>| async move {
        let session = request_session(request.extensions()).unwrap().session().await.unwrap();
        session.insert("user", "ada").unwrap();
        Ok::<_, Infallible>(Response::new(Sealed("handler")))
    });
    let sessions = Watched::new(signed(settings()));
    let service = ServiceBuilder::new().layer(SessionLayer::new(sessions)).service(sealed);
    let response = service.oneshot(visit("")).await.unwrap();
    assert_eq!(response.into_body().into_inner(), Some(Sealed("handler")));

    let sessions = Watched::new(signed(settings())).failing_save(ErrorKind::Unavailable);
    let service = ServiceBuilder::new().layer(SessionLayer::new(sessions)).service(sealed);
    let response = service.oneshot(visit("")).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.into_body().into_inner(), None);
}
