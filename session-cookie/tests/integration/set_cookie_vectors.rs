//! Runs every request that was recorded from a Flask application, and compares the headers of the
//! response.
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};
use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
use session_core::interface::state_of;
use session_core::{
    Error, ErrorKind, ManualClock, Refresh, SameSite, Session, SessionInterface as _,
};

use crate::support::{at, parts, request};

/// Configurations that `build` refuses, the number of their cases, and the reason.
const REFUSED: [(&str, usize, &str); 3] = [
    (
        r#"{"SESSION_COOKIE_SAMESITE":"bad"}"#,
        3,
        "unknown SameSite: a server error on each response in Flask",
    ),
    (
        r#"{"SESSION_COOKIE_SAMESITE":"none"}"#,
        1,
        "browsers drop a SameSite=None cookie without Secure",
    ),
    (r#"{"SESSION_COOKIE_PARTITIONED":true}"#, 2, "lacks Secure, which Werkzeug adds by itself"),
];
const PARTITIONED: usize = 2;

#[tokio::test]
async fn recorded_request_gets_response_of_flask() {
    let mut compared = 0;
    for case in cases() {
        if refusal(&case).is_none() {
            compare(&case, case["config"].as_object().unwrap()).await;
            compared += 1;
        }
    }
    assert_eq!(compared, 89 - 6);
}

#[tokio::test]
async fn partitioned_cookie_with_secure_is_that_of_flask() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| refusal(case) == Some(PARTITIONED)) {
        let mut config = case["config"].as_object().unwrap().clone();
        config.insert("SESSION_COOKIE_SECURE".to_owned(), true.into());
        compare(case, &config).await;
        compared += 1;
    }
    assert_eq!(compared, REFUSED[PARTITIONED].1);
}

#[test]
fn unsafe_flask_configuration_is_refused() {
    for (index, (config, count, reason)) in REFUSED.into_iter().enumerate() {
        let cases: Vec<_> =
            cases().into_iter().filter(|case| refusal(case) == Some(index)).collect();
        assert_eq!(cases.len(), count, "{config}");
        let refused = configuration(cases[0]["config"].as_object().unwrap(), 0).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Configuration, "{config}: {reason}");
    }
    assert_eq!(REFUSED.iter().map(|(_, count, _)| count).sum::<usize>(), 6);
}

/// Runs a recorded request with a configuration and compares the response.
async fn compare(case: &Value, config: &Map<String, Value>) {
    let now = case["now"].as_u64().unwrap();
    let config = configuration(config, now).unwrap();
    let sessions =
        SignedCookieSessions::new(config, &SecretKey::with_any_length("secret-key").unwrap())
            .unwrap();
    let request = request(sessions.clone(), case["request_cookie"].as_str());
    let operation = case["op"].as_str().unwrap();
    if operation != "noop" {
        run(operation, &request.session().await.unwrap()).unwrap();
    }
    let headers = request.commit().await.into_result().unwrap();

    let vary: Vec<_> = headers.merged_vary([]).into_iter().collect();
    assert_eq!(Value::from(vary), case["vary"], "{case}");
    let recorded: Vec<_> = case["set_cookie"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cookie| cookie.as_str().unwrap())
        .collect();
    let ours: Vec<_> = headers.set_cookie().into_iter().collect();
    assert_eq!(ours.len(), recorded.len(), "{case}");
    for (ours, recorded) in ours.into_iter().zip(recorded) {
        let ((name, value, mut attributes), flask) = (parts(ours), parts(recorded));
        // Flask sends `Max-Age` with a removal only.
        if !value.is_empty() {
            let lifetime = without_max_age(&mut attributes);
            let expected = sessions.config().permanent_lifetime().as_secs();
            let expires = attributes.iter().any(|attribute| attribute.starts_with("Expires="));
            assert_eq!(lifetime, expires.then_some(expected), "{case}");
        }
        assert_eq!((name, attributes), (flask.0, flask.2), "{case}");
        assert_eq!(
            content(&sessions, name, value).await,
            content(&sessions, name, flask.1).await,
            "{case}"
        );
    }
}

/// Removes `Max-Age` from the attributes of a cookie, and returns its seconds.
fn without_max_age(attributes: &mut BTreeSet<&str>) -> Option<u64> {
    let found = attributes.iter().copied().find(|attribute| attribute.starts_with("Max-Age="))?;
    attributes.remove(found);
    Some(found.strip_prefix("Max-Age=").unwrap().parse().unwrap())
}

/// Returns the payload and the timestamp of a cookie value after verifying its signature, or `None`
/// for a removal.
async fn content(
    sessions: &SignedCookieSessions,
    name: &str,
    value: &str,
) -> Option<(Value, String)> {
    if value.is_empty() {
        return None;
    }
    let request = request(sessions.clone(), Some(&format!("{name}={value}")));
    let session = request.session().await.unwrap();
    assert!(!session.is_new(), "{value} is not verified");
    let timestamp = value.rsplit('.').nth(1).unwrap();
    Some((serde_json::from_str(&state_of(&session).payload()).unwrap(), timestamp.to_owned()))
}

/// Runs the recorded Python operation in Rust.
fn run(operation: &str, session: &Session) -> Result<(), Error> {
    match operation {
        "get" => session.get::<u64>("user_id").map(drop),
        "contains" => {
            session.contains_key("user_id");
            Ok(())
        }
        "len" => {
            session.keys().len();
            Ok(())
        }
        "set" => session.insert("a", 1),
        "set_same" => session.insert("user_id", 42),
        "pop_user" => session.discard("user_id").map(drop),
        "pop_missing" => session.discard("zz").map(drop),
        "setdefault_user" => session.get_or_insert("user_id", 9).map(drop),
        "clear" => session.clear(),
        // Python's `dict.update` marks the session modified for any argument.
        "update_empty" | "touch" => session.set_modified(true),
        "permanent_true" => session.set_permanent(true),
        "permanent_false" => session.set_permanent(false),
        "set_then_unmark" => session.insert("a", 1).and_then(|()| session.set_modified(false)),
        other => panic!("no operation {other}"),
    }
}

/// Returns the configuration for Flask's settings, with Flask's defaults for the others.
fn configuration(flask: &Map<String, Value>, now: u64) -> Result<SessionConfig, Error> {
    let mut builder = SessionConfig::builder()
        .cookie_secure(false)
        .cookie_samesite(None)
        .refresh(Refresh::EachRequest)
        .clock(ManualClock::at(at(now)));
    for (setting, value) in flask {
        let text = || value.as_str().unwrap();
        let flag = || value.as_bool().unwrap();
        builder = match &**setting {
            "SESSION_COOKIE_NAME" => builder.cookie_name(text()),
            "SESSION_COOKIE_DOMAIN" => builder.cookie_domain(text()),
            "SESSION_COOKIE_PATH" => builder.cookie_path(text()),
            "APPLICATION_ROOT" => builder.application_root(text()),
            "SESSION_COOKIE_HTTPONLY" => builder.cookie_httponly(flag()),
            "SESSION_COOKIE_SECURE" => builder.cookie_secure(flag()),
            "SESSION_COOKIE_SAMESITE" => builder.cookie_samesite(text().parse::<SameSite>()?),
            "SESSION_COOKIE_PARTITIONED" => builder.cookie_partitioned(flag()),
            "PERMANENT_SESSION_LIFETIME" => {
                builder.permanent_lifetime(Duration::from_secs(value.as_u64().unwrap()))
            }
            "SESSION_REFRESH_EACH_REQUEST" if flag() => builder.refresh(Refresh::EachRequest),
            "SESSION_REFRESH_EACH_REQUEST" => builder.refresh(Refresh::WhenModified),
            other => panic!("no setting {other}"),
        };
    }
    builder.build()
}

/// Returns the index of the case's configuration in [`REFUSED`].
fn refusal(case: &Value) -> Option<usize> {
    let config = case["config"].to_string();
    REFUSED.iter().position(|(refused, ..)| *refused == config)
}

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../vectors/set-cookie.json")).unwrap()
}
