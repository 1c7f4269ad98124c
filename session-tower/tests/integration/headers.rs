//! Headers of requests and responses: `Vary`, `Cookie`, and `Set-Cookie` next to the handler's own.

#![cfg(feature = "axum")]

use axum::Router;
use axum::response::AppendHeaders;
use axum::routing::get;
use http::StatusCode;
use http::header::{SET_COOKIE, VARY};
use session_cookie::{Compression, SignedCookieSessions};
use session_core::{Flash, OversizePolicy, SameSite, SessionConfigBuilder, SessionInterface};
use session_tower::{Session, SessionLayer};
use tower::ServiceExt as _;

use crate::support::{
    cookie, header_names, key, pair, payload, reopen, request, send, set_cookies, settings, signed,
    text, vary,
};

/// Returns an application that writes to its session and responds with the user in it.
fn greeting(sessions: impl SessionInterface) -> Router {
    let handler = |session: Session| async move {
        session.insert("seen", true).unwrap();
        session.get::<String>("user").unwrap().unwrap_or_default()
    };
    Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions))
}

#[tokio::test]
async fn vary_headers_are_merged_into_one() {
    let rows: [(&[&str], &[&str]); 8] = [
        (&[], &["Cookie"]),
        (&["Accept"], &["Accept, Cookie"]),
        (&["Accept", "Accept-Encoding, Origin"], &["Accept, Accept-Encoding, Origin, Cookie"]),
        (&["X-Cookie"], &["X-Cookie, Cookie"]),
        (&["cookie"], &["cookie"]),
        (&["Accept, COOKIE", "Origin"], &["Accept, COOKIE", "Origin"]),
        (&["*"], &["*"]),
        (&["Accept", "*"], &["Accept", "*"]),
    ];
    for (present, expected) in rows {
        let handler = move |_: Session| async move {
            AppendHeaders(present.iter().map(|value| (VARY, *value)))
        };
        let app =
            Router::new().route("/", get(handler)).layer(SessionLayer::new(signed(settings())));
        assert_eq!(vary(&send(&app, "").await), expected, "{present:?}");
    }
}

#[tokio::test]
async fn first_of_repeated_cookies_that_opens_counts() {
    let sessions = signed(settings());
    let ada = cookie(&sessions, |session| session.insert("user", "ada").unwrap()).await;
    let bob = cookie(&sessions, |session| session.insert("user", "bob").unwrap()).await;
    let app = greeting(sessions);
    let user = |request| async { text(app.clone().oneshot(request).await.unwrap()).await };
    assert_eq!(user(request([&format!("{ada}; {bob}")])).await, "ada");
    assert_eq!(user(request([&format!("theme=dark; {bob}; {ada}")])).await, "bob");
    assert_eq!(user(request([&ada, &bob])).await, "ada");
    assert_eq!(user(request(["theme=dark", &bob, &ada])).await, "bob");
    assert_eq!(user(request(["session=forged", &ada])).await, "ada");
}

#[tokio::test]
async fn cookies_set_by_handler_are_kept() {
    let sessions = signed(settings());
    let handler = |session: Session| async move {
        session.insert("user", "ada").unwrap();
        AppendHeaders([(SET_COOKIE, "theme=dark; Path=/"), (SET_COOKIE, "lang=en")])
    };
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions.clone()));
    let response = send(&app, "").await;
    let cookies = set_cookies(&response);
    assert_eq!(cookies[..2], ["theme=dark; Path=/", "lang=en"]);
    assert_eq!(cookies.len(), 3, "{cookies:?}");
    assert_eq!(payload(&reopen(&sessions, cookies[2]).await), r#"{"user":"ada"}"#);
}

fn uncompressed(settings: SessionConfigBuilder) -> SignedCookieSessions {
    let builder = SignedCookieSessions::builder(settings.build().unwrap(), &key());
    builder.compression(Compression::Never).build().unwrap()
}

#[tokio::test]
async fn oversize_cookie_follows_policy_at_exact_limit() {
    let sent = send(&greeting(uncompressed(settings())), "").await;
    let size = set_cookies(&sent)[0].len();
    let rows = [
        (OversizePolicy::Refuse, size, StatusCode::OK),
        (OversizePolicy::Refuse, size - 1, StatusCode::INTERNAL_SERVER_ERROR),
        (OversizePolicy::Refuse, 0, StatusCode::OK),
        (OversizePolicy::Warn, size - 1, StatusCode::OK),
    ];
    for (oversize, limit, status) in rows {
        let app = greeting(uncompressed(settings().max_cookie_size(limit).oversize(oversize)));
        let response = send(&app, "").await;
        let cookies = usize::from(status == StatusCode::OK);
        assert_eq!(
            (response.status(), set_cookies(&response).len()),
            (status, cookies),
            "{oversize:?} {limit}"
        );
    }
}

#[tokio::test]
async fn refused_cookie_replaces_response_of_handler() {
    let handler = |session: Session| async move {
        session.insert("essay", "x".repeat(5000)).unwrap();
        (AppendHeaders([(SET_COOKIE, "theme=dark")]), "saved")
    };
    let app =
        Router::new().route("/", get(handler)).layer(SessionLayer::new(uncompressed(settings())));
    let response = send(&app, "").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let names = vec!["vary", "cache-control"];
    assert_eq!((header_names(&response), vary(&response)), (names, vec!["Cookie"]));
    assert_eq!(text(response).await, "");
}

#[tokio::test]
async fn removal_repeats_all_cookie_attributes() {
    let rows = [
        (settings(), "; Secure; HttpOnly; Path=/; SameSite=Lax"),
        (
            settings()
                .cookie_domain("example.com")
                .cookie_path("/shop")
                .cookie_samesite(SameSite::Strict)
                .cookie_partitioned(true),
            "; Domain=example.com; Secure; HttpOnly; Path=/shop; SameSite=Strict; Partitioned",
        ),
        (settings().cookie_secure(false).cookie_httponly(false).cookie_samesite(None), "; Path=/"),
    ];
    for (settings, attributes) in rows {
        let handler = |session: Session| async move {
            if session.is_new() {
                session.insert("user", "ada").unwrap();
            } else {
                session.clear().unwrap();
            }
        };
        let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(signed(settings)));
        let first = send(&app, "").await;
        let set = set_cookies(&first)[0];
        assert_eq!(set.strip_prefix(pair(set)), Some(attributes));
        let second = send(&app, pair(set)).await;
        let removal =
            format!("session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0{attributes}");
        assert_eq!(set_cookies(&second), [removal]);
    }
}

#[tokio::test]
async fn session_cookie_is_marked_sensitive() {
    let sessions = signed(settings());
    for handler in [
        (|session: &session_core::Session| session.insert("user", "ada")) as Act,
        session_core::Session::clear,
    ] {
        let handler = move |session: Session| async move {
            handler(&session).unwrap();
            AppendHeaders([(SET_COOKIE, "theme=dark")])
        };
        let layer = SessionLayer::new(sessions.clone());
        let app = Router::new().route("/", get(handler)).layer(layer);
        let response = send(&app, "").await;
        let cookies = response.headers().get_all(SET_COOKIE).iter();
        let seen: Vec<_> = cookies
            .map(|cookie| (cookie.as_bytes().starts_with(b"session="), cookie.is_sensitive()))
            .collect();
        assert_eq!(seen, [(false, false), (true, true)]);
    }
}

type Act = fn(&session_core::Session) -> Result<(), session_core::Error>;

#[tokio::test]
async fn session_and_flash_cookies_are_separate_headers() {
    let flash = |session: Session| async move { session.flash("saved").unwrap() };
    let take = |session: Session| async move {
        session.insert("seen", true).unwrap();
        session.take_flashes().unwrap().iter().map(Flash::text).collect::<String>()
    };
    let app = Router::new()
        .route("/", get(flash).post(take))
        .layer(SessionLayer::new(signed(settings().flash_cookie(&key()))));
    let flashed = send(&app, "").await;
    let messages = pair(set_cookies(&flashed)[0]).to_owned();
    assert!(messages.starts_with("session_flash=") && set_cookies(&flashed).len() == 1);
    let mut request = request([&messages]);
    *request.method_mut() = http::Method::POST;
    let taken = app.clone().oneshot(request).await.unwrap();
    let names: Vec<_> =
        set_cookies(&taken).iter().map(|header| header.split('=').next().unwrap()).collect();
    assert_eq!(names, ["session", "session_flash"]);
    assert_eq!(text(taken).await, "saved");
}
