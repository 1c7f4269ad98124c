//! The end of a series, and the costs of remember-me.

use session_core::OwnerSessions as _;
use session_testing::{Application, TestClient};

use super::applications::World;
use super::{COOKIE, lose_session, plant, post, token, user};
use crate::on_every_application;

async fn logout<A: Application>(client: &mut TestClient<A>, _: &World) {
    for path in ["/logout", "/switch"] {
        post(client, "/remember", "ada").await;
        let first = token(client);
        // `/switch` logs in another user.
        post(client, path, "eve").await;
        assert_eq!(token(client), "", "{path} removes the cookie");
        lose_session(client);
        plant(client, &first);
        assert_eq!(user(client).await, "", "{path}");
        assert_eq!(token(client), "");
    }
    post(client, "/remember", "ada").await;
    let first = token(client);
    post(client, "/switch", "ada").await;
    assert_eq!(token(client), first, "a login of the same user keeps the series");
    post(client, "/remember", "ada").await;
    assert_ne!(token(client), first);
    lose_session(client);
    plant(client, &first);
    assert_eq!(user(client).await, "", "a new series replaces that of the browser");
}

#[actix_web::test]
async fn logout_and_login_of_other_user_end_series() {
    on_every_application!(logout);
}

async fn all<A: Application>(client: &mut TestClient<A>, world: &World) {
    post(client, "/remember", "ada").await;
    lose_session(client);
    assert_eq!(user(client).await, "ada");
    let newest = token(client);
    assert_eq!(world.sessions.end_all("ada").await.unwrap(), 1);
    assert_eq!(user(client).await, "");
    plant(client, &newest);
    assert_eq!(user(client).await, "");
    assert!(world.store_is_empty().await, "no record is left");
}

#[actix_web::test]
async fn end_all_ends_series() {
    on_every_application!(all);
}

async fn stamps<A: Application>(client: &mut TestClient<A>, world: &World) {
    post(client, "/remember", "ada").await;
    lose_session(client);
    assert_eq!(client.get("/guarded").await.unwrap().text(), "ada");
    let newest = token(client);
    world.set_stamp("2");
    lose_session(client);
    assert_eq!(client.get("/guarded").await.unwrap().status(), 401);
    assert_eq!(token(client), "", "the guard has ended the series");
    plant(client, &newest);
    assert_eq!(user(client).await, "");
}

#[actix_web::test]
async fn changed_stamp_ends_series() {
    on_every_application!(stamps);
}

async fn costs<A: Application>(client: &mut TestClient<A>, world: &World) {
    assert_eq!(user(client).await, "");
    for forged in ["", "AAAA", "%00", &"A".repeat(70)] {
        plant(client, forged);
        world.take_calls();
        assert_eq!(user(client).await, "");
        assert_eq!(world.take_calls(), 0, "{forged:?}");
        assert_eq!(client.browser().cookie(COOKIE), None, "a forged cookie is removed");
    }
    post(client, "/remember", "ada").await;
    world.take_calls();
    assert_eq!(user(client).await, "ada");
    assert_eq!(world.take_calls(), 1, "a request with a session only loads it");
}

#[actix_web::test]
async fn requests_with_session_or_forged_token_cost_no_call() {
    on_every_application!(costs);
}
