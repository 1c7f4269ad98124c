//! Remember-me in axum and in actix-web.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "remember/applications.rs"]
mod applications;
#[path = "remember/ending.rs"]
mod ending;
mod support;

use std::time::Duration;

use applications::World;
use session_core::OwnerSessions as _;
use session_testing::{Application, Request, TestClient, TestResponse};

const COOKIE: &str = "session-remember";
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn post<A: Application>(client: &mut TestClient<A>, path: &str, body: &str) -> TestResponse {
    let request = Request::new("POST", path).with_body(body);
    let response = client.send(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}: {}", response.text());
    response
}

async fn user<A: Application>(client: &mut TestClient<A>) -> String {
    let response = client.get("/user").await.unwrap();
    assert_eq!(response.status(), 200, "{}", response.text());
    response.text()
}

fn token<A: Application>(client: &TestClient<A>) -> String {
    client.browser().cookie(COOKIE).unwrap_or_default().to_owned()
}

fn plant<A: Application>(client: &mut TestClient<A>, token: &str) {
    client
        .browser_mut()
        .receive("/", &format!("{COOKIE}={token}; Path=/; Max-Age=99999999"))
        .unwrap();
}

/// Loses the session of a browser, which keeps its token.
fn lose_session<A: Application>(client: &mut TestClient<A>) {
    client.browser_mut().receive("/", "session=; Path=/; Max-Age=0").unwrap();
}

async fn remembered<A: Application>(client: &mut TestClient<A>, world: &World) {
    let response = post(client, "/login", "ada").await;
    assert!(response.headers().all(|(_, value)| !value.starts_with(COOKIE)), "not ticked");
    let response = post(client, "/remember", "ada").await;
    let is_cookie = |(_, value): &(&str, &str)| value.starts_with(COOKIE);
    let (_, cookie) = response.headers().find(is_cookie).unwrap();
    assert!(cookie.contains("; Max-Age=2592000; HttpOnly; Path=/; SameSite=Lax"), "{cookie}");
    assert_eq!(response.header("cache-control"), Some("no-store"));

    let mut tokens = vec![token(client)];
    for _ in 0..3 {
        client.browser_mut().restart();
        world.clock.advance(29 * DAY);
        assert_eq!(user(client).await, "ada");
        assert!(!tokens.contains(&token(client)), "a token is used once");
        tokens.push(token(client));
        let before = token(client);
        assert_eq!(user(client).await, "ada");
        assert_eq!(token(client), before, "a request with a session uses no token");
        assert_eq!(client.get("/recent").await.unwrap().text(), "false");
        assert_eq!(world.sessions.page("ada", None, 100).await.unwrap().sessions.len(), 1);
    }
    client.browser_mut().restart();
    world.clock.advance(31 * DAY);
    assert_eq!(user(client).await, "", "the series has expired");
}

#[actix_web::test]
async fn remembered_user_is_logged_in_again_with_new_token() {
    on_every_application!(remembered);
}

async fn lost<A: Application>(client: &mut TestClient<A>, world: &World) {
    post(client, "/remember", "ada").await;
    let first = token(client);
    for _ in 0..3 {
        // The response with the next token does not arrive.
        lose_session(client);
        plant(client, &first);
        world.clock.advance(DAY);
        assert_eq!(user(client).await, "ada");
    }
    let second = token(client);
    lose_session(client);
    assert_eq!(user(client).await, "ada");
    // The next token was used just now.
    world.clock.advance(Duration::from_secs(60));
    lose_session(client);
    plant(client, &first);
    assert_eq!(user(client).await, "ada", "for one minute");
    assert_ne!(token(client), second);
}

#[actix_web::test]
async fn token_whose_successor_was_lost_stays_valid() {
    on_every_application!(lost);
}

async fn parallel<A: Application>(client: &mut TestClient<A>, world: &World) {
    post(client, "/remember", "ada").await;
    let first = token(client);
    let mut sessions = Vec::new();
    for _ in 0..3 {
        lose_session(client);
        plant(client, &first);
        assert_eq!(user(client).await, "ada");
        sessions.push(client.browser().cookie("session").unwrap().to_owned());
        assert_eq!(
            world.sessions.page("ada", None, 100).await.unwrap().sessions.len(),
            1,
            "one device"
        );
    }
    // The browser keeps the cookie of the response that came last.
    let early = format!("session={}; Path=/", sessions[0]);
    client.browser_mut().receive("/", &early).unwrap();
    assert_eq!(user(client).await, "ada");
    assert_eq!(world.sessions.page("ada", None, 100).await.unwrap().sessions.len(), 1);
}

#[actix_web::test]
async fn parallel_requests_leave_one_restored_session() {
    on_every_application!(parallel);
}

async fn stolen<A: Application>(client: &mut TestClient<A>, world: &World) {
    post(client, "/remember", "ada").await;
    let phone = world.other_browser_of("ada").await;
    let stolen = token(client);
    for _ in 0..2 {
        lose_session(client);
        assert_eq!(user(client).await, "ada");
    }
    world.clock.advance(Duration::from_secs(61));
    let session = client.browser().cookie("session").unwrap().to_owned();
    let newest = token(client);

    // A thief uses the copy of an old token.
    lose_session(client);
    plant(client, &stolen);
    assert_eq!(user(client).await, "");
    assert_eq!(token(client), "", "the cookie is removed");

    client.browser_mut().receive("/", &format!("session={session}; Path=/")).unwrap();
    assert_eq!(user(client).await, "", "the restored session has ended");
    plant(client, &newest);
    assert_eq!(user(client).await, "", "the series has ended");
    let left = world.sessions.page("ada", None, 100).await.unwrap().sessions;
    let left: Vec<_> = left.iter().map(|session| session.handle().to_owned()).collect();
    assert_eq!(left, [phone], "other sessions stay");
}

#[actix_web::test]
async fn old_token_ends_its_series_and_nothing_else() {
    on_every_application!(stolen);
}

async fn copied<A: Application>(client: &mut TestClient<A>, world: &World) {
    post(client, "/remember", "ada").await;
    let copied = token(client);
    lose_session(client);
    assert_eq!(user(client).await, "ada");
    let of_owner = token(client);

    // The successor may have been lost: the thief gets another one.
    lose_session(client);
    plant(client, &copied);
    assert_eq!(user(client).await, "ada");
    let of_thief = token(client);
    assert_ne!(of_thief, of_owner);

    lose_session(client);
    plant(client, &of_owner);
    assert_eq!(user(client).await, "ada");
    let newest = token(client);
    world.clock.advance(Duration::from_secs(61));
    for token in [&of_thief, &newest] {
        lose_session(client);
        plant(client, token);
        assert_eq!(user(client).await, "", "the series has ended");
    }
    assert!(world.store_is_empty().await);
}

#[actix_web::test]
async fn copy_of_unused_token_is_noticed_when_both_are_used() {
    on_every_application!(copied);
}
