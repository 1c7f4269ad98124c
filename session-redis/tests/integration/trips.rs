//! The round trips of each call and each request, counted by Redis.

use std::time::{Duration, SystemTime};

use session_core::store::{OwnerIndex as _, SessionStore as _, Version};
use session_core::{ManualClock, SessionConfig};
use session_redis::RedisStore;
use test_servers::PrivateServer;

use crate::support::requests::App;
use crate::support::{calls, new_server, random_key, record, replaced, reset_calls, store};

/// The commands that the store sends. Scripts call the others inside Redis.
const SENT: [&str; 5] = ["eval", "evalsha", "get", "mget", "zrange"];

/// Returns the round trips since the last call. `create` sends `SET`, and the script of `replace`
/// calls it.
async fn trips(server: &PrivateServer, sets_in_scripts: u64) -> u64 {
    let calls = calls(server).await;
    reset_calls(server).await;
    let sent: u64 = SENT.iter().filter_map(|command| calls.get(*command)).sum();
    sent + calls.get("set").unwrap_or(&0) - sets_in_scripts
}

/// Returns a store that has learned what the server has, on a server that has every script.
async fn warm_store(server: &PrivateServer) -> RedisStore {
    let store = store(server).await;
    crate::support::assert_works(&store).await;
    reset_calls(server).await;
    store
}

#[tokio::test]
async fn call_is_one_round_trip() {
    let server = new_server().await;
    let (store, key) = (warm_store(&server).await, random_key());
    let version = store.create(&key, &record(b"one")).await.unwrap();
    assert_eq!(trips(&server, 0).await, 1);
    assert!(store.load(&key).await.unwrap().is_some());
    assert_eq!(trips(&server, 0).await, 1);
    let version = replaced(&store, &key, version, &record(b"two")).await;
    assert_eq!(trips(&server, 1).await, 1);
    assert!(store.touch(&key, version.clone(), SystemTime::now()).await.unwrap());
    assert_eq!(trips(&server, 0).await, 1);
    assert!(!store.touch(&key, Version::new(0), SystemTime::now()).await.unwrap());
    assert_eq!(trips(&server, 0).await, 1);
    assert!(store.remove(&key, version).await.unwrap());
    assert_eq!(trips(&server, 0).await, 1);
    assert!(store.keys_of("ada").await.unwrap().is_empty());
    assert_eq!(trips(&server, 0).await, 1);
}

#[tokio::test]
async fn change_of_owner_list_costs_one_more_round_trip() {
    let server = new_server().await;
    let (store, key) = (warm_store(&server).await, random_key());
    let version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    assert_eq!(trips(&server, 0).await, 2);
    let version = replaced(&store, &key, version, &record(b"two").owned_by(Some("ada"))).await;
    assert_eq!(trips(&server, 1).await, 1, "the key is listed for long enough");
    let later = SystemTime::now() + Duration::from_secs(70 * 60);
    assert!(store.touch(&key, version.clone(), later).await.unwrap());
    assert_eq!(trips(&server, 0).await, 2, "touched, entry checked");
    let much_later = SystemTime::now() + Duration::from_secs(9 * 3600);
    assert!(store.touch(&key, version.clone(), much_later).await.unwrap());
    assert_eq!(trips(&server, 0).await, 3, "checked, listed, touched");
    assert!(
        store
            .touch(&key, version.clone(), much_later + Duration::from_secs(4 * 3600))
            .await
            .unwrap()
    );
    assert_eq!(trips(&server, 0).await, 2, "touched, entry checked");
    let version = replaced(&store, &key, version, &record(b"three").owned_by(Some("eve"))).await;
    assert_eq!(trips(&server, 1).await, 4, "checked, listed, replaced, unlisted");
    let version = replaced(&store, &key, version, &record(b"tombstone")).await;
    assert_eq!(trips(&server, 1).await, 2, "replaced, unlisted");
    let version = replaced(&store, &key, version, &record(b"four").owned_by(Some("eve"))).await;
    assert_eq!(trips(&server, 1).await, 3, "checked, listed, replaced");
    assert!(store.remove(&key, version).await.unwrap());
    assert_eq!(trips(&server, 0).await, 2);
}

/// An application, its clock, and its server.
struct Counted {
    server: PrivateServer,
    clock: ManualClock,
    app: App,
    cookie: String,
}

impl Counted {
    async fn start() -> Self {
        let server = new_server().await;
        let clock = ManualClock::at(SystemTime::now());
        let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
        let app = App::with_config(warm_store(&server).await, config);
        Self { server, clock, app, cookie: String::new() }
    }

    /// Returns the round trips of one request.
    async fn cost_of(&mut self, path: &str) -> u64 {
        let response = self.app.get(path, &self.cookie).await;
        assert_eq!(response.status, 200, "{path}");
        let is_new = self.cookie.is_empty();
        if let Some(cookie) = response.cookie {
            self.cookie = cookie;
        }
        // Only a new session is created.
        let in_scripts =
            if is_new { 0 } else { calls(&self.server).await.get("set").copied().unwrap_or(0) };
        trips(&self.server, in_scripts).await
    }
}

#[tokio::test]
async fn request_costs_minimal_round_trips() {
    let mut session = Counted::start().await;
    assert_eq!(session.cost_of("/write/first").await, 1, "a new session");
    assert_eq!(session.cost_of("/untouched").await, 0, "an unused session");
    assert_eq!(session.cost_of("/read").await, 1, "a read");
    assert_eq!(session.cost_of("/write/again").await, 2, "a change");
    session.clock.advance(Duration::from_secs(50));
    assert_eq!(session.cost_of("/read").await, 1, "a read with a renewal that is not due");
    session.clock.advance(Duration::from_secs(20));
    assert_eq!(
        session.cost_of("/untouched").await,
        0,
        "an unused session with a renewal that is due"
    );
    assert_eq!(session.cost_of("/read").await, 2, "a read with a renewal that is due");
    assert_eq!(session.cost_of("/read").await, 1, "a read after a renewal");
    assert_eq!(session.app.get("/read", &session.cookie).await.body, "first again");
    reset_calls(&session.server).await;
    assert_eq!(session.cost_of("/logout").await, 2, "a logout");
    assert_eq!(session.app.get("/read", &session.cookie).await.body, "");
}

#[tokio::test]
async fn request_of_owner_costs_more_if_owner_list_changes() {
    let mut session = Counted::start().await;
    assert_eq!(session.cost_of("/login/ada").await, 2, "a login");
    assert_eq!(session.cost_of("/untouched").await, 0, "an unused session");
    assert_eq!(session.cost_of("/read").await, 1, "a read");
    assert_eq!(session.cost_of("/write/again").await, 2, "a change");
    session.clock.advance(Duration::from_secs(50));
    assert_eq!(session.cost_of("/read").await, 1, "a read with a renewal that is not due");
    session.clock.advance(Duration::from_secs(20));
    assert_eq!(session.cost_of("/read").await, 3, "a read with a renewal that is due");
    let mut costs = Vec::new();
    for _ in 0..30 {
        session.clock.advance(Duration::from_secs(24 * 3600));
        costs.push(session.cost_of("/read").await);
    }
    // The listing is extended about once in half of the session's 31 days: checked, listed,
    // touched. Other renewals only check the entry.
    let extensions = costs.iter().filter(|cost| **cost == 4).count();
    assert_eq!(costs.iter().filter(|cost| **cost == 3).count() + extensions, 30, "{costs:?}");
    assert!((1..=2).contains(&extensions), "{costs:?}");
    assert_eq!(session.cost_of("/logout").await, 3, "a logout");
}
