//! Stamps, and the costs of guards.

use session_testing::{Application, TestClient};

use super::applications::World;
use super::{SCRIPT, log_in, open, send};
use crate::on_every_application;

async fn outdated<A: Application>(client: &mut TestClient<A>, world: &World) {
    log_in(client, "ada").await;
    let cookie = client.browser().cookie("session").unwrap().to_owned();
    world.users.set_stamp("ada", Some("2"));
    let response = open(client, "/whoami").await;
    assert_eq!((response.status(), response.text().as_str()), (200, "visitor"));
    assert_eq!(client.browser().cookie("session"), None, "the session has ended");

    // The old cookie stays invalid, on a server and in the browser.
    let set = format!("session={cookie}; Path=/");
    client.browser_mut().receive("/", &set).unwrap();
    assert_eq!(open(client, "/account").await.location(), Some("/login?next=%2Faccount"));
    log_in(client, "ada").await;
    assert_eq!(open(client, "/account").await.text(), "ada");

    for stamp in ["1", ""] {
        world.users.set_stamp("ada", Some(stamp));
        assert_eq!(send(client, "GET", "/account", &[SCRIPT]).await.status(), 401, "{stamp:?}");
        log_in(client, "ada").await;
    }
    world.users.remove("ada");
    assert_eq!(open(client, "/account").await.status(), 303, "a user who does not exist");
    assert_eq!(client.browser().cookie("session"), None);
}

#[actix_web::test]
async fn session_with_outdated_stamp_is_refused_and_ended() {
    on_every_application!(outdated);
}

async fn unstamped<A: Application>(client: &mut TestClient<A>, world: &World) {
    world.users.set_stamp("ada", None);
    log_in(client, "ada").await;
    assert_eq!(open(client, "/account").await.text(), "ada");
    world.users.set_stamp("ada", Some("1"));
    assert_eq!(open(client, "/account").await.status(), 303, "a session without a stamp");
}

#[actix_web::test]
async fn session_without_stamp_is_refused_once_user_has_one() {
    on_every_application!(unstamped);
}

async fn unavailable<A: Application>(client: &mut TestClient<A>, world: &World) {
    log_in(client, "ada").await;
    world.users.fail(true);
    for path in ["/account", "/whoami", "/register"] {
        let response = open(client, path).await;
        assert_eq!(response.status(), 503, "{path}");
        assert!(!response.text().contains("database"), "{}", response.text());
    }
    world.users.fail(false);
    assert_eq!(open(client, "/account").await.text(), "ada", "the session stays");
}

#[actix_web::test]
async fn user_that_cannot_be_loaded_is_503_and_stays_logged_in() {
    on_every_application!(unavailable);
}

async fn calls<A: Application>(client: &mut TestClient<A>, world: &World) {
    assert_eq!(open(client, "/whoami").await.text(), "visitor");
    assert_eq!(world.calls(), (0, 0), "(store calls, loaded users) of a visitor");
    let cost_of_reading = [("/plain", 0), ("/account", 1), ("/orders", 1), ("/owner", 0)];
    for stamp in [None, Some("1")] {
        world.users.set_stamp("ada", stamp);
        world.users.permit("ada", "orders.edit");
        log_in(client, "ada").await;
        for (path, loads) in cost_of_reading {
            world.calls();
            assert_eq!(open(client, path).await.text(), "ada", "{path}");
            // `/orders` has two guards.
            assert_eq!(world.calls(), (world.open_costs, loads), "{path} with stamp {stamp:?}");
        }
    }
}

#[actix_web::test]
async fn guards_make_no_store_call_beyond_opening_session() {
    on_every_application!(calls);
}
