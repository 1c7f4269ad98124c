//! Cookies of Starlette's `SessionMiddleware`, generated with itsdangerous 2.2.0.

use std::time::Duration;

use serde_json::{Value, json};
use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
use session_core::interface::state_of;
use session_core::{ErrorKind, ManualClock, Refresh};

use crate::support::{at, parts, request};

const KEY: &str = "secret-key";
const SIGNED_AT: u64 = 1_700_000_000;
const MAX_AGE: u64 = 14 * 24 * 60 * 60;
/// `{"user_id": 42}`.
const SHORT: &str = "eyJ1c2VyX2lkIjogNDJ9.ZVPxAA.lP979Q_RwDHD2j783MG_CJH3djs";
/// `{"é": "ü?>~", "n": None, "l": [1, {"a": 1.5}]}`.
const LONG: &str = "eyJcdTAwZTkiOiAiXHUwMGZjPz5+IiwgIm4iOiBudWxsLCAibCI6IFsxLCB7ImEiOiAxLjV9XX0=\
                    .ZVPxAA.yRwQxi38nL1a1cCrYw7sxdBk8is";

fn sessions(key: &str, now: u64) -> SignedCookieSessions {
    let config = SessionConfig::builder()
        .clock(ManualClock::at(at(now)))
        .permanent_by_default(true)
        .permanent_lifetime(Duration::from_secs(MAX_AGE))
        .cookie_secure(false)
        .refresh(Refresh::WhenModified)
        .build();
    let key = SecretKey::with_any_length(key).unwrap();
    SignedCookieSessions::starlette(config.unwrap(), &key).unwrap()
}

/// Returns the payload of the session that a cookie opens.
async fn payload(cookie: &str, now: u64) -> String {
    let cookie = format!("session={cookie}");
    let session = request(sessions(KEY, now), Some(&cookie)).session().await.unwrap();
    state_of(&session).payload()
}

#[tokio::test]
async fn cookies_of_starlette_are_read() {
    assert_eq!(payload(SHORT, SIGNED_AT).await, r#"{"user_id": 42}"#);
    let long: Value = serde_json::from_str(&payload(LONG, SIGNED_AT).await).unwrap();
    assert_eq!(long, json!({"é": "ü?>~", "n": null, "l": [1, {"a": 1.5}]}));
}

#[tokio::test]
async fn written_cookie_is_that_of_starlette() {
    let request = request(sessions(KEY, SIGNED_AT), None);
    request.session().await.unwrap().insert("user_id", 42).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    let (name, value, attributes) = parts(headers.set_cookie().unwrap());
    // Python writes a space after the colon.
    assert_eq!((name, value.split('.').next().unwrap()), ("session", "eyJ1c2VyX2lkIjo0Mn0="));
    assert!(attributes.contains("Max-Age=1209600") && attributes.contains("SameSite=Lax"));
    assert_eq!(payload(value, SIGNED_AT).await, r#"{"user_id":42}"#);
}

#[tokio::test]
async fn changed_or_expired_cookie_opens_fresh_session() {
    assert_eq!(payload(SHORT, SIGNED_AT + MAX_AGE).await, r#"{"user_id": 42}"#);
    assert_eq!(payload(SHORT, SIGNED_AT + MAX_AGE + 1).await, "{}");
    let other_payload = SHORT.replace("NDJ9", "NDN9");
    let other_signature = SHORT.replace("CJH3", "DJH3");
    for cookie in [&other_payload, &other_signature, "null", "", "eyJ9.ZVPxAA."] {
        assert_eq!(payload(cookie, SIGNED_AT).await, "{}", "{cookie}");
    }
    let cookie = format!("session={SHORT}");
    let other_key = sessions("another-key", SIGNED_AT);
    let session = request(other_key, Some(&cookie)).session().await.unwrap();
    assert!(session.is_new());
}

#[tokio::test]
async fn cookies_of_flask_and_starlette_are_not_mistaken() {
    let key = SecretKey::with_any_length(KEY).unwrap();
    let config = SessionConfig::builder().clock(ManualClock::at(at(SIGNED_AT))).build().unwrap();
    let flask = SignedCookieSessions::new(config, &key).unwrap();
    let cookie = format!("session={SHORT}");
    assert!(request(flask, Some(&cookie)).session().await.unwrap().is_new());
    let flasks = "eyJ1c2VyX2lkIjo0Mn0.ZVPxAA.w8-OD2mSNaGouDpydiAUxPqksM0";
    assert_eq!(payload(flasks, SIGNED_AT).await, "{}");
}

#[test]
fn timeouts_that_cookie_cannot_store_are_refused() {
    let config =
        SessionConfig::builder().idle_timeout(Duration::from_secs(5 * 60)).build().unwrap();
    let key = SecretKey::generate().unwrap();
    let error = SignedCookieSessions::starlette(config, &key).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}
