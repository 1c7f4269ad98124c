//! Guards decide alike in axum and in actix-web.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "guard/applications.rs"]
mod applications;
#[path = "guard/in_actix.rs"]
mod in_actix;
#[path = "guard/in_axum.rs"]
mod in_axum;
#[path = "guard/stamps.rs"]
mod stamps;
mod support;

use std::time::Duration;

use applications::World;
use session_testing::{Application, Request, TestClient, TestResponse};

const PAGE: (&str, &str) = ("sec-fetch-mode", "navigate");
const SCRIPT: (&str, &str) = ("sec-fetch-mode", "cors");

async fn send<A: Application>(
    client: &mut TestClient<A>,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> TestResponse {
    let request = headers.iter().fold(Request::new(method, path), |request, (name, value)| {
        request.with_header(*name, *value)
    });
    client.send(request).await.unwrap()
}

/// Opens a page as a browser does.
async fn open<A: Application>(client: &mut TestClient<A>, path: &str) -> TestResponse {
    send(client, "GET", path, &[PAGE]).await
}

async fn log_in<A: Application>(client: &mut TestClient<A>, name: &str) {
    let request = Request::new("POST", "/login").with_body(name);
    assert_eq!(client.send(request).await.unwrap().status(), 200);
}

async fn visitor<A: Application>(client: &mut TestClient<A>, _: &World) {
    for path in ["/account", "/critical", "/orders", "/shop/account"] {
        let target = format!("{path}?page=2&a=%2F");
        let response = open(client, &target).await;
        assert_eq!(response.status(), 303, "{path}");
        let encoded = target.replace('%', "%25").replace('/', "%2F").replace('?', "%3F");
        let encoded = encoded.replace('=', "%3D").replace('&', "%26");
        assert_eq!(response.location(), Some(format!("/login?next={encoded}").as_str()));
        let next = open(client, &response.location().unwrap().replace("/login", "/next")).await;
        assert_eq!(next.text(), target, "the page to return to");
        assert_eq!(response.header("vary"), Some("Cookie"));
        assert!(response.header("cache-control").unwrap().contains("no-cache"));
    }
    let html = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    for (method, headers, status) in [
        ("GET", &[html][..], 303),
        ("GET", &[("accept", "application/json")], 401),
        ("GET", &[], 401),
        ("GET", &[SCRIPT, html], 401),
        ("HEAD", &[PAGE], 401),
        ("POST", &[PAGE], 401),
        ("POST", &[html], 401),
    ] {
        let response = send(client, method, "/account", headers).await;
        assert_eq!(response.status(), status, "{method} {headers:?}");
        assert_eq!(response.location().is_some(), status == 303);
    }
    assert_eq!(open(client, "/register").await.text(), "register");
    assert_eq!(open(client, "/whoami").await.text(), "visitor");
    assert_eq!(open(client, "/strict").await.status(), 401, "CurrentUser of a visitor");
}

#[actix_web::test]
async fn visitor_is_sent_to_login_page_and_back() {
    on_every_application!(visitor);
}

async fn hostile<A: Application>(client: &mut TestClient<A>, _: &World) {
    let response = open(client, "/any//evil.example").await;
    assert_eq!(response.location(), Some("/login"), "two slashes");
    log_in(client, "ada").await;
    for (query, location) in [
        ("", "/"),
        ("?next=%2Forders%3Fpage%3D2", "/orders?page=2"),
        ("?next=https://evil.example", "/"),
        ("?next=%2F%2Fevil.example", "/"),
        ("?next=/%5Cevil.example", "/"),
        ("?next=/%255Cevil.example", "/"),
        ("?next=/%09/evil.example", "/"),
        ("?next=/a%0d%0aset-cookie:a=b", "/"),
        ("?next=/a&next=/b", "/"),
    ] {
        let response = open(client, &format!("/register{query}")).await;
        assert_eq!((response.status(), response.location()), (303, Some(location)), "{query}");
        let next = open(client, &format!("/next{query}")).await;
        assert_eq!(next.text(), if location == "/" { "/none" } else { location }, "{query}");
    }
}

#[actix_web::test]
async fn next_page_of_other_host_is_ignored() {
    on_every_application!(hostile);
}

async fn user<A: Application>(client: &mut TestClient<A>, world: &World) {
    log_in(client, "ada").await;
    for path in ["/account", "/critical", "/shop/account", "/whoami", "/strict"] {
        let response = open(client, path).await;
        assert_eq!((response.status(), response.text().as_str()), (200, "ada"), "{path}");
    }
    let response = send(client, "POST", "/account", &[]).await;
    assert_eq!((response.status(), response.text().as_str()), (200, "ada"));

    let response = open(client, "/orders").await;
    assert_eq!((response.status(), response.location()), (403, None), "no permission");
    world.users.permit("ada", "orders.view");
    assert_eq!(open(client, "/orders").await.status(), 403, "another permission");
    world.users.permit("ada", "orders.edit");
    assert_eq!(open(client, "/orders").await.text(), "ada");

    assert_eq!(open(client, "/register").await.status(), 303);
    let response = send(client, "POST", "/register", &[]).await;
    assert_eq!((response.status(), response.location()), (403, None));
    assert_eq!(open(client, "/unguarded").await.status(), 500, "no guard");
}

#[actix_web::test]
async fn user_passes_guards_with_permission_only() {
    on_every_application!(user);
}

async fn recent<A: Application>(client: &mut TestClient<A>, world: &World) {
    log_in(client, "ada").await;
    world.clock.advance(Duration::from_secs(10 * 60));
    assert_eq!(open(client, "/critical").await.status(), 200);
    world.clock.advance(Duration::from_millis(1));
    let response = open(client, "/critical").await;
    assert_eq!(response.location(), Some("/login?next=%2Fcritical"));
    assert_eq!(send(client, "GET", "/critical", &[SCRIPT]).await.status(), 401);
    assert_eq!(open(client, "/account").await.status(), 200, "the user stays logged in");
    log_in(client, "ada").await;
    assert_eq!(open(client, "/critical").await.status(), 200);
}

#[actix_web::test]
async fn recent_login_is_required_again_after_maximum_age() {
    on_every_application!(recent);
}
