//! How many round trips each call and each request costs, counted by Redis.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, SystemTime};

use session_core::{ManualClock, OwnerIndex as _, SessionConfig, SessionStore as _, Version};
use support::requests::App;
use support::{calls, forget_calls, new_server, random_key, record, replaced, store};
use test_servers::PrivateServer;

/// What a client sends; every other command is one that a script calls inside Redis.
const SENT: [&str; 4] = ["eval", "evalsha", "get", "zrange"];

/// The round trips since the last count. `SET` is sent by `create`, and called by the script of `replace`.
async fn trips(server: &PrivateServer, sets_in_scripts: u64) -> u64 {
    let calls = calls(server).await;
    forget_calls(server).await;
    let sent: u64 = SENT.iter().filter_map(|command| calls.get(*command)).sum();
    sent + calls.get("set").unwrap_or(&0) - sets_in_scripts
}

/// A server that knows every script.
async fn warm_server() -> PrivateServer {
    let server = new_server().await;
    support::works(&store(&server).await).await;
    forget_calls(&server).await;
    server
}

#[tokio::test]
async fn each_call_is_one_round_trip() {
    let server = warm_server().await;
    let (store, key) = (store(&server).await, random_key());
    forget_calls(&server).await;
    let version = store.create(&key, &record(b"one")).await.unwrap();
    assert_eq!(trips(&server, 0).await, 1);
    assert!(store.load(&key).await.unwrap().is_some());
    assert_eq!(trips(&server, 0).await, 1);
    let version = replaced(&store, &key, version, &record(b"two")).await;
    assert_eq!(trips(&server, 1).await, 1);
    assert!(store.touch(&key, version, SystemTime::now()).await.unwrap());
    assert_eq!(trips(&server, 0).await, 1);
    assert!(!store.touch(&key, Version::new(0), SystemTime::now()).await.unwrap());
    assert_eq!(trips(&server, 0).await, 1);
    assert!(store.remove(&key, version).await.unwrap());
    assert_eq!(trips(&server, 0).await, 1);
    assert!(store.keys_of("ada").await.unwrap().is_empty());
    assert_eq!(trips(&server, 0).await, 1);
}

#[tokio::test]
async fn an_owner_costs_one_more_where_its_list_changes() {
    let server = warm_server().await;
    let (store, key) = (store(&server).await, random_key());
    forget_calls(&server).await;
    let version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    assert_eq!(trips(&server, 0).await, 2);
    let version = replaced(&store, &key, version, &record(b"two").owned_by(Some("ada"))).await;
    assert_eq!(trips(&server, 1).await, 1, "the list keeps the key long enough");
    let later = SystemTime::now() + Duration::from_mins(70);
    assert!(store.touch(&key, version, later).await.unwrap());
    assert_eq!(trips(&server, 0).await, 1, "the list keeps the key long enough");
    let much_later = SystemTime::now() + Duration::from_hours(9);
    assert!(store.touch(&key, version, much_later).await.unwrap());
    assert_eq!(trips(&server, 0).await, 3, "asked, listed, touched");
    assert!(store.touch(&key, version, much_later + Duration::from_hours(4)).await.unwrap());
    assert_eq!(trips(&server, 0).await, 1, "the list keeps the key long enough");
    assert!(store.remove(&key, version).await.unwrap());
    assert_eq!(trips(&server, 0).await, 2);
}

/// An application, its clock, and the server that counts.
struct Counted {
    server: PrivateServer,
    clock: ManualClock,
    app: App,
    cookie: String,
}

impl Counted {
    async fn start() -> Self {
        let server = warm_server().await;
        let clock = ManualClock::at(SystemTime::now());
        let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
        let app = App::with_config(store(&server).await, config);
        forget_calls(&server).await;
        Self { server, clock, app, cookie: String::new() }
    }

    /// The round trips of one request.
    async fn cost_of(&mut self, path: &str) -> u64 {
        let answer = self.app.get(path, &self.cookie).await;
        assert_eq!(answer.status, 200, "{path}");
        let is_new = self.cookie.is_empty();
        if let Some(cookie) = answer.cookie {
            self.cookie = cookie;
        }
        // Only a new session is created.
        let in_scripts = if is_new { 0 } else { calls(&self.server).await.get("set").copied().unwrap_or(0) };
        trips(&self.server, in_scripts).await
    }
}

#[tokio::test]
async fn a_request_costs_what_it_must() {
    let mut session = Counted::start().await;
    assert_eq!(session.cost_of("/write/first").await, 1, "a new session");
    assert_eq!(session.cost_of("/untouched").await, 0, "a session that nobody asks for");
    assert_eq!(session.cost_of("/read").await, 1, "a session that is read");
    assert_eq!(session.cost_of("/write/again").await, 2, "a session that is written");
    session.clock.advance(Duration::from_secs(50));
    assert_eq!(session.cost_of("/read").await, 1, "a renewal that is not due");
    session.clock.advance(Duration::from_secs(20));
    assert_eq!(session.cost_of("/untouched").await, 0, "a renewal that is due, of a session that nobody asks for");
    assert_eq!(session.cost_of("/read").await, 2, "a renewal that is due");
    assert_eq!(session.cost_of("/read").await, 1, "a renewal that was made");
    assert_eq!(session.app.get("/read", &session.cookie).await.body, "first again");
    forget_calls(&session.server).await;
    assert_eq!(session.cost_of("/logout").await, 2, "a logout");
    assert_eq!(session.app.get("/read", &session.cookie).await.body, "");
}

#[tokio::test]
async fn a_request_of_a_user_costs_one_more_where_the_list_of_sessions_changes() {
    let mut session = Counted::start().await;
    assert_eq!(session.cost_of("/login/ada").await, 2, "a login");
    assert_eq!(session.cost_of("/untouched").await, 0, "a session that nobody asks for");
    assert_eq!(session.cost_of("/read").await, 1, "a session that is read");
    assert_eq!(session.cost_of("/write/again").await, 2, "a session that is written");
    session.clock.advance(Duration::from_secs(50));
    assert_eq!(session.cost_of("/read").await, 1, "a renewal that is not due");
    let mut costs = Vec::new();
    for _ in 0..30 {
        session.clock.advance(Duration::from_hours(24));
        costs.push(session.cost_of("/read").await);
    }
    // About once in half of the session's 31 days, the list has to be extended: asked, listed, touched.
    let extensions = costs.iter().filter(|cost| **cost == 4).count();
    assert_eq!(costs.iter().filter(|cost| **cost == 2).count() + extensions, 30, "{costs:?}");
    assert!((1..=2).contains(&extensions), "{costs:?}");
    assert_eq!(session.cost_of("/logout").await, 3, "a logout");
}
