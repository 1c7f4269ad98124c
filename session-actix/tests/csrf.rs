//! The CSRF protection decides alike in axum and in actix-web, with sessions on a server and in a
//! cookie.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "csrf/applications.rs"]
mod applications;
#[path = "csrf/flask_wtf.rs"]
mod flask_wtf;
#[path = "csrf/in_actix.rs"]
mod in_actix;
#[path = "csrf/in_axum.rs"]
mod in_axum;
mod support;

use std::time::Duration;

use session_core::ManualClock;
use session_testing::{Application, Request, TestClient, TestResponse};

const FORM: &str = "application/x-www-form-urlencoded";
const SAME_ORIGIN: (&str, &str) = ("sec-fetch-site", "same-origin");
const VISITOR: &str = "__Host-session-csrf";

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request {
    headers.iter().fold(Request::new(method, path), |request, (name, value)| {
        request.with_header(*name, *value)
    })
}

/// Sends a request of a page of the application, which no check refuses.
async fn post<A: Application>(client: &mut TestClient<A>, path: &str, body: &str) -> TestResponse {
    let request = request("POST", path, &[SAME_ORIGIN]).with_body(body);
    let response = client.send(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}: {}", response.text());
    response
}

async fn token<A: Application>(client: &mut TestClient<A>) -> String {
    let response = client.get("/token").await.unwrap();
    assert_eq!(response.status(), 200, "{}", response.text());
    response.text()
}

/// Returns the status of a form of a browser that sends neither `Sec-Fetch-Site` nor `Origin`.
async fn send_form<A: Application>(client: &mut TestClient<A>, token: &str) -> u16 {
    let form = format!("product=7&csrf_token={token}");
    let request = request("POST", "/echo", &[("content-type", FORM)]).with_body(form.as_str());
    let response = client.send(request).await.unwrap();
    if response.status() == 200 {
        assert_eq!(response.text(), form, "the body was changed");
    }
    response.status()
}

const HOST: &str = "https://localhost";

/// Headers of a request, and whether it passes without a token, and with a valid one.
type Row = (&'static str, &'static [(&'static str, &'static str)], bool, bool);

const TABLE: [Row; 31] = [
    ("GET", &[], true, true),
    ("HEAD", &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], true, true),
    ("OPTIONS", &[("sec-fetch-site", "cross-site")], true, true),
    ("GET", &[("upgrade", "h2c")], true, true),
    ("GET", &[("upgrade", "websocket")], false, true),
    ("GET", &[("upgrade", "WebSocket"), ("sec-fetch-site", "cross-site")], false, false),
    ("GET", &[("upgrade", "websocket"), ("origin", "https://evil.example")], false, false),
    ("GET", &[("upgrade", "websocket"), ("origin", HOST)], true, true),
    ("POST", &[("sec-fetch-site", "same-origin")], true, true),
    ("POST", &[("sec-fetch-site", "none")], true, true),
    ("POST", &[("sec-fetch-site", "same-origin"), ("origin", "null")], true, true),
    ("PUT", &[("sec-fetch-site", "same-origin")], true, true),
    ("POST", &[("sec-fetch-site", "same-site")], false, false),
    ("POST", &[("sec-fetch-site", "cross-site")], false, false),
    ("PUT", &[("sec-fetch-site", "cross-site")], false, false),
    ("POST", &[("sec-fetch-site", "cross-site"), ("origin", HOST)], false, false),
    ("POST", &[("sec-fetch-site", "")], false, false),
    ("POST", &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")], false, false),
    (
        "POST",
        &[("sec-fetch-site", "cross-site"), ("origin", "https://partner.example")],
        true,
        true,
    ),
    ("POST", &[("sec-fetch-site", "same-site"), ("origin", "https://other.example")], false, false),
    ("POST", &[("origin", HOST)], true, true),
    ("POST", &[("origin", "HTTPS://LOCALHOST:443")], true, true),
    ("POST", &[("origin", "https://localhost:8443")], false, false),
    ("POST", &[("origin", "https://partner.example")], true, true),
    ("POST", &[("origin", "http://partner.example")], false, false),
    ("POST", &[("origin", "https://evil.example")], false, false),
    ("POST", &[("origin", "https://localhost.evil.example")], false, false),
    ("POST", &[("origin", HOST), ("origin", HOST)], false, false),
    ("POST", &[("origin", "null")], false, true),
    ("POST", &[], false, true),
    ("PUT", &[("referer", "https://localhost/")], false, true),
];

async fn decide<A: Application>(client: &mut TestClient<A>, _: &ManualClock) {
    let token = token(client).await;
    for (method, headers, without, with) in TABLE {
        let plain = request(method, "/", headers);
        let with_token = plain.clone().with_header("x-csrftoken", token.as_str());
        for (request, passes) in [(plain, without), (with_token, with)] {
            let status = client.send(request).await.unwrap().status();
            assert_eq!(status != 403, passes, "{method} {headers:?}: {status}");
        }
    }
}

#[actix_web::test]
async fn decision_table_is_followed_by_both_adapters() {
    on_every_application!(decide);
}

async fn own_origins<A: Application>(client: &mut TestClient<A>, _: &ManualClock) {
    for (origin, status) in [("https://shop.example.com", 200), (HOST, 403)] {
        let request = request("POST", "/", &[("origin", origin)]);
        assert_eq!(client.send(request).await.unwrap().status(), status, "{origin}");
    }
}

#[actix_web::test]
async fn configured_own_origin_replaces_host() {
    on_every_application!(own_origins, |config: session_core::csrf::CsrfConfigBuilder| {
        config.own_origin("https://shop.example.com")
    });
}

async fn tokens_of_visitor<A: Application>(client: &mut TestClient<A>, clock: &ManualClock) {
    let response = client.get("/token").await.unwrap();
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let set = response.header("set-cookie").unwrap();
    assert!(set.starts_with(&format!("{VISITOR}=")) && set.contains("; Max-Age=86400;"), "{set}");
    let first = response.text();

    let response = client.get("/token").await.unwrap();
    assert_eq!(response.header("set-cookie"), None, "the cookie is young");
    let second = response.text();
    assert_ne!(first, second, "tokens are masked");
    for token in [&first, &second] {
        assert_eq!(send_form(client, token).await, 200);
    }

    // A session without an owner keeps accepting the tokens.
    post(client, "/insert", "").await;
    assert_eq!(send_form(client, &first).await, 200);
    let third = token(client).await;
    assert_eq!(send_form(client, &third).await, 200);

    clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(send_form(client, &first).await, 403, "the cookie of the visitor has expired");
}

#[actix_web::test]
async fn tokens_of_visitor_are_masked_and_expire() {
    on_every_application!(tokens_of_visitor);
}

async fn tokens_of_user<A: Application>(client: &mut TestClient<A>, _: &ManualClock) {
    let visitor = token(client).await;
    let response = post(client, "/login", "ada").await;
    let sets: Vec<_> = response.headers().filter(|(name, _)| *name == "set-cookie").collect();
    let removes =
        |(_, set): &(&str, &str)| set.starts_with(&format!("{VISITOR}=; Expires=Thu, 01"));
    assert!(sets.len() == 2 && sets.iter().any(removes), "{sets:?}");
    assert_eq!(send_form(client, &visitor).await, 403, "a token from before the login");

    let (first, second) = (token(client).await, token(client).await);
    assert_ne!(first, second, "tokens are masked");
    for token in [&first, &second] {
        assert_eq!(send_form(client, token).await, 200);
    }
    assert_eq!(client.browser().cookie(VISITOR), None);
    post(client, "/rotate", "").await;
    assert_eq!(send_form(client, &first).await, 200, "a new id is the same session");

    post(client, "/login", "ada").await;
    assert_eq!(send_form(client, &first).await, 403, "a token from before the second login");
    let third = token(client).await;
    post(client, "/logout", "").await;
    assert_eq!(send_form(client, &third).await, 403, "a token from before the logout");
    let fourth = token(client).await;
    assert_eq!(send_form(client, &fourth).await, 200);
}

async fn tokens_over_time<A: Application>(client: &mut TestClient<A>, clock: &ManualClock) {
    let visitor = token(client).await;
    let planted = client.browser().cookie(VISITOR).unwrap().to_owned();
    for owner in ["ada", "eve"] {
        post(client, "/login", owner).await;
        let set = format!("{VISITOR}={planted}; Secure; Path=/");
        client.browser_mut().receive("/", &set).unwrap();
        assert_eq!(send_form(client, &visitor).await, 403, "the visitor's cookie is ignored");
        let own = token(client).await;
        assert_eq!(client.browser().cookie(VISITOR), None, "it is removed");
        assert_eq!(send_form(client, &own).await, 200);
        clock.advance(Duration::from_secs(3));
    }
}

#[actix_web::test]
async fn token_is_of_one_login_and_of_one_session() {
    on_every_application!(tokens_of_user);
    on_every_application!(tokens_over_time);
}

async fn login_with_form<A: Application>(client: &mut TestClient<A>, _: &ManualClock) {
    let token = post(client, "/login-form", "ada").await.text();
    assert_eq!(client.browser().cookie(VISITOR), None);
    assert_eq!(send_form(client, &token).await, 200, "the token after the login");
}

#[actix_web::test]
async fn token_after_login_in_same_request_is_of_new_session() {
    on_every_application!(login_with_form);
}

#[actix_web::test]
async fn token_of_other_session_is_refused() {
    for backend in applications::BACKENDS {
        let (_, sessions) = applications::sessions(backend);
        let config = applications::config().build().unwrap();
        let client = || in_axum::client(&config, std::sync::Arc::clone(&sessions));
        let (mut ada, mut eve) = (client(), client());
        let (of_ada, of_eve) = (token(&mut ada).await, token(&mut eve).await);
        assert_eq!(send_form(&mut ada, &of_eve).await, 403);
        assert_eq!(send_form(&mut eve, &of_eve).await, 200);
        for client in [&mut ada, &mut eve] {
            post(client, "/login", "ada").await;
        }
        assert_eq!(send_form(&mut ada, &of_ada).await, 403);
        let (of_ada, of_eve) = (token(&mut ada).await, token(&mut eve).await);
        assert_eq!(send_form(&mut ada, &of_eve).await, 403, "{}", backend.0);
        assert_eq!(send_form(&mut ada, &of_ada).await, 200);
    }
}

async fn bodies<A: Application>(client: &mut TestClient<A>, _: &ManualClock) {
    let token = token(client).await;
    let form = |length: usize| {
        let mut form = format!("a=%00%ff&a=+b&csrf_token={token}&x=");
        form.extend(std::iter::repeat_n('y', length - form.len()));
        form
    };
    for (length, expected) in [(200, 200), (1000, 200), (1001, 413), (100_000, 413)] {
        let body = form(length);
        let content_type = "Application/X-WWW-Form-Urlencoded; charset=utf-8";
        let request = request("POST", "/echo", &[("content-type", content_type)]);
        let response = client.send(request.with_body(body.as_str())).await.unwrap();
        assert_eq!(response.status(), expected, "{length}");
        assert_eq!(response.text() == body, expected == 200, "the body was changed");
    }
    // A form that needs no token is not read.
    let large = form(100_000);
    let request = request("POST", "/echo", &[("content-type", FORM), SAME_ORIGIN]);
    let response = client.send(request.with_body(large.as_str())).await.unwrap();
    assert_eq!((response.status(), response.text()), (200, large));
}

#[actix_web::test]
async fn form_is_read_up_to_limit_and_forwarded_unchanged() {
    on_every_application!(bodies);
}

async fn places<A: Application>(client: &mut TestClient<A>, _: &ManualClock) {
    let token = token(client).await;
    let body = format!("csrf_token={token}");
    let multipart = "multipart/form-data; boundary=x";
    let part = "--x\r\ncontent-disposition: form-data; name=\"csrf_token\"";
    let part = format!("{part}\r\n\r\n{token}\r\n--x--\r\n");
    let json = format!("{{\"csrf_token\":\"{token}\"}}");
    for (content_type, body, status) in [
        (FORM, body.as_str(), 200),
        (multipart, &part, 403),
        ("application/json", &json, 403),
        ("text/plain", &body, 403),
    ] {
        let plain = request("POST", "/echo", &[("content-type", content_type)]).with_body(body);
        for name in ["X-CSRFToken", "x-csrf-token"] {
            let with_header = plain.clone().with_header(name, token.as_str());
            let response = client.send(with_header).await.unwrap();
            assert_eq!((response.status(), response.text().as_str()), (200, body), "{name}");
        }
        assert_eq!(client.send(plain).await.unwrap().status(), status, "{content_type}");
    }
    let in_query = request("POST", &format!("/echo?csrf_token={token}"), &[]);
    assert_eq!(client.send(in_query).await.unwrap().status(), 403, "in the query string");
    for wrong in ["", "AAAA", "%C3%A9"] {
        assert_eq!(send_form(client, wrong).await, 403, "{wrong:?}");
    }
}

#[actix_web::test]
async fn token_is_read_from_form_and_headers_only() {
    on_every_application!(places);
}

async fn exemptions<A: Application>(client: &mut TestClient<A>, _: &ManualClock) {
    for (path, status) in [
        ("/hooks/7", 200),
        ("/hooks/%7Bid%7D", 200),
        ("/hooks/7/more", 403),
        ("/hooks", 403),
        ("/hooks/", 403),
        ("/verify/x", 403),
        ("/echo", 403),
    ] {
        let response = client.send(request("POST", path, &[])).await.unwrap();
        let is_unmatched = status == 403 && response.status() == 404;
        assert!(response.status() == status || is_unmatched, "{path}: {}", response.status());
    }
    let token = token(client).await;
    let cross_site = ("sec-fetch-site", "cross-site");
    for (headers, body, status) in [
        (&[][..], token.as_str(), 200),
        (&[], "wrong", 403),
        (&[SAME_ORIGIN], "", 200),
        (&[cross_site], &token, 403),
    ] {
        let request = request("POST", "/verify", headers).with_body(body);
        let response = client.send(request).await.unwrap();
        assert_eq!(response.status(), status, "{headers:?} {body}");
    }
}

#[actix_web::test]
async fn exemption_is_of_matched_route_and_handler_verifies() {
    on_every_application!(exemptions);
}

async fn responses<A: Application>(client: &mut TestClient<A>, _: &ManualClock) {
    let response = client.get("/public").await.unwrap();
    for name in ["cache-control", "cdn-cache-control"] {
        assert_eq!(response.header(name), Some("no-store"), "{name}");
    }
    assert_eq!(response.header("vary"), Some("Cookie"));
    let response = client.get("/").await.unwrap();
    for name in ["cache-control", "vary", "set-cookie"] {
        assert_eq!(response.header(name), None, "{name}");
    }
    for (headers, text) in
        [(&[][..], "out of date"), (&[("sec-fetch-site", "cross-site")], "another site")]
    {
        let response = client.send(request("POST", "/", headers)).await.unwrap();
        assert_eq!(response.status(), 403);
        assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert!(response.header("content-security-policy").unwrap().starts_with("default-src"));
        assert!(response.text().contains(text), "{}", response.text());
    }
}

#[actix_web::test]
async fn token_makes_response_private_and_refusal_has_page() {
    on_every_application!(responses);
}

async fn own_page<A: Application>(client: &mut TestClient<A>, _: &ManualClock) {
    let response = client.send(request("POST", "/", &[])).await.unwrap();
    assert_eq!((response.status(), response.text().as_str()), (403, "<p>MissingToken"));
}

#[actix_web::test]
async fn refusal_page_can_be_replaced() {
    on_every_application!(own_page, |config: session_core::csrf::CsrfConfigBuilder| {
        config.page(|reason| format!("<p>{reason:?}"))
    });
}
