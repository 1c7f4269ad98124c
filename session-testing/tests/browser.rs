//! The browser stores, sends and rejects cookies as a real browser does.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::interface::{CookieAction, OpenContext, Opened, Save, Saved, state_of};
use session_core::{
    Error, ErrorKind, ManualClock, Outcome, SessionConfig, SessionInterface, async_trait,
};
use session_testing::Browser;

/// Stores the payload in the cookie, in base64.
#[derive(Debug)]
struct Plain(SessionConfig);

#[async_trait]
impl SessionInterface for Plain {
    fn config(&self) -> &SessionConfig {
        &self.0
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let Some(cookie) = context.cookie() else { return Ok(Opened::new()) };
        Opened::from_payload(String::from_utf8(URL_SAFE_NO_PAD.decode(cookie).unwrap()).unwrap())
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        let cookie = if save.is_empty() {
            CookieAction::Remove
        } else {
            let value = URL_SAFE_NO_PAD.encode(save.contents().payload());
            CookieAction::Set { value, expires: save.contents().expires_at() }
        };
        Ok(Saved::new(cookie, Outcome::Stored))
    }
}

fn clock() -> ManualClock {
    ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))
}

fn browser(clock: &ManualClock) -> Browser {
    Browser::new(Plain(SessionConfig::builder().clock(clock.clone()).build().unwrap()))
}

#[test]
fn cookies_are_sent_below_their_path_longest_path_first() {
    let mut browser = browser(&clock());
    browser.receive("/", "a=root; Path=/").unwrap();
    browser.receive("/", "a=shop; Path=/shop").unwrap();
    browser.receive("/shop/cart?page=2", "b=directory").unwrap();
    for (path, header) in [
        ("/", "a=root"),
        ("/shop", "a=shop; b=directory; a=root"),
        ("/shop/cart?x=/", "a=shop; b=directory; a=root"),
        ("/shopping", "a=root"),
    ] {
        assert_eq!(browser.cookie_header(path).as_deref(), Some(header), "{path}");
    }
}

#[test]
fn domain_cookies_are_sent_to_subdomains_host_cookies_are_not() {
    let mut browser = browser(&clock());
    browser.go_to("https://a.example.com:8443").unwrap();
    browser.receive("/", "host=1").unwrap();
    browser.receive("/", "wide=1; Domain=.Example.com").unwrap();
    for (origin, header) in [
        ("https://a.example.com", Some("host=1; wide=1")),
        ("https://b.example.com", Some("wide=1")),
        ("https://example.com", Some("wide=1")),
        ("https://c.a.example.com", Some("wide=1")),
        ("https://badexample.com", None),
    ] {
        browser.go_to(origin).unwrap();
        assert_eq!(browser.cookie_header("/").as_deref(), header, "{origin}");
    }
}

#[test]
fn secure_cookies_are_sent_to_https_only() {
    let mut browser = browser(&clock());
    browser.receive("/", "safe=1; Secure").unwrap();
    browser.receive("/", "open=1").unwrap();
    browser.go_to("http://localhost").unwrap();
    assert_eq!(browser.cookie_header("/").as_deref(), Some("open=1"));
}

#[test]
fn receive_returns_error_for_cookies_that_browsers_reject() {
    let mut browser = browser(&clock());
    for header in [
        "a=1; Domain=other.example",
        "a=1; SameSite=None",
        "__Secure-a=1",
        "__Host-a=1; Secure",
        "__Host-a=1; Secure; Path=/; Domain=localhost",
        "nothing",
    ] {
        assert_eq!(
            browser.receive("/", header).unwrap_err().kind(),
            ErrorKind::Configuration,
            "{header}"
        );
    }
    browser.go_to("http://localhost").unwrap();
    assert!(browser.receive("/", "a=1; Secure").is_err());
    browser.go_to("https://localhost").unwrap();
    assert_eq!(browser.cookie_header("/"), None);
    browser.receive("/", "__Host-a=1; Secure; Path=/").unwrap();
    assert_eq!(browser.cookie_header("/").as_deref(), Some("__Host-a=1"));
}

#[test]
fn cookies_expire_by_clock_of_sessions() {
    let clock = clock();
    let mut browser = browser(&clock);
    browser.receive("/", "short=1; Max-Age=60; Expires=Fri, 31 Dec 9999 23:59:59 GMT").unwrap();
    browser.receive("/", "long=1; Expires=Tue, 14 Nov 2023 22:15:20 GMT").unwrap();
    browser.receive("/", "visit=1").unwrap();
    clock.advance(Duration::from_secs(60));
    assert_eq!(browser.cookie_header("/").as_deref(), Some("short=1; long=1; visit=1"));
    clock.advance(Duration::from_secs(1));
    assert_eq!((browser.cookie("short"), browser.cookie("long")), (None, Some("1")));
    browser.restart();
    assert_eq!(browser.cookie_header("/").as_deref(), Some("long=1"));
    assert_eq!(browser.cookie("visit"), None);
    clock.advance(Duration::from_secs(60));
    assert_eq!(browser.cookie_header("/"), None);
}

#[test]
fn removal_affects_cookie_of_same_path_and_domain() {
    let mut browser = browser(&clock());
    browser.receive("/", "a=1; Path=/").unwrap();
    browser.receive("/", "a=2; Path=/shop").unwrap();
    browser.receive("/", "a=; Path=/; Max-Age=0").unwrap();
    assert_eq!(browser.cookie("a"), Some("2"));
    browser.receive("/", "a=; Path=/shop; Expires=Thu, 01 Jan 1970 00:00:00 GMT").unwrap();
    assert_eq!(browser.cookie("a"), None);
}

#[tokio::test]
async fn transaction_changes_session_of_cookie() {
    let mut browser = browser(&clock());
    browser.session_transaction(async |session| session.insert("user", "ada")).await.unwrap();
    let visits = browser.session_transaction(async |session| {
        session.insert("visits", 1)?;
        Ok(session.keys().len())
    });
    assert_eq!(visits.await.unwrap(), 2);
    assert_eq!(
        state_of(&browser.session().await.unwrap()).payload(),
        r#"{"user":"ada","visits":1}"#
    );
    browser.session_transaction(async |session| session.clear()).await.unwrap();
    assert_eq!(browser.cookie("session"), None);
}

#[tokio::test]
async fn failed_transaction_saves_nothing() {
    let mut browser = browser(&clock());
    let failed = browser.session_transaction(async |session| {
        session.insert("user", "ada")?;
        session.get::<u64>("user")
    });
    assert_eq!(failed.await.unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(browser.cookie("session"), None);
}

#[tokio::test]
async fn session_for_reading_refuses_changes() {
    let session = browser(&clock()).session().await.unwrap();
    assert_eq!(session.insert("user", "ada").unwrap_err().kind(), ErrorKind::Committed);
}

#[tokio::test]
async fn transaction_fails_if_browser_rejects_cookie() {
    let mut browser = browser(&clock());
    browser.go_to("http://localhost").unwrap();
    let error = browser
        .session_transaction(async |session| session.insert("user", "ada"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Secure"), "{error}");
}
