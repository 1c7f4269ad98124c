//! What happens to the headers of requests and responses: `Vary`, `Cookie`, and `Set-Cookie` beside a handler's own.

#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::Router;
use axum::response::AppendHeaders;
use axum::routing::get;
use http::StatusCode;
use http::header::{SET_COOKIE, VARY};
use session_cookie::{Compression, SignedCookieSessions};
use session_core::{Oversize, SameSite, SessionConfigBuilder, SessionInterface};
use session_tower::{Session, SessionLayer};
use support::{answer, cookie, header_names, key, pair, reopen, request, set_cookies, settings, signed, text, vary};
use tower::ServiceExt as _;

/// An application that writes into its session, and answers with the user that it found there.
fn greeting(sessions: impl SessionInterface) -> Router {
    let handler = |session: Session| async move {
        session.insert("seen", true).unwrap();
        session.get::<String>("user").unwrap().unwrap_or_default()
    };
    Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions))
}

#[tokio::test]
async fn vary_headers_become_one_that_keeps_every_value() {
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
        let handler = move |_: Session| async move { AppendHeaders(present.iter().map(|value| (VARY, *value))) };
        let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(signed(settings())));
        assert_eq!(vary(&answer(&app, "").await), expected, "{present:?}");
    }
}

#[tokio::test]
async fn the_first_of_repeated_cookies_counts() {
    let sessions = signed(settings());
    let ada = cookie(&sessions, |session| session.insert("user", "ada").unwrap()).await;
    let bob = cookie(&sessions, |session| session.insert("user", "bob").unwrap()).await;
    let app = greeting(sessions);
    let user = |request| async { text(app.clone().oneshot(request).await.unwrap()).await };
    assert_eq!(user(request([&format!("{ada}; {bob}")])).await, "ada");
    assert_eq!(user(request([&format!("theme=dark; {bob}; {ada}")])).await, "bob");
    assert_eq!(user(request([&ada, &bob])).await, "ada");
    assert_eq!(user(request(["theme=dark", &bob, &ada])).await, "bob");
    assert_eq!(user(request(["session=forged", &ada])).await, "");
}

#[tokio::test]
async fn a_handlers_own_cookies_survive() {
    let sessions = signed(settings());
    let handler = |session: Session| async move {
        session.insert("user", "ada").unwrap();
        AppendHeaders([(SET_COOKIE, "theme=dark; Path=/"), (SET_COOKIE, "lang=en")])
    };
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions.clone()));
    let response = answer(&app, "").await;
    let cookies = set_cookies(&response);
    assert_eq!(cookies[..2], ["theme=dark; Path=/", "lang=en"]);
    assert_eq!(cookies.len(), 3, "{cookies:?}");
    assert_eq!(reopen(&sessions, cookies[2]).await.payload(), r#"{"user":"ada"}"#);
}

fn uncompressed(settings: SessionConfigBuilder) -> SignedCookieSessions {
    let builder = SignedCookieSessions::builder(settings.build().unwrap(), &key());
    builder.compression(Compression::Never).build().unwrap()
}

#[tokio::test]
async fn a_cookie_one_byte_too_large_is_refused_or_sent_with_a_warning_by_choice() {
    let sent = answer(&greeting(uncompressed(settings())), "").await;
    let size = set_cookies(&sent)[0].len();
    let rows = [
        (Oversize::Refuse, size, StatusCode::OK),
        (Oversize::Refuse, size - 1, StatusCode::INTERNAL_SERVER_ERROR),
        (Oversize::Refuse, 0, StatusCode::OK),
        (Oversize::Warn, size - 1, StatusCode::OK),
    ];
    for (oversize, limit, status) in rows {
        let app = greeting(uncompressed(settings().max_cookie_size(limit).oversize(oversize)));
        let response = answer(&app, "").await;
        let cookies = usize::from(status == StatusCode::OK);
        assert_eq!((response.status(), set_cookies(&response).len()), (status, cookies), "{oversize:?} {limit}");
    }
}

#[tokio::test]
async fn a_refused_cookie_leaves_nothing_of_the_handlers_response() {
    let handler = |session: Session| async move {
        session.insert("essay", "x".repeat(5000)).unwrap();
        (AppendHeaders([(SET_COOKIE, "theme=dark")]), "saved")
    };
    let sessions = uncompressed(settings().oversize(Oversize::Refuse));
    let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(sessions));
    let response = answer(&app, "").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(header_names(&response).is_empty(), "{:?}", response.headers());
    assert_eq!(text(response).await, "");
}

#[tokio::test]
async fn a_removal_repeats_every_attribute_that_the_cookie_was_set_with() {
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
            if session.is_new() { session.insert("user", "ada").unwrap() } else { session.clear().unwrap() }
        };
        let app = Router::new().route("/", get(handler)).layer(SessionLayer::new(signed(settings)));
        let first = answer(&app, "").await;
        let set = set_cookies(&first)[0];
        assert_eq!(set.strip_prefix(pair(set)), Some(attributes));
        let second = answer(&app, pair(set)).await;
        let removal = format!("session=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0{attributes}");
        assert_eq!(set_cookies(&second), [removal]);
    }
}
