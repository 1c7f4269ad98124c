//! How many round trips each call and each request costs, counted by Redis.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use session_core::{ManualClock, OwnerIndex as _, Replaced, SessionConfig, SessionStore as _, Version};
use support::requests::App;
use support::{Redis, random_key, record};

/// What a client sends; every other command is one that a script calls inside Redis.
const SENT: [&str; 4] = ["eval", "evalsha", "get", "zrange"];

/// The round trips since the last count. `SET` is sent by `create`, and called by the script of `replace`.
fn trips(server: &Redis, sets_in_scripts: u64) -> u64 {
    let calls: BTreeMap<_, _> = server.calls();
    server.forget_calls();
    let sent: u64 = SENT.iter().filter_map(|command| calls.get(*command)).sum();
    sent + calls.get("set").unwrap_or(&0) - sets_in_scripts
}

/// A server that knows every script.
async fn warm_server() -> Redis {
    let server = Redis::start();
    let (store, key) = (server.store().await, random_key());
    let version = store.create(&key, &record(b"").owned_by(Some("ada"))).await.unwrap();
    let Replaced::Done(version) = store.replace(&key, version, &record(b"").owned_by(Some("ada"))).await.unwrap()
    else {
        unreachable!("nobody else writes");
    };
    assert!(store.touch(&key, version, SystemTime::now()).await.unwrap());
    assert!(store.remove(&key, version).await.unwrap());
    server.forget_calls();
    server
}

#[tokio::test]
async fn each_call_is_one_round_trip() {
    let server = warm_server().await;
    let (store, key) = (server.store().await, random_key());
    server.forget_calls();
    let version = store.create(&key, &record(b"one")).await.unwrap();
    assert_eq!(trips(&server, 0), 1);
    assert!(store.load(&key).await.unwrap().is_some());
    assert_eq!(trips(&server, 0), 1);
    let Replaced::Done(version) = store.replace(&key, version, &record(b"two")).await.unwrap() else {
        unreachable!("nobody else writes");
    };
    assert_eq!(trips(&server, 1), 1);
    assert!(store.touch(&key, version, SystemTime::now()).await.unwrap());
    assert_eq!(trips(&server, 0), 1);
    assert!(!store.touch(&key, Version::new(0), SystemTime::now()).await.unwrap());
    assert_eq!(trips(&server, 0), 1);
    assert!(store.remove(&key, version).await.unwrap());
    assert_eq!(trips(&server, 0), 1);
    assert!(store.keys_of("ada").await.unwrap().is_empty());
    assert_eq!(trips(&server, 0), 1);
}

#[tokio::test]
async fn an_owner_costs_one_more_where_its_list_changes() {
    let server = warm_server().await;
    let (store, key) = (server.store().await, random_key());
    server.forget_calls();
    let version = store.create(&key, &record(b"one").owned_by(Some("ada"))).await.unwrap();
    assert_eq!(trips(&server, 0), 2);
    let Replaced::Done(version) = store.replace(&key, version, &record(b"two").owned_by(Some("ada"))).await.unwrap()
    else {
        unreachable!("nobody else writes");
    };
    assert_eq!(trips(&server, 1), 1, "the list keeps the key long enough");
    let later = SystemTime::now() + Duration::from_mins(70);
    assert!(store.touch(&key, version, later).await.unwrap());
    assert_eq!(trips(&server, 0), 1, "the list keeps the key long enough");
    let much_later = SystemTime::now() + Duration::from_hours(9);
    assert!(store.touch(&key, version, much_later).await.unwrap());
    assert_eq!(trips(&server, 0), 3, "asked, listed, touched");
    assert!(store.touch(&key, version, much_later + Duration::from_hours(4)).await.unwrap());
    assert_eq!(trips(&server, 0), 1, "the list keeps the key long enough");
    assert!(store.remove(&key, version).await.unwrap());
    assert_eq!(trips(&server, 0), 2);
}

#[tokio::test]
async fn a_request_costs_what_it_must() {
    let server = warm_server().await;
    let clock = ManualClock::at(SystemTime::now());
    let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
    let app = App::with_config(server.store().await, config);
    server.forget_calls();

    let cookie = app.get("/write/first", "").await.cookie.unwrap();
    assert_eq!(trips(&server, 0), 1, "a new session");
    app.get("/untouched", &cookie).await;
    assert_eq!(trips(&server, 0), 0, "a session that nobody asks for");
    assert_eq!(app.get("/read", &cookie).await.body, "first");
    assert_eq!(trips(&server, 0), 1, "a session that is read");
    app.get("/write/second", &cookie).await;
    assert_eq!(trips(&server, 1), 2, "a session that is written");
    clock.advance(Duration::from_secs(50));
    app.get("/read", &cookie).await;
    assert_eq!(trips(&server, 0), 1, "a renewal that is not due");
    clock.advance(Duration::from_secs(20));
    app.get("/read", &cookie).await;
    assert_eq!(trips(&server, 0), 2, "a renewal that is due");
    app.get("/read", &cookie).await;
    assert_eq!(trips(&server, 0), 1, "a renewal that was made");
    app.get("/logout", &cookie).await;
    assert_eq!(trips(&server, 0), 2, "a logout");
    assert_eq!(app.get("/read", &cookie).await.body, "");
}

#[tokio::test]
async fn a_request_of_a_user_costs_one_more_where_the_list_of_sessions_changes() {
    let server = warm_server().await;
    let clock = ManualClock::at(SystemTime::now());
    let config = SessionConfig::builder().clock(clock.clone()).build().unwrap();
    let app = App::with_config(server.store().await, config);
    server.forget_calls();
    let cookie = app.get("/login/ada", "").await.cookie.unwrap();
    assert_eq!(trips(&server, 0), 2, "a login");
    app.get("/write/cart", &cookie).await;
    assert_eq!(trips(&server, 1), 2, "a session that is written");
    for day in 0..10 {
        clock.advance(Duration::from_hours(24));
        app.get("/read", &cookie).await;
        assert_eq!(trips(&server, 0), 2, "a renewal on day {day}");
    }
    app.get("/logout", &cookie).await;
    assert_eq!(trips(&server, 0), 3, "a logout");
}
