//! The changes that the helpers for Flask-Login make to a session. The tests of
//! `examples/flask-interop` compare them with Flask-Login.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use session_core::flask_login::{Client, FlaskLogin, Protection};
use session_core::interface::{Opened, state_of};
use session_core::{CookieAttributes, ErrorKind, Session};

fn session(payload: &str) -> Session {
    Opened::from_payload(payload).unwrap().into_session()
}

fn client() -> Client {
    Client::new("192.0.2.1".parse().ok(), None, Some(b"browser"))
}

#[test]
fn login_writes_user_fresh_and_identifier() {
    let session = session(r#"{"cart":[7]}"#);
    FlaskLogin::new().log_in(&session, "42", &client()).unwrap();
    let id = client().id().to_owned();
    let stored = format!(r#"{{"cart":[7],"_user_id":"42","_fresh":true,"_id":"{id}"}}"#);
    assert_eq!(state_of(&session).payload(), stored);
    let user = FlaskLogin::new().user(&session, &client()).unwrap().unwrap();
    assert_eq!((user.id(), user.is_fresh()), ("42", true));
    assert_eq!(session.owner(), None);
}

#[test]
fn login_keeps_values_of_same_user_only() {
    for (previous, kept) in [(r#""42""#, true), (r#""7""#, false), ("42", false)] {
        let session = session(&format!(r#"{{"_user_id":{previous},"cart":[7]}}"#));
        FlaskLogin::new().log_in(&session, "42", &client()).unwrap();
        assert_eq!(session.contains_key("cart"), kept, "{previous}");
        assert!(FlaskLogin::new().user(&session, &client()).unwrap().is_some());
    }
}

#[test]
fn strong_protection_removes_keys_of_flask_login_only() {
    let session = session(
        r#"{"_user_id":"42","_fresh":true,"_id":"x","_remember_seconds":1,"next":"/","cart":[7]}"#,
    );
    let flask = FlaskLogin::new().protection(Protection::Strong);
    assert_eq!(flask.user(&session, &client()).unwrap(), None);
    assert_eq!(state_of(&session).payload(), r#"{"cart":[7],"_remember":"clear"}"#);
}

#[test]
fn visitor_and_unchanged_login_leave_session_unchanged() {
    let id = client().id().to_owned();
    for payload in [
        "{}",
        r#"{"cart":[7]}"#,
        r#"{"_user_id":"42","_fresh":false,"_id":"x"}"#,
        &format!(r#"{{"_user_id":"42","_id":"{id}"}}"#),
    ] {
        let session = session(payload);
        let user = FlaskLogin::new().user(&session, &client()).unwrap();
        assert!(user.is_none_or(|user| !user.is_fresh()));
        assert!(!session.is_modified(), "{payload}");
    }
}

#[test]
fn user_id_that_is_not_text_is_error() {
    let error = FlaskLogin::new().user(&session(r#"{"_user_id":42}"#), &client()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
}

#[tokio::test]
async fn logout_removes_configured_cookie() {
    let attributes = CookieAttributes::builder().domain("example.com").path("/app");
    let attributes = attributes.secure(false).same_site(None).build().unwrap();
    let flask = FlaskLogin::new().remember_cookie("remember_me", attributes).unwrap();
    let flags = "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0";
    let sent = session(r#"{"_user_id":"42","cart":[7]}"#);
    let header = flask.log_out(&sent).await.unwrap();
    assert_eq!(header, format!("remember_me=; {flags}; Domain=example.com; HttpOnly; Path=/app"));
    assert!(sent.is_empty());

    let header = FlaskLogin::new().log_out(&session("{}")).await.unwrap();
    assert!(header.starts_with(&format!("remember_token=; {flags}; ")), "{header}");
    assert!(header.contains("; Path=/;") && !header.contains("Secure"), "{header}");
}

#[test]
fn cookie_that_browsers_refuse_is_error() {
    let attributes = CookieAttributes::builder().secure(false).build().unwrap();
    for name in ["", "a b", "__Secure-remember"] {
        let error = FlaskLogin::new().remember_cookie(name, attributes.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{name}");
    }
}
