//! Guarantees of the interface: ids, expiry, renewal, rotation, refusals and outages.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::error::Error as _;
use std::time::Duration;

use flask_session_redis::{FlaskSessionRedis, Format};
use redis::aio::MultiplexedConnection;
use session_core::config::SecretKey;
use session_core::flask::Markup;
use session_core::interface::{Hooked, Hooks, SessionView};
use session_core::request::{RequestSession, RequestView};
use session_core::{ErrorKind, Outcome, Refresh, Session, SessionConfig};

use support::{Client, RedisServer, client};

const ID: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const STORED: &[u8] = br#"{"user":"ada"}"#;

async fn configured(redis: &RedisServer, config: SessionConfig) -> Client {
    Client::new(FlaskSessionRedis::connect(&redis.url(), config).await.unwrap())
}

/// Returns a client that has stored a session.
async fn logged_in(redis: &RedisServer) -> (Client, String) {
    let mut client = client(redis).await;
    client.request(|session| session.insert("user", "ada")).await.unwrap();
    let id = client.cookie.clone().unwrap();
    (client, id)
}

async fn keys(connection: &mut MultiplexedConnection) -> Vec<String> {
    redis::cmd("KEYS").arg("*").query_async(connection).await.unwrap()
}

async fn milliseconds_left(redis: &RedisServer, id: &str) -> i64 {
    redis::cmd("PTTL")
        .arg(format!("session:{id}"))
        .query_async(&mut redis.connection().await)
        .await
        .unwrap()
}

#[tokio::test]
async fn unknown_id_is_not_adopted() {
    let redis = RedisServer::start();
    let mut client = client(&redis).await.with_cookie(Some(ID));
    let done = client
        .request(|session| session.insert("user", "ada").map(|()| session.is_new()))
        .await
        .unwrap();
    assert!(done.value);
    let id = client.cookie.unwrap();
    assert!(id != ID && id.len() == 43, "{id}");
    assert_eq!(keys(&mut redis.connection().await).await, [format!("session:{id}")]);
}

#[tokio::test]
async fn implausible_id_is_not_looked_up() {
    let redis = RedisServer::start();
    let client = client(&redis).await;
    let mut connection = redis.connection().await;
    redis::cmd("CONFIG").arg("RESETSTAT").exec_async(&mut connection).await.unwrap();
    let long = "a".repeat(257);
    for cookie in ["", "short", "AAAAAAAAAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAA", "*", &long] {
        let payload = client.with_cookie(Some(cookie)).payload().await;
        assert_eq!(payload, "{}", "{cookie}");
    }
    let reads = async || {
        let statistics: String = redis::cmd("INFO")
            .arg("commandstats")
            .query_async(&mut redis.connection().await)
            .await
            .unwrap();
        statistics.contains("cmdstat_get:")
    };
    assert!(!reads().await);
    client.with_cookie(Some(ID)).payload().await;
    assert!(reads().await, "this is how a read would show");
}

#[tokio::test]
async fn emptied_session_deletes_key_and_cookie() {
    let redis = RedisServer::start();
    for way in ["clear", "remove"] {
        let (mut client, _) = logged_in(&redis).await;
        client.request(|session| session.set_permanent(true)).await.unwrap();
        let done = client.request(|session| match way {
            "clear" => session.clear(),
            _ => session.discard("user").map(drop),
        });
        let done = done.await.unwrap();
        assert_eq!(done.outcome, Some(Outcome::Stored), "{way}");
        assert!(done.headers.set_cookie().unwrap().contains("Max-Age=0"), "{way}");
        assert_eq!(
            (client.cookie, keys(&mut redis.connection().await).await),
            (None, Vec::new()),
            "{way}"
        );
    }
}

#[tokio::test]
async fn logout_deletes_key_and_cookie() {
    let redis = RedisServer::start();
    let (mut client, _) = logged_in(&redis).await;
    let done = client.log_out().await.unwrap();
    assert_eq!(done.value, Outcome::Stored);
    assert!(done.headers.set_cookie().unwrap().contains("Max-Age=0"));
    assert_eq!(keys(&mut redis.connection().await).await, Vec::<String>::new());
}

#[tokio::test]
async fn value_after_logout_starts_session_under_new_id() {
    let redis = RedisServer::start();
    let (mut client, old) = logged_in(&redis).await;
    let request = client.begin();
    let session = request.session().await.unwrap();
    session.log_out().await.unwrap();
    session.insert("message", "bye").unwrap();
    client.finish(request, ()).await.unwrap();
    let new = client.cookie.clone().unwrap();
    assert_ne!(new, old);
    assert_eq!(
        (redis.stored(&old).await, client.payload().await),
        (None, r#"{"message":"bye"}"#.to_owned())
    );
}

#[tokio::test]
async fn save_does_not_revive_session_ended_meanwhile() {
    let redis = RedisServer::start();
    for rotates in [false, true] {
        let (mut client, id) = logged_in(&redis).await;
        let slow = client.begin();
        let session = slow.session().await.unwrap();
        session.insert("visits", 1).unwrap();
        if rotates {
            session.rotate_id().unwrap();
        }
        client.clone().log_out().await.unwrap();

        let done = client.finish(slow, ()).await.unwrap();
        assert_eq!((done.outcome, done.headers.set_cookie()), (Some(Outcome::Dropped), None));
        assert_eq!(client.cookie, Some(id));
        assert_eq!(keys(&mut redis.connection().await).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn login_into_ended_session_starts_new_session() {
    let redis = RedisServer::start();
    let (mut client, old) = logged_in(&redis).await;
    let login = client.begin();
    let session = login.session().await.unwrap();
    client.clone().log_out().await.unwrap();
    session.insert("name", "bob").unwrap();
    session.log_in("bob", None).await.unwrap();

    let done = client.finish(login, ()).await.unwrap();
    assert_eq!(done.outcome, Some(Outcome::Stored));
    assert_eq!(client.payload().await, r#"{"name":"bob"}"#);
    assert_eq!(
        keys(&mut redis.connection().await).await,
        [format!("session:{}", client.cookie.clone().unwrap())]
    );
    assert_ne!(client.cookie, Some(old));
}

#[tokio::test]
async fn rotation_replaces_old_id() {
    let redis = RedisServer::start();
    let (mut client, old) = logged_in(&redis).await;
    let before = redis.stored(&old).await;
    let done = client.request(Session::rotate_id).await.unwrap();
    assert_eq!(done.outcome, Some(Outcome::Stored));
    let new = client.cookie.clone().unwrap();
    assert_ne!(new, old);
    assert_eq!((redis.stored(&old).await, redis.stored(&new).await), (None, before));

    client.log_in("ada").await.unwrap();
    assert_ne!(client.cookie, Some(new.clone()));
    assert_eq!(redis.stored(&new).await, None);
    let session = client.begin().session().await.unwrap();
    assert_eq!(session.owner().as_deref(), Some("ada"));
}

#[tokio::test]
async fn several_saves_in_one_request_use_one_session() {
    let redis = RedisServer::start();
    let mut client = client(&redis).await;
    let request = client.begin();
    let session = request.session().await.unwrap();
    session.insert("step", 1).unwrap();
    assert_eq!(session.save().await.unwrap(), Outcome::Stored);
    session.insert("step", 2).unwrap();
    assert_eq!(session.save().await.unwrap(), Outcome::Stored);
    assert_eq!(session.log_out().await.unwrap(), Outcome::Stored);
    assert_eq!(keys(&mut redis.connection().await).await, Vec::<String>::new());
    session.insert("step", 3).unwrap();
    client.finish(request, ()).await.unwrap();
    let id = client.cookie.clone().unwrap();
    assert_eq!(keys(&mut redis.connection().await).await, [format!("session:{id}")]);
    assert_eq!(client.payload().await, r#"{"step":3}"#);
}

#[tokio::test]
async fn session_has_lifetime_of_flask_session() {
    let redis = RedisServer::start();
    let config =
        SessionConfig::builder().permanent_lifetime(Duration::from_secs(90)).build().unwrap();
    for permanent in [false, true] {
        let mut client = configured(&redis, config.clone()).await;
        let begin = |session: &Session| {
            session.insert("user", "ada")?;
            session.set_permanent(permanent)
        };
        let done = client.request(begin).await.unwrap();
        let left = milliseconds_left(&redis, client.cookie.as_ref().unwrap()).await;
        assert!((80_000..=90_000).contains(&left), "{left}");
        assert_eq!(done.headers.set_cookie().unwrap().contains("Expires="), permanent);
    }
}

/// Gives every session a lifetime of half a minute.
#[derive(Debug)]
struct Short;

impl Hooks for Short {
    fn lifetime(&self, _: &SessionView<'_>, _: Option<Duration>) -> Option<Duration> {
        Some(Duration::from_secs(30))
    }
}

#[tokio::test]
async fn overridden_lifetime_is_time_to_live() {
    let redis = RedisServer::start();
    let sessions =
        FlaskSessionRedis::connect(&redis.url(), SessionConfig::default()).await.unwrap();
    let request = RequestSession::new(Hooked::new(sessions, Short), RequestView::default());
    request.session().await.unwrap().insert("user", "ada").unwrap();
    let headers = request.commit().await.into_result().unwrap();
    let id = headers
        .set_cookie()
        .and_then(|cookie| cookie.strip_prefix("session=")?.split(';').next())
        .unwrap();
    let left = milliseconds_left(&redis, id).await;
    assert!((20_000..=30_000).contains(&left), "{left}");
}

#[tokio::test]
async fn read_session_is_renewed_but_not_written() {
    let redis = RedisServer::start();
    for (refresh, renews) in [
        (Refresh::EachRequest, true),
        (Refresh::WhenAccessed, true),
        (Refresh::WhenModified, false),
    ] {
        let config = SessionConfig::builder().refresh(refresh).build().unwrap();
        let mut client = configured(&redis, config).await.with_cookie(Some(ID));
        for (stored, sets_cookie) in
            [(STORED, false), (&br#"{"_permanent":true,"user":"ada"}"#[..], renews)]
        {
            redis.store(ID, stored).await;
            let request = client.begin();
            request.session().await.unwrap();
            let newer = [stored, b" "].concat();
            redis.store(ID, &newer).await;
            let done = client.finish(request, ()).await.unwrap();
            assert_eq!(redis.stored(ID).await.unwrap(), newer, "{refresh:?}");
            assert_eq!(milliseconds_left(&redis, ID).await > 1_000_000, renews, "{refresh:?}");
            assert_eq!(done.headers.set_cookie().is_some(), sets_cookie, "{refresh:?}");
            let outcome = if renews { Outcome::Stored } else { Outcome::Unchanged };
            assert_eq!(done.outcome, Some(outcome), "{refresh:?}");
        }
    }
}

#[tokio::test]
async fn modified_flag_decides_whether_changes_are_stored() {
    let redis = RedisServer::start();
    let mut client = client(&redis).await.with_cookie(Some(ID));
    redis.store(ID, STORED).await;
    client
        .request(|session| session.insert("visits", 1).and_then(|()| session.set_modified(false)))
        .await
        .unwrap();
    assert_eq!(redis.stored(ID).await.unwrap(), STORED);
    client
        .request(|session| session.clear().and_then(|()| session.set_modified(false)))
        .await
        .unwrap();
    assert_eq!(redis.stored(ID).await.unwrap(), STORED);

    let request = client.begin();
    request.session().await.unwrap().set_modified(true).unwrap();
    redis.store(ID, br#"{"user":"bob"}"#).await;
    let done = client.finish(request, ()).await.unwrap();
    assert!(done.headers.set_cookie().is_some() && milliseconds_left(&redis, ID).await > 1_000_000);
    assert_eq!(
        client.payload().await,
        r#"{"user":"bob"}"#,
        "without a change nothing is overwritten"
    );
}

#[tokio::test]
async fn empty_session_is_not_stored_in_redis() {
    let redis = RedisServer::start();
    let mut client = client(&redis).await;
    client.request(|session| session.set_permanent(true)).await.unwrap();
    client
        .request(|session| session.insert("a", 1).and_then(|()| session.discard("a").map(drop)))
        .await
        .unwrap();
    client.request(|session| session.get::<u64>("user").map(drop)).await.unwrap();
    assert_eq!((client.cookie, keys(&mut redis.connection().await).await), (None, Vec::new()));
}

#[tokio::test]
async fn unsupported_value_fails_and_changes_nothing() {
    let redis = RedisServer::start();
    for format in [Format::Msgpack, Format::Json] {
        redis.store(ID, STORED).await;
        let builder = FlaskSessionRedis::builder(SessionConfig::default()).format(format);
        let mut client =
            Client::new(builder.connect(&redis.url()).await.unwrap()).with_cookie(Some(ID));
        let error = client.request(|session| session.insert("large", u128::MAX)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
        assert_eq!(
            error.to_string(),
            "Flask-Session cannot store the session value under \"large\""
        );
        assert_eq!(error.source().unwrap().to_string(), "an integer that exceeds 64 bits");
        let error =
            client.request(|session| session.flash(Markup::from("<b>hi</b>"))).await.unwrap_err();
        assert_eq!(
            error.source().unwrap().to_string(),
            "markup, which Flask-Session does not support"
        );
        assert_eq!(redis.stored(ID).await.unwrap(), STORED);
    }
}

#[tokio::test]
async fn unreadable_session_stays_and_opens_fresh_session() {
    let redis = RedisServer::start();
    let client = client(&redis).await;
    let pickle = b"\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.";
    for stored in [
        &b""[..],
        b"\xc1",
        b"\x91\x01",
        b"{",
        b"\x81\xa1x\xd4\x05\x00",
        b"\x81\xa1x\x81\xc0\x01",
        pickle,
    ] {
        redis.store(ID, stored).await;
        let mut client = client.with_cookie(Some(ID));
        client.request(|session| session.insert("user", "ada")).await.unwrap();
        assert_ne!(client.cookie.as_deref(), Some(ID));
        assert_eq!(client.payload().await, r#"{"user":"ada"}"#);
        assert_eq!(redis.stored(ID).await.unwrap(), stored);
    }
}

#[tokio::test]
async fn sessions_of_other_prefix_are_separate() {
    let redis = RedisServer::start();
    let builder = FlaskSessionRedis::builder(SessionConfig::default()).key_prefix("shop:");
    let mut shop = Client::new(builder.connect(&redis.url()).await.unwrap());
    shop.request(|session| session.insert("user", "ada")).await.unwrap();
    let id = shop.cookie.clone().unwrap();
    assert_eq!(keys(&mut redis.connection().await).await, [format!("shop:{id}")]);
    assert_eq!(client(&redis).await.with_cookie(Some(&id)).payload().await, "{}");
}

#[tokio::test]
async fn id_without_valid_signature_opens_fresh_session() {
    let redis = RedisServer::start();
    redis.store(ID, STORED).await;
    let signed = async |key: &str| {
        let key = SecretKey::with_any_length(key).unwrap();
        let builder = FlaskSessionRedis::builder(SessionConfig::default()).signed_with(&key);
        Client::new(builder.connect(&redis.url()).await.unwrap())
    };
    let ours = signed("secret-key").await;
    let genuine = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.IT5SIrcVxGv2vQ-1P0JXo1Cz1Jc";
    assert_eq!(ours.with_cookie(Some(genuine)).payload().await, r#"{"user":"ada"}"#);
    assert_eq!(signed("another key").await.with_cookie(Some(genuine)).payload().await, "{}");
    for forged in [
        ID,
        &format!("{ID}."),
        &genuine.replace('I', "J"),
        &genuine[..genuine.len() - 1],
        &genuine[1..],
    ] {
        assert_eq!(ours.with_cookie(Some(forged)).payload().await, "{}", "{forged}");
    }
}

#[tokio::test]
async fn outage_fails_without_password() {
    let redis = RedisServer::start();
    let url = redis.url().replace("redis://", "redis://:hunter2@");
    let refused = FlaskSessionRedis::connect(&url, SessionConfig::default()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Backend);

    let (mut client, _) = logged_in(&redis).await;
    let (reading, writing) = (client.begin(), client.begin());
    reading.session().await.unwrap();
    writing.session().await.unwrap().insert("visits", 1).unwrap();
    drop(redis);
    let down = FlaskSessionRedis::connect(&url, SessionConfig::default()).await.unwrap_err();
    let read = client.begin().session().await.unwrap_err();
    let written = writing.commit().await.into_result().unwrap_err();
    for error in [&down, &read, &written] {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(error.source().is_some());
    }
    let not_renewed = client.finish(reading, ()).await;
    assert_eq!(
        not_renewed.unwrap().outcome,
        Some(Outcome::Unchanged),
        "a request that only read goes on"
    );

    let bad = FlaskSessionRedis::connect("redis://:hunter2@host:port/x", SessionConfig::default())
        .await
        .unwrap_err();
    assert_eq!(bad.kind(), ErrorKind::Configuration);
    for error in [refused, down, read, written, bad] {
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn silent_redis_fails_at_deadline() {
    let redis = RedisServer::start();
    let deadline = Duration::from_millis(100);
    let builder = FlaskSessionRedis::builder(SessionConfig::default()).deadline(deadline);
    let mut client =
        Client::new(builder.connect(&redis.url()).await.unwrap()).with_cookie(Some(ID));
    let mut pause = redis::cmd("CLIENT");
    pause.arg("PAUSE").arg(3000).exec_async(&mut redis.connection().await).await.unwrap();
    let request = client.begin();
    let opened = tokio::time::timeout(Duration::from_millis(600), request.session()).await;
    assert_eq!(opened.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
    while client.request(|session| session.insert("user", "ada")).await.is_err() {}
    assert_eq!(client.payload().await, r#"{"user":"ada"}"#, "it goes on when Redis answers again");
}

#[tokio::test]
async fn lost_connection_is_reestablished() {
    let redis = RedisServer::start();
    let (mut client, _) = logged_in(&redis).await;
    let mut kill = redis::cmd("CLIENT");
    kill.arg("KILL")
        .arg("TYPE")
        .arg("normal")
        .exec_async(&mut redis.connection().await)
        .await
        .unwrap();
    let mut failures = 0;
    while client.begin().session().await.is_err() {
        failures += 1;
        assert!(failures < 10, "the connection stays lost");
    }
    assert_eq!(client.payload().await, r#"{"user":"ada"}"#);
}

#[tokio::test]
async fn idle_and_absolute_timeouts_are_refused() {
    for config in [
        SessionConfig::builder().idle_timeout(Duration::from_mins(10)),
        SessionConfig::builder().absolute_timeout(Duration::from_mins(10)),
    ] {
        let error = FlaskSessionRedis::connect("redis://127.0.0.1", config.build().unwrap())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
}
