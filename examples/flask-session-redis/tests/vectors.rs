//! Recorded cases of Flask-Session. Each stored session reads as the right session, and is written
//! back unchanged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use flask_session_redis::{FlaskSessionRedis, Format};
use serde_json::Value;
use session_core::SessionConfig;
use session_core::config::SecretKey;
use session_core::flask::Any;

use support::{Client, RedisServer, client};

const ID: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The payload of the session in each case, for msgpack and for JSON.
const PAYLOADS: [(&str, &str, &str); 11] = [
    ("int", r#"{"_permanent":true,"user_id":42}"#, ""),
    ("bytes", r#"{"b":{" b":"/wA="}}"#, r#"{"b":"/wA="}"#),
    (
        "datetime_us",
        r#"{"d":{" d":"Tue, 14 Nov 2023 22:13:20 GMT"}}"#,
        r#"{"d":"2023-11-14T22:13:20.123456Z"}"#,
    ),
    (
        "datetime_s",
        r#"{"d":{" d":"Tue, 14 Nov 2023 22:13:20 GMT"}}"#,
        r#"{"d":"2023-11-14T22:13:20Z"}"#,
    ),
    ("naive_dt", r#"{"d":"2023-11-14T22:13:20"}"#, ""),
    ("uuid", r#"{"u":"00000000-0000-0000-0000-000000000001"}"#, ""),
    ("decimal", r#"{"x":"1.1"}"#, ""),
    ("tuple", r#"{"t":[1,"x"]}"#, ""),
    ("flash", r#"{"_flashes":[["ok","hi"]]}"#, ""),
    ("unicode", r#"{"n":"José 😀"}"#, ""),
    ("float", r#"{"f":1.5}"#, ""),
];

struct Case {
    name: String,
    msgpack: Vec<u8>,
    json: String,
}

impl Case {
    fn payload(&self, format: Format) -> &str {
        match PAYLOADS.iter().find(|(name, ..)| *name == self.name) {
            Some((_, payload, "")) => payload,
            Some((_, payload, _)) if format == Format::Msgpack => payload,
            Some((_, _, payload)) => payload,
            // The other cases have only values that JSON supports.
            None => &self.json,
        }
    }

    fn stored(&self, format: Format) -> &[u8] {
        if format == Format::Msgpack { &self.msgpack } else { self.json.as_bytes() }
    }
}

fn recorded() -> Vec<Value> {
    serde_json::from_str(include_str!("flask-session-redis.json")).unwrap()
}

fn cases() -> Vec<Case> {
    let text = |case: &Value, field: &str| case[field].as_str().map(str::to_owned);
    let hex = |digits: String| {
        (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect()
    };
    let all = recorded();
    let cases: Vec<_> = all
        .iter()
        .filter_map(|case| {
            let msgpack = hex(text(case, "msgpack_hex")?);
            Some(Case { name: text(case, "name")?, msgpack, json: text(case, "json")? })
        })
        .collect();
    assert_eq!((cases.len(), all.len()), (13, 14));
    cases
}

async fn client_with(redis: &RedisServer, format: Format) -> Client {
    let builder = FlaskSessionRedis::builder(SessionConfig::default()).format(format);
    Client::new(builder.connect(&redis.url()).await.unwrap())
}

#[tokio::test]
async fn recorded_sessions_are_read_with_either_format_set() {
    let redis = RedisServer::start();
    for setting in [Format::Msgpack, Format::Json] {
        let client = client_with(&redis, setting).await;
        for (case, format) in
            cases().iter().flat_map(|case| [(case, Format::Msgpack), (case, Format::Json)])
        {
            redis.store(ID, case.stored(format)).await;
            let mut client = client.with_cookie(Some(ID));
            assert_eq!(
                client.payload().await,
                case.payload(format),
                "{} in {format:?} under {setting:?}",
                case.name
            );
        }
    }
}

#[tokio::test]
async fn unchanged_session_is_written_back_byte_for_byte() {
    let redis = RedisServer::start();
    for format in [Format::Msgpack, Format::Json] {
        let mut client = client_with(&redis, format).await.with_cookie(Some(ID));
        for case in cases() {
            redis.store(ID, case.stored(format)).await;
            client.request(|session| session.insert("other", 1)).await.unwrap();
            let changed = redis.stored(ID).await.unwrap();
            assert_ne!(changed, case.stored(format));
            client.request(|session| session.discard("other")).await.unwrap();
            assert_eq!(
                redis.stored(ID).await.unwrap(),
                case.stored(format),
                "{} in {format:?}",
                case.name
            );
        }
    }
}

#[tokio::test]
async fn written_session_equals_that_of_flask_session() {
    let redis = RedisServer::start();
    for format in [Format::Msgpack, Format::Json] {
        let mut reader = client(&redis).await.with_cookie(Some(ID));
        let writer = client_with(&redis, format).await;
        for case in cases() {
            redis.store(ID, &case.msgpack).await;
            let read = reader.request(|session| {
                let value = |key: String| Ok((session.get::<Any>(&*key)?.unwrap(), key));
                session.keys().into_iter().map(value).collect::<Result<Vec<_>, _>>()
            });
            let values = read.await.unwrap().value;
            let mut writer = writer.clone();
            let write = writer.request(|session| {
                values.iter().try_for_each(|(value, key)| session.insert(&**key, value))
            });
            write.await.unwrap();
            let written = redis.stored(&writer.cookie.unwrap()).await.unwrap();
            // Rust's dates have whole seconds.
            let expected = match (&*case.name, format) {
                ("datetime_us", Format::Msgpack) => b"\x81\xa1d\xd6\xff\x65\x53\xf1\x00",
                ("datetime_us", _) => &br#"{"d":"2023-11-14T22:13:20Z"}"#[..],
                _ => case.stored(format),
            };
            assert_eq!(written, expected, "{} in {format:?}", case.name);
        }
    }
}

#[tokio::test]
async fn signed_id_equals_recorded_id() {
    let redis = RedisServer::start();
    let all = recorded();
    let case = all.iter().find(|case| case["name"] == "signer_cookie").unwrap();
    let [secret, id, cookie] =
        ["secret", "sid", "cookie"].map(|field| case[field].as_str().unwrap());
    let key = SecretKey::with_any_length(secret).unwrap();
    let builder = FlaskSessionRedis::builder(SessionConfig::default()).signed_with(&key);
    let mut client =
        Client::new(builder.connect(&redis.url()).await.unwrap()).with_cookie(Some(cookie));
    redis.store(id, br#"{"user":"ada"}"#).await;

    let done = client.request(|session| session.insert("visits", 1)).await.unwrap();
    assert_eq!(redis.stored(id).await.unwrap(), b"\x82\xa4user\xa3ada\xa6visits\x01");
    assert!(done.headers.set_cookie().unwrap().starts_with(&format!("session={cookie};")));
}
