//! A running Flask application with Flask-Session 0.8 and a Rust service share the sessions in one
//! Redis.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use flask_session_redis::{FlaskSessionRedis, Format};
use serde_json::{Value, json};
use session_core::config::SecretKey;
use session_core::flask::{Bytes, DateTime, Tuple, Uuid};
use session_core::{Error, Session, SessionConfig};

use support::flask::FlaskApp;
use support::{Client, RedisServer};

/// A Flask application and a client of a Rust service over the same Redis.
struct Pair {
    flask: FlaskApp,
    rust: Client,
    redis: Arc<RedisServer>,
    format: Format,
}

impl Pair {
    /// Returns pairs of both formats, with and without signed ids.
    async fn all() -> Vec<Self> {
        let formats = [Format::Msgpack, Format::Json];
        Self::start(&formats.map(|format| [(format, ""), (format, "secret-key")]).concat()).await
    }

    /// Returns pairs of both formats.
    async fn formats() -> Vec<Self> {
        Self::start(&[(Format::Msgpack, ""), (Format::Json, "")]).await
    }

    /// Starts a pair for each format and secret, on one Redis.
    async fn start(settings: &[(Format, &str)]) -> Vec<Self> {
        let redis = Arc::new(RedisServer::start());
        let name = |format| if format == Format::Msgpack { "msgpack" } else { "json" };
        let named: Vec<_> =
            settings.iter().map(|(format, secret)| (name(*format), *secret)).collect();
        let mut pairs = Vec::new();
        for (flask, (format, secret)) in FlaskApp::start(&redis, &named).into_iter().zip(settings) {
            let mut builder = FlaskSessionRedis::builder(SessionConfig::default()).format(*format);
            if !secret.is_empty() {
                builder = builder.signed_with(&SecretKey::with_any_length(secret).unwrap());
            }
            let rust = Client::new(builder.connect(&redis.url()).await.unwrap());
            pairs.push(Self { flask, rust, redis: Arc::clone(&redis), format: *format });
        }
        pairs
    }

    fn post(&mut self, path: &str) {
        self.flask.post(&mut self.rust.cookie, path);
    }

    /// Returns the session as Python sees it, with the same cookie.
    fn state(&self) -> Value {
        self.flask.state(self.rust.cookie.as_deref())
    }

    async fn request<T>(&mut self, handle: impl FnOnce(&Session) -> Result<T, Error>) -> T {
        self.rust.request(handle).await.unwrap().value
    }

    /// Reads the user and counts a visit, in Rust.
    async fn visit(&mut self) -> Option<String> {
        self.request(|session| {
            session.update("visits", |visits: Option<u64>| Some(visits.unwrap_or(0) + 1))?;
            session.get("user")
        })
        .await
    }

    async fn has_keys(&self) -> bool {
        redis::cmd("DBSIZE").query_async::<u64>(&mut self.redis.connection().await).await.unwrap()
            > 0
    }
}

#[tokio::test]
async fn login_of_python_is_changed_by_rust() {
    for mut pair in Pair::all().await {
        pair.post("/login");
        let cookie = pair.rust.cookie.clone();
        assert_eq!(pair.visit().await.as_deref(), Some("ada"));
        pair.post("/visit");
        assert_eq!(pair.visit().await.as_deref(), Some("ada"));
        let expected = json!({"_permanent": ["bool", "True"], "user": ["str", "'ada'"], "visits": ["int", "3"]});
        assert_eq!(pair.state(), expected);
        assert!(cookie.is_some() && pair.rust.cookie == cookie, "all under one id");
    }
}

#[tokio::test]
async fn login_of_rust_is_changed_by_python() {
    for mut pair in Pair::all().await {
        pair.request(|session| session.insert("user", "ada")).await;
        pair.rust.log_in("ada").await.unwrap();
        let cookie = pair.rust.cookie.clone();
        pair.post("/visit");
        assert_eq!(pair.visit().await.as_deref(), Some("ada"));
        let mut state = pair.state();
        // Python shows the login under its key, and preserves it.
        assert_eq!(state["_login"][0], "list");
        state.as_object_mut().unwrap().remove("_login");
        assert_eq!(state, json!({"user": ["str", "'ada'"], "visits": ["int", "2"]}));
        assert!(cookie.is_some() && pair.rust.cookie == cookie, "all under one id");
        let session = pair.rust.begin().session().await.unwrap();
        assert_eq!(session.owner().as_deref(), Some("ada"));
    }
}

#[tokio::test]
async fn logout_of_each_side_ends_session() {
    for mut pair in Pair::all().await {
        for python_logs_out in [true, false] {
            pair.post("/login");
            assert_eq!(pair.visit().await.as_deref(), Some("ada"));
            let stolen = pair.rust.cookie.clone();
            if python_logs_out {
                pair.post("/logout");
            } else {
                pair.rust.log_out().await.unwrap();
            }
            assert_eq!(pair.rust.cookie, None);
            assert!(!pair.has_keys().await);
            pair.rust.cookie = stolen;
            assert_eq!(pair.rust.payload().await, "{}");
            assert_eq!(
                pair.state(),
                json!({"_permanent": ["bool", "True"]}),
                "a fresh session, as Python begins it"
            );
            pair.rust.cookie = None;
        }
    }
}

#[tokio::test]
async fn rotation_of_each_side_keeps_session() {
    for mut pair in Pair::all().await {
        pair.post("/login");
        let old = pair.rust.cookie.clone();
        pair.post("/regenerate");
        let newer = pair.rust.cookie.clone();
        assert_eq!(pair.visit().await.as_deref(), Some("ada"));
        pair.request(Session::rotate_id).await;
        assert_eq!(pair.state()["user"], json!(["str", "'ada'"]));
        for gone in [old, newer] {
            assert_ne!(gone, pair.rust.cookie);
            assert_eq!(pair.rust.with_cookie(gone.as_deref()).payload().await, "{}");
        }
    }
}

#[tokio::test]
async fn flash_messages_of_each_side_are_shown_by_other() {
    for mut pair in Pair::all().await {
        pair.post("/flash");
        let taken = pair.request(Session::take_flashes).await;
        let taken: Vec<_> = taken.iter().map(|flash| (flash.category(), flash.text())).collect();
        assert_eq!(
            taken,
            [("message", "Saved".to_owned()), ("error", "No such product: <42>".to_owned())]
        );

        pair.request(|session| {
            session.flash("Saved").and_then(|()| session.flash_in("error", "None left"))
        })
        .await;
        let shown = pair.flask.get(pair.rust.cookie.as_deref(), "/flashes");
        assert_eq!(shown, json!([["message", "Saved"], ["error", "None left"]]));
    }
}

#[tokio::test]
async fn forged_signature_opens_fresh_session_on_both_sides() {
    let mut pair = Pair::start(&[(Format::Msgpack, "secret-key")]).await.remove(0);
    pair.post("/login");
    let genuine = pair.rust.cookie.clone().unwrap();
    let (id, signature) = genuine.split_once('.').unwrap();
    for forged in
        [id, &format!("{id}."), &format!("{signature}.{id}"), &format!("{id}.{}", &signature[1..])]
    {
        pair.rust.cookie = Some(forged.to_owned());
        assert_eq!(pair.rust.payload().await, "{}", "{forged}");
        assert_eq!(pair.state().get("user"), None, "{forged}");
    }
    pair.rust.cookie = Some(genuine);
    assert_eq!(pair.state()["user"], json!(["str", "'ada'"]));
}

#[tokio::test]
async fn values_of_python_have_their_types_in_rust() {
    for mut pair in Pair::formats().await {
        pair.post("/set-all");
        let is_msgpack = pair.format == Format::Msgpack;
        let check = |session: &Session| -> Result<(), Error> {
            assert_eq!(session.get::<Value>("nothing")?, Some(Value::Null));
            assert_eq!(session.get("yes")?, Some(true));
            assert_eq!(
                session.get::<String>("greeting")?.unwrap(),
                "Grüß \"dich\" 日本 😀\n\u{2028}"
            );
            let numbers =
                vec![0, -1, 127, 128, 1 << 32, i64::MAX.into(), i64::MIN.into(), u64::MAX.into()];
            assert_eq!(session.get::<Vec<i128>>("numbers")?, Some(numbers));
            assert_eq!((session.get("ratio")?, session.get("whole")?), (Some(0.1), Some(2.0)));
            assert_eq!(session.get("pair")?, Some((1, "two".to_owned())));
            assert_eq!(session.get("tree")?, Some(json!({"a": {"b": [1, {"c": []}]}, "é": {}})));
            assert_eq!(session.get("like_tuple")?, Some(json!({" t": [1, 2]})));
            assert_eq!(session.get("like_escape")?, Some(json!({" di": {" di": "x"}})));
            assert_eq!(session.get::<String>("naive")?.unwrap(), "2023-11-14T22:13:20");
            assert_eq!(
                session.get::<String>("order")?.unwrap(),
                "12345678-1234-5678-1234-567812345678"
            );
            let by_number = BTreeMap::from([(1, "one".to_owned()), (-2, "minus two".to_owned())]);
            assert_eq!(session.get("by_number")?, Some(by_number));
            assert_eq!(session.get::<Option<f64>>("no_number")?, Some(None));
            if is_msgpack {
                assert_eq!(session.get::<Bytes>("token")?.unwrap().as_slice(), b"\x00\xff hi");
                assert_eq!(
                    session.get::<DateTime>("seen")?.unwrap().as_str(),
                    "Tue, 14 Nov 2023 22:13:20 GMT"
                );
                assert_eq!(
                    session.get::<DateTime>("born")?.unwrap().as_str(),
                    "Sun, 10 Dec 1815 00:00:00 GMT"
                );
            } else {
                assert_eq!(session.get::<String>("token")?.unwrap(), "AP8gaGk=");
                assert_eq!(
                    session.get::<String>("seen")?.unwrap(),
                    "2023-11-14T23:13:20.123456+01:00"
                );
                assert_eq!(session.get::<String>("born")?.unwrap(), "1815-12-10T00:00:00Z");
            }
            Ok(())
        };
        pair.request(check).await;
    }
}

#[tokio::test]
async fn values_unchanged_by_rust_keep_their_stored_form() {
    for mut pair in Pair::formats().await {
        pair.post("/set-all");
        let mut expected = pair.state();
        if pair.format == Format::Msgpack {
            let microseconds =
                "datetime.datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=datetime.timezone.utc)";
            assert_eq!(expected["seen"], json!(["datetime", microseconds]));
            assert_eq!(expected["no_number"], json!(["float", "nan"]));
            assert_eq!(expected["by_number"][1][0][0], json!(["int", "1"]));
        }
        pair.visit().await;
        expected["visits"] = json!(["int", "1"]);
        assert_eq!(pair.state(), expected, "{:?}", pair.format);
    }
}

#[tokio::test]
async fn values_of_rust_have_their_types_in_python() {
    let uuid = 0x1234_5678_1234_5678_1234_5678_1234_5678_u128.to_be_bytes();
    for mut pair in Pair::formats().await {
        let store = |session: &Session| {
            session.insert("nothing", ())?;
            session.insert("yes", true)?;
            session.insert("greeting", "Grüß \"dich\" 日本 😀\n")?;
            session.insert(
                "numbers",
                [i128::from(i64::MIN), -1, 0, 255, 1 << 32, i128::from(u64::MAX)],
            )?;
            session.insert("ratios", [0.1, 2.0, -0.0, 1e300])?;
            session.insert("pair", Tuple::new((1, Tuple::new(("two", [3])))))?;
            session.insert("like_tuple", json!({" t": [1, 2]}))?;
            session.insert("token", Bytes::from(b"\x00\xff hi".to_vec()))?;
            session.insert("order", Uuid::from(uuid))?;
            session.insert(
                "seen",
                DateTime::from(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
            )?;
            session.insert(
                "late",
                DateTime::from(SystemTime::UNIX_EPOCH + Duration::from_secs(5_000_000_000)),
            )
        };
        pair.request(store).await;
        let [token, seen, late] = if pair.format == Format::Msgpack {
            let seen = "datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.timezone.utc)";
            let late = "datetime.datetime(2128, 6, 11, 8, 53, 20, tzinfo=datetime.timezone.utc)";
            [["bytes", r"b'\x00\xff hi'"], ["datetime", seen], ["datetime", late]]
        } else {
            [
                ["str", "'AP8gaGk='"],
                ["str", "'2023-11-14T22:13:20Z'"],
                ["str", "'2128-06-11T08:53:20Z'"],
            ]
        };
        let numbers = [i64::MIN.into(), -1, 0, 255, 1 << 32, i128::from(u64::MAX)]
            .map(|int| ["int".to_owned(), int.to_string()]);
        let ratios = ["0.1", "2.0", "-0.0", "1e+300"].map(|ratio| ["float", ratio]);
        let expected = json!({
            "nothing": ["NoneType", "None"],
            "yes": ["bool", "True"],
            "greeting": ["str", "'Grüß \"dich\" 日本 😀\\n'"],
            "numbers": ["list", numbers],
            "ratios": ["list", ratios],
            "pair": ["list", [["int", "1"], ["list", [["str", "'two'"], ["list", [["int", "3"]]]]]]],
            "like_tuple": ["dict", [[["str", "' t'"], ["list", [["int", "1"], ["int", "2"]]]]]],
            "token": token,
            "order": ["str", "'12345678-1234-5678-1234-567812345678'"],
            "seen": seen,
            "late": late,
        });
        assert_eq!(pair.state(), expected, "{:?}", pair.format);
    }
}
