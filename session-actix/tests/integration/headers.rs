//! The headers of a response with a session: caching, and the mark of secrets.

use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::test::init_service;
use actix_web::web::get;
use actix_web::{App, HttpResponse};
use session_actix::{Session, SessionMiddleware};
use session_cookie::SignedCookieSessions;
use session_core::{ErrorKind, Refresh};

use crate::support::{Watched, cookie, key, named, send, send_to, settings};

#[actix_web::test]
async fn session_cookie_is_marked_sensitive() {
    let write = |session: Session| async move {
        session.insert("user", "ada").unwrap();
        HttpResponse::Ok().append_header((SET_COOKIE, "theme=dark")).finish()
    };
    let fail = |session: Session| async move {
        session.insert("user", "ada").unwrap();
        session.save().await.unwrap();
        session.insert("user", "bob").unwrap();
        HttpResponse::Ok().finish()
    };
    let sessions = Watched::new(named("session")).failing_save_after(2, ErrorKind::Backend);
    let app = App::new()
        .wrap(SessionMiddleware::new(sessions))
        .route("/write", get().to(write))
        .route("/fail", get().to(fail));
    let app = init_service(app).await;
    for (path, status) in [("/write", 200), ("/fail", 500)] {
        let response = send_to(&app, path, "").await;
        assert_eq!(response.status, status);
        let mut found = false;
        for cookie in response.headers.get_all(SET_COOKIE) {
            let ours = cookie.as_bytes().starts_with(b"session=");
            assert_eq!(cookie.is_sensitive(), ours, "{path}");
            found |= ours;
        }
        assert!(found, "{path}");
    }
}

#[actix_web::test]
async fn public_response_does_not_renew_unused_session() {
    for (cache_control, renewed) in [("public, max-age=60", false), ("max-age=60", true)] {
        let config = settings().refresh(Refresh::EachRequest).build().unwrap();
        let cookies = SignedCookieSessions::new(config, &key()).unwrap();
        let sessions = Watched::new(cookies.clone());
        let handler = move || async move {
            HttpResponse::Ok().append_header(("cache-control", cache_control)).finish()
        };
        let app =
            App::new().wrap(SessionMiddleware::new(sessions.clone())).route("/", get().to(handler));
        let permanent = cookie(&cookies, |session| {
            session.set_permanent(true).unwrap();
            session.insert("user", "ada").unwrap();
        });
        let response = send(&init_service(app).await, &permanent.await).await;
        assert_eq!(response.set_cookies().len(), usize::from(renewed), "{cache_control}");
        let expected = if renewed { "no-store" } else { cache_control };
        assert_eq!(response.all("cache-control"), [expected]);
        let calls = if renewed { (1, 1) } else { (0, 0) };
        assert_eq!(sessions.counts(), calls, "{cache_control}");
    }
}

#[actix_web::test]
async fn session_and_flash_cookies_are_separate_headers() {
    let flash = |session: Session| async move {
        session.flash("saved").unwrap();
        HttpResponse::Ok().finish()
    };
    let take = |session: Session| async move {
        session.insert("seen", true).unwrap();
        session.take_flashes().unwrap()[0].text()
    };
    let config = settings().flash_cookie(&key()).build().unwrap();
    let cookies = SignedCookieSessions::new(config, &key()).unwrap();
    let app = App::new()
        .wrap(SessionMiddleware::new(cookies))
        .route("/flash", get().to(flash))
        .route("/take", get().to(take));
    let app = init_service(app).await;
    let flashed = send_to(&app, "/flash", "").await;
    let messages = flashed.set_cookies()[0].split(';').next().unwrap().to_owned();
    assert!(messages.starts_with("session_flash=") && flashed.set_cookies().len() == 1);
    let taken = send_to(&app, "/take", &messages).await;
    let names: Vec<_> =
        taken.set_cookies().iter().map(|header| header.split('=').next().unwrap()).collect();
    assert_eq!(names, ["session", "session_flash"]);
    assert!(taken.headers.get_all(SET_COOKIE).all(HeaderValue::is_sensitive));
    assert_eq!(taken.text, "saved");
}
