//! One session that Starlette or FastAPI and a Rust application read and change.

use std::time::Duration;

use flask_interop::{Batch, Result};
use serde_json::{Value, json};
use session_cookie::{SecretKey, SessionConfig, SignedCookieSessions};
use session_core::interface::state_of;
use session_core::request::{RequestSession, RequestView};
use session_core::{Error, Refresh, Session};

const KEY: &str = "the key of both applications";
/// The result of a change of a session.
type Change = std::result::Result<(), Error>;

const APPS: [&str; 2] = ["starlette", "fastapi"];

/// Values of every type that JSON has, at the limits of Python's and Rust's types.
fn values() -> Value {
    json!({
        "user": "Grüß \"dich\" 日本 😀\n\u{2028}",
        "nothing": null,
        "yes": true,
        "ratio": 0.1,
        "whole": 2.0,
        "large": u64::MAX,
        "negative": i64::MIN,
        "cart": [[1, 2], [], [{"sku": "a/b+c"}]],
        "tree": {"a": {"b": ["x", {"c": "<i>"}]}, "é": {}},
    })
}

/// A browser with one cookie, which visits both applications.
struct Browser {
    python: Batch,
    rust: SignedCookieSessions,
    cookie: String,
}

impl Browser {
    fn new() -> Result<Self> {
        let config = SessionConfig::builder()
            .permanent_by_default(true)
            .permanent_lifetime(Duration::from_hours(14 * 24))
            .cookie_secure(false)
            .refresh(Refresh::WhenModified)
            .build()?;
        let rust = SignedCookieSessions::starlette(config, &SecretKey::with_any_length(KEY)?)?;
        Ok(Self { python: Batch::starlette(KEY)?, rust, cookie: String::new() })
    }

    /// Returns the session in Python after the change.
    fn python(&mut self, app: &str, change: &Value) -> Result<Value> {
        let mut command = change.clone();
        command["app"] = app.into();
        command["cookie"] = self.cookie.as_str().into();
        let reply = self.python.ask(&command)?;
        let headers = reply["set_cookie"].as_array().ok_or("the reply has no headers")?;
        if let Some(header) = headers.first().and_then(Value::as_str) {
            self.store(header);
        }
        Ok(reply["session"].clone())
    }

    /// Returns the session in the Rust application after the change.
    fn rust(&mut self, change: impl FnOnce(&Session) -> Change) -> Result<Value> {
        let view = RequestView::builder().cookie_header(self.cookie.as_bytes()).build();
        let request = RequestSession::new(self.rust.clone(), view);
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let (payload, header) = runtime.block_on(async {
            let session = request.session().await?;
            change(&session)?;
            let payload = state_of(&session).payload();
            let headers = request.commit().await.into_result()?;
            Ok::<_, Error>((payload, headers.set_cookie().map(str::to_owned)))
        })?;
        if let Some(header) = header {
            self.store(&header);
        }
        Ok(serde_json::from_str(&payload)?)
    }

    fn store(&mut self, header: &str) {
        let pair = header.split(';').next().unwrap_or_default();
        let is_removal = ["session=", "session=null"].contains(&pair);
        self.cookie = if is_removal { String::new() } else { pair.to_owned() };
    }
}

#[test]
fn session_of_python_is_read_and_changed_by_rust() -> Result<()> {
    for app in APPS {
        let mut browser = Browser::new()?;
        browser.python(app, &json!({ "set": values() }))?;
        assert_eq!(browser.rust(|_| Ok(()))?, values(), "{app}");
        browser.rust(|session| session.insert("visits", 1))?;
        let mut expected = values();
        expected["visits"] = 1.into();
        assert_eq!(browser.python(app, &json!({}))?, expected, "{app}");
    }
    Ok(())
}

#[test]
fn session_of_rust_is_read_and_changed_by_python() -> Result<()> {
    for app in APPS {
        let mut browser = Browser::new()?;
        browser.rust(|session| {
            let all = values();
            let mut members = all.as_object().into_iter().flatten();
            members.try_for_each(|(key, value)| session.insert(key, value))
        })?;
        assert_eq!(browser.python(app, &json!({}))?, values(), "{app}");
        browser.python(app, &json!({ "set": { "user": "grace" } }))?;
        let read = browser.rust(|session| {
            assert_eq!(session.get::<String>("user")?.as_deref(), Some("grace"));
            assert!(session.is_permanent());
            Ok(())
        });
        assert_eq!(read?["large"], u64::MAX, "{app}");
    }
    Ok(())
}

#[test]
fn logout_of_each_application_applies_to_other() -> Result<()> {
    for app in APPS {
        let mut browser = Browser::new()?;
        browser.python(app, &json!({ "set": { "user": "ada" } }))?;
        browser.rust(Session::clear)?;
        assert_eq!(browser.cookie, "", "{app}");
        assert_eq!(browser.python(app, &json!({}))?, json!({}), "{app}");
        browser.rust(|session| session.insert("user", "ada"))?;
        browser.python(app, &json!({ "clear": true }))?;
        assert_eq!(browser.cookie, "", "{app}");
        assert_eq!(browser.rust(|_| Ok(()))?, json!({}), "{app}");
    }
    Ok(())
}

#[test]
fn cookie_of_another_key_is_refused_on_both_sides() -> Result<()> {
    for app in APPS {
        let (mut browser, mut other) = (Browser::new()?, Browser::new()?);
        other.python = Batch::starlette("another key")?;
        other.python(app, &json!({ "set": { "user": "eve" } }))?;
        browser.cookie.clone_from(&other.cookie);
        assert_eq!(browser.rust(|_| Ok(()))?, json!({}), "{app}");
        browser.rust(|session| session.insert("user", "ada"))?;
        other.cookie.clone_from(&browser.cookie);
        assert_eq!(other.python(app, &json!({}))?, json!({}), "{app}");
    }
    Ok(())
}
