//! Reads and signs every cookie that was recorded from Flask, and lists each case whose result is
//! meant to differ.
use std::time::{Duration, SystemTime};

use serde_json::Value;
use session_cookie::{Compression, Digest, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::flask::{Any, Bytes, DateTime, Uuid};
use session_core::interface::{Opened, state_of};
use session_core::{Error, ErrorKind, ManualClock, Session};

use crate::support::{at, parts, request};

/// The result of a case that differs from Flask.
enum Instead {
    /// Flask accepts the cookie; here it is a fresh session.
    Fresh,
    /// Flask returns a server error; here the session is opened, and reading its only key fails.
    KeyError(fn(&Session) -> Result<(), Error>),
    /// No available digest verifies the cookie.
    NoDigest,
}

const EXCEPTIONS: [(&str, Instead, &str); 16] = [
    ("sig_padded", Instead::Fresh, "Flask never writes a padded signature"),
    ("valid_sig_payload_pairs", Instead::Fresh, "a list is not a session"),
    ("valid_sig_payload_null", Instead::Fresh, "null is not a session"),
    ("valid_sig_payload_str", Instead::Fresh, "a string is not a session"),
    ("valid_sig_payload_emptystr", Instead::Fresh, "a string is not a session"),
    ("load_json_top_tag_t_pairs", Instead::Fresh, "a tuple is not a session"),
    ("load_json_top_tag_t", Instead::Fresh, "a tuple is not a session"),
    ("load_json_top_tag_m", Instead::Fresh, "markup is not a session"),
    ("load_json_tag_b_nopad", Instead::KeyError(read_bytes), "base64 without its padding"),
    ("load_json_tag_b_urlsafe", Instead::KeyError(read_bytes), "base64 in the other alphabet"),
    ("load_json_tag_b_nonascii", Instead::KeyError(read_bytes), "base64 outside ASCII"),
    ("load_json_tag_u_int", Instead::KeyError(read_uuid), "a UUID that is a number"),
    ("load_json_tag_di_empty", Instead::KeyError(read_any), "an escaped map without a key"),
    ("load_json_tag_di_list", Instead::KeyError(read_any), "an escaped map that is a list"),
    ("load_json_deep", Instead::KeyError(read_any), "a value too deep for either parser"),
    ("md5_digest", Instead::NoDigest, "MD5 is not offered"),
];

/// Whether a handler sees the same in two sessions.
type Same = fn(&Session, &Session) -> bool;

/// Cases whose value Flask changes when it loads the session, and how a handler reads the same
/// value here.
const CHANGED_ON_LOADING: [(&str, Same); 6] = [
    ("load_json_neg0", |one, other| one.get::<f64>("a").unwrap() == other.get::<f64>("a").unwrap()),
    ("load_json_num_overflow", both_unreadable),
    ("load_json_tag_d_bad", same_moment),
    ("load_json_tag_d_null", same_moment),
    ("load_json_tag_d_asctime", same_moment),
    ("load_json_tag_d_iso", same_moment),
];

#[tokio::test]
async fn recorded_cookie_is_read_as_by_flask() {
    let mut read = 0;
    for case in cases() {
        let name = text(&case, "name");
        if exception(name).is_some() {
            continue;
        }
        let session =
            open(&case, digest(&case), seconds(&case, "now"), text(&case, "cookie")).await;
        if case["expect"] == "ok" {
            assert!(!session.is_new(), "{name}");
            let expected = from_payload(text(&case, "value_as_tagged_json"));
            match CHANGED_ON_LOADING.iter().find(|(changed, _)| *changed == name) {
                Some((_, same)) => assert!(same(&session, &expected), "{name}"),
                None => assert_eq!(difference(&session, &expected), None, "{name}"),
            }
        } else {
            assert!(is_fresh(&session), "{name}");
        }
        read += 1;
    }
    assert_eq!(read, 105 - EXCEPTIONS.len());
}

#[tokio::test]
async fn session_signed_by_flask_is_signed_to_same_cookie() {
    let (mut plain, mut compressed) = (0, 0);
    for case in cases().into_iter().filter(|case| case["kind"] == "sign") {
        let name = text(&case, "name");
        // An empty session has no cookie, in Flask and here.
        if exception(name).is_some() || name == "empty_dict" {
            continue;
        }
        let (cookie, now) = (text(&case, "cookie"), seconds(&case, "timestamp"));
        let request =
            request(sessions(&case, digest(&case), now), Some(&format!("session={cookie}")));
        request.session().await.unwrap().set_modified(true).unwrap();
        let headers = request.commit().await.into_result().unwrap();
        let (_, signed, _) = parts(headers.set_cookie().unwrap());
        if case["compressed"] == true {
            assert!(signed.starts_with('.'), "{name}");
            compressed += 1;
        } else {
            assert_eq!(signed, cookie, "{name}");
            plain += 1;
        }
        let reopened = open(&case, digest(&case), now, signed).await;
        assert_eq!(payload_of(&reopened), text(&case, "value_as_tagged_json"), "{name}");
    }
    assert_eq!((plain, compressed), (31, 7));
}

#[tokio::test]
async fn empty_session_is_read_and_has_no_cookie() {
    let case = case("empty_dict");
    let now = seconds(&case, "now");
    let request = request(
        sessions(&case, Digest::Sha1, now),
        Some(&format!("session={}", text(&case, "cookie"))),
    );
    let session = request.session().await.unwrap();
    assert!(session.is_empty() && !session.is_new());
    session.set_modified(true).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    assert_eq!(parts(headers.set_cookie().unwrap()).1, "");
}

#[tokio::test]
async fn exceptions_deviate_as_listed() {
    for (name, instead, reason) in &EXCEPTIONS {
        let case = case(name);
        let (now, cookie) = (seconds(&case, "now"), text(&case, "cookie"));
        match instead {
            Instead::Fresh => {
                assert_eq!(case["expect"], "ok", "{name}");
                assert!(
                    is_fresh(&open(&case, digest(&case), now, cookie).await),
                    "{name}: {reason}"
                );
            }
            Instead::KeyError(read) => {
                assert_eq!(
                    (&case["expect"], &case["error"]),
                    (&"error".into(), &"BadPayload".into()),
                    "{name}"
                );
                let session = open(&case, digest(&case), now, cookie).await;
                assert_eq!(
                    (session.is_new(), session.keys()),
                    (false, vec!["a".to_owned()]),
                    "{name}"
                );
                assert_eq!(
                    read(&session).unwrap_err().kind(),
                    ErrorKind::Value,
                    "{name}: {reason}"
                );
            }
            Instead::NoDigest => {
                assert_eq!(
                    (&case["expect"], &case["digest"]),
                    (&"ok".into(), &"md5".into()),
                    "{name}"
                );
                for digest in [Digest::Sha1, Digest::Sha256, Digest::Sha512] {
                    assert!(is_fresh(&open(&case, digest, now, cookie).await), "{name}: {reason}");
                }
            }
        }
    }
}

#[tokio::test]
async fn values_that_flask_changes_on_loading_differ_here() {
    for (name, _) in CHANGED_ON_LOADING {
        let case = case(name);
        let session =
            open(&case, digest(&case), seconds(&case, "now"), text(&case, "cookie")).await;
        let expected = from_payload(text(&case, "value_as_tagged_json"));
        assert!(difference(&session, &expected).is_some(), "{name} needs no entry");
    }
}

/// Describes how two sessions differ: in their keys, in a value, or in the text of a value that
/// `serde_json` cannot represent.
fn difference(one: &Session, other: &Session) -> Option<String> {
    if one.keys() != other.keys() {
        return Some(format!("keys {:?} and {:?}", one.keys(), other.keys()));
    }
    one.keys().into_iter().find_map(|key| match (one.get::<Any>(&key), other.get::<Any>(&key)) {
        (Ok(one), Ok(other)) if one == other => None,
        (Err(_), Err(_)) if payload_of(one) == payload_of(other) => None,
        (one, other) => Some(format!("{key:?}: {one:?} and {other:?}")),
    })
}

fn read_bytes(session: &Session) -> Result<(), Error> {
    session.get::<Bytes>("a").map(drop)
}

fn read_uuid(session: &Session) -> Result<(), Error> {
    session.get::<Uuid>("a").map(drop)
}

fn read_any(session: &Session) -> Result<(), Error> {
    session.get::<Value>("a").map(drop)
}

/// Flask's infinity and the number that represents it: no Rust number is read from either, and the
/// text is kept.
fn both_unreadable(one: &Session, other: &Session) -> bool {
    let unreadable =
        |session: &Session| session.get::<f64>("a").unwrap_err().kind() == ErrorKind::Value;
    unreadable(one) && unreadable(other) && payload_of(one) == r#"{"a":1e999}"#
}

/// Returns whether both have the same time or none: Flask has `None` if the text is not a date.
fn same_moment(one: &Session, other: &Session) -> bool {
    let moment = |session: &Session| -> Option<SystemTime> {
        session.get::<Option<DateTime>>("a").unwrap().flatten()?.to_system_time()
    };
    moment(one) == moment(other)
}

fn from_payload(payload: &str) -> Session {
    Opened::from_payload(payload).unwrap().into_session()
}

fn payload_of(session: &Session) -> String {
    state_of(session).payload()
}

fn is_fresh(session: &Session) -> bool {
    session.is_new() && session.is_empty()
}

async fn open(case: &Value, digest: Digest, now: u64, cookie: &str) -> Session {
    let request = request(sessions(case, digest, now), Some(&format!("session={cookie}")));
    request.session().await.unwrap()
}

fn sessions(case: &Value, digest: Digest, now: u64) -> SignedCookieSessions {
    let config = SessionConfig::builder()
        .permanent_lifetime(Duration::from_secs(seconds(case, "max_age")))
        .clock(ManualClock::at(at(now)))
        .build();
    let mut key = SecretKey::with_any_length(text(case, "secret")).unwrap();
    for fallback in case["fallbacks"].as_array().unwrap() {
        key = key.with_fallback(&SecretKey::with_any_length(fallback.as_str().unwrap()).unwrap());
    }
    SignedCookieSessions::builder(config.unwrap(), &key)
        .salt(text(case, "salt"))
        .digest(digest)
        .compression(Compression::WheneverShorter)
        .build()
        .unwrap()
}

fn digest(case: &Value) -> Digest {
    match text(case, "digest") {
        "sha1" => Digest::Sha1,
        "sha256" => Digest::Sha256,
        "sha512" => Digest::Sha512,
        other => panic!("no digest for {other}"),
    }
}

fn exception(name: &str) -> Option<&'static Instead> {
    EXCEPTIONS.iter().find(|(exception, _, _)| *exception == name).map(|(_, instead, _)| instead)
}

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../vectors/signed-cookies.json")).unwrap()
}

fn case(name: &str) -> Value {
    cases()
        .into_iter()
        .find(|case| case["name"] == name)
        .unwrap_or_else(|| panic!("no case {name}"))
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap_or_else(|| panic!("no text {field} in {case}"))
}

fn seconds(case: &Value, field: &str) -> u64 {
    case[field].as_u64().unwrap_or_else(|| panic!("no seconds {field} in {case}"))
}
