//! Sessions of a running Flask application with Flask-Session move to a store of this project.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, SystemTime};

use flask_session_redis::{FlaskSessionRedis, Format};
use serde_json::json;
use session_core::config::SecretKey;
use session_core::flask::Bytes;
use session_core::{Outcome, ServerSideSessions, SessionConfig};
use session_memory::MemoryStore;
use session_migration::MigratingSessions;

use support::flask::FlaskApp;
use support::{Client, RedisServer};

/// A Flask application, and a client of the service that replaces it.
struct Move {
    flask: FlaskApp,
    rust: Client,
    /// A client of the service after the migration.
    after: Client,
    redis: RedisServer,
    format: Format,
}

impl Move {
    async fn start(format: Format, secret: &str) -> Self {
        let redis = RedisServer::start();
        let name = if format == Format::Msgpack { "msgpack" } else { "json" };
        let flask = FlaskApp::start(&redis, &[(name, secret)]).remove(0);
        let mut builder = FlaskSessionRedis::builder(SessionConfig::default()).format(format);
        if !secret.is_empty() {
            builder = builder.signed_with(&SecretKey::with_any_length(secret).unwrap());
        }
        let old = builder.connect(&redis.url()).await.unwrap();
        let store = MemoryStore::new();
        let new = || ServerSideSessions::new(store.clone(), SessionConfig::default());
        let end = SystemTime::now() + Duration::from_hours(1);
        let rust = Client::new(MigratingSessions::new(new(), old, end).unwrap());
        Self { flask, rust, after: Client::new(new()), redis, format }
    }

    /// Returns a move of each format, with and without signed ids.
    async fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for format in [Format::Msgpack, Format::Json] {
            for secret in ["", "secret-key"] {
                all.push(Self::start(format, secret).await);
            }
        }
        all
    }

    /// Counts a visit, and returns the user.
    async fn visit(&mut self) -> Option<String> {
        let visit = |session: &session_core::Session| {
            session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))?;
            session.get("user")
        };
        self.rust.request(visit).await.unwrap().value
    }

    async fn keys(&self) -> Vec<String> {
        let mut connection = self.redis.connection().await;
        redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap()
    }
}

#[tokio::test]
async fn session_of_python_moves_with_first_change() {
    for mut case in Move::all().await {
        case.flask.post(&mut case.rust.cookie, "/login");
        case.flask.post(&mut case.rust.cookie, "/visit");
        let first = case.rust.cookie.clone();
        assert_eq!(case.visit().await.as_deref(), Some("ada"));

        // Python has no session with this cookie any more, and the new backend needs no Redis.
        assert_eq!(case.flask.state(first.as_deref()).get("user"), None);
        case.after.cookie.clone_from(&case.rust.cookie);
        let visits = |session: &session_core::Session| session.get::<u64>("visits");
        assert_eq!(case.after.request(visits).await.unwrap().value, Some(2));
        let id = first.unwrap().split('.').next().unwrap().to_owned();
        assert_eq!(case.rust.cookie, Some(id), "the session keeps its id");
    }
}

#[tokio::test]
async fn values_of_python_keep_their_types_in_move() {
    for format in [Format::Msgpack, Format::Json] {
        let mut case = Move::start(format, "").await;
        case.flask.post(&mut case.rust.cookie, "/set-all");
        case.visit().await;
        case.after.cookie.clone_from(&case.rust.cookie);
        let check = |session: &session_core::Session| {
            assert_eq!(session.get("pair")?, Some((1, "two".to_owned())));
            assert_eq!(session.get("like_tuple")?, Some(json!({" t": [1, 2]})));
            if case.format == Format::Msgpack {
                assert_eq!(session.get::<Bytes>("token")?.unwrap().as_slice(), b"\x00\xff hi");
            }
            Ok(())
        };
        case.after.request(check).await.unwrap();
    }
}

#[tokio::test]
async fn logout_ends_session_of_python() {
    for mut case in Move::all().await {
        case.flask.post(&mut case.rust.cookie, "/login");
        let copy = case.rust.cookie.clone();
        let slow = case.rust.begin();
        slow.session().await.unwrap().insert("slow", 1).unwrap();
        assert_eq!(case.rust.log_out().await.unwrap().value, Outcome::Stored);
        assert!(case.keys().await.is_empty());

        let mut late = case.rust.with_cookie(copy.as_deref());
        assert_eq!(late.finish(slow, ()).await.unwrap().outcome, Some(Outcome::Dropped));
        assert_eq!(late.payload().await, "{}");
    }
}

#[tokio::test]
async fn overlapping_requests_move_session_of_python_once() {
    for case in Move::all().await {
        let mut cookie = None;
        case.flask.post(&mut cookie, "/login");
        let (mut one, mut two) =
            (case.rust.with_cookie(cookie.as_deref()), case.rust.with_cookie(cookie.as_deref()));
        let (first, second) = (one.begin(), two.begin());
        first.session().await.unwrap().insert("one", 1).unwrap();
        second.session().await.unwrap().insert("two", 2).unwrap();
        one.finish(first, ()).await.unwrap();
        two.finish(second, ()).await.unwrap();
        assert_eq!(one.cookie, two.cookie);
        let payload = one.payload().await;
        assert!(payload.contains(r#""one":1"#) && payload.contains(r#""two":2"#), "{payload}");
        let keys = case.keys().await;
        assert!(keys.len() == 1 && keys[0].starts_with("session:moved:"), "{keys:?}");
    }
}

#[tokio::test]
async fn change_by_python_during_request_is_kept() {
    for mut case in Move::all().await {
        case.flask.post(&mut case.rust.cookie, "/login");
        let request = case.rust.begin();
        request.session().await.unwrap().insert("one", 1).unwrap();
        case.flask.post(&mut case.rust.cookie, "/visit");
        case.rust.finish(request, ()).await.unwrap();
        let visits = |session: &session_core::Session| session.get::<u64>("visits");
        assert_eq!(case.rust.request(visits).await.unwrap().value, Some(1));
    }
}
