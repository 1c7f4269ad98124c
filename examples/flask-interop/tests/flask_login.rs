//! One login that Flask-Login and a Rust application share, in each mode of session protection.

use flask_interop::{Browser, FlaskApp, Result, RustApp, Signing};
use serde_json::{Value, json};
use session_core::flask_login::Protection;

const MODES: [Option<Protection>; 3] = [None, Some(Protection::Basic), Some(Protection::Strong)];

/// Both applications, running.
struct Pair {
    flask: FlaskApp,
    rust: RustApp,
}

impl Pair {
    fn start(protection: Option<Protection>) -> Result<Self> {
        let signing = Signing::default();
        let flask = FlaskApp::with_login(signing, protection)?;
        Ok(Self { flask, rust: RustApp::with_login(signing, protection)? })
    }

    fn strong() -> Result<Self> {
        Self::start(Some(Protection::Strong))
    }

    /// Returns the two addresses in both orders.
    fn both_ways(&self) -> [(&str, &str); 2] {
        [(self.flask.url(), self.rust.url()), (self.rust.url(), self.flask.url())]
    }
}

fn browser() -> Browser {
    let mut browser = Browser::new();
    browser.set_header("user-agent", "Mozilla/5.0 (X11; Linux x86_64)");
    browser
}

fn user(name: &str, fresh: bool) -> Value {
    json!({ "user": name, "fresh": fresh })
}

fn visitor() -> Value {
    json!({ "user": null, "fresh": false })
}

#[test]
fn login_on_one_side_is_fresh_on_other_side() -> Result<()> {
    for mode in MODES {
        let pair = Pair::start(mode)?;
        for (here, there) in pair.both_ways() {
            for query in ["user=ada", "user=ada&permanent=1"] {
                let mut browser = browser();
                assert_eq!(browser.get(there, "/user")?.json()?, visitor());
                browser.post(here, &format!("/login?{query}"))?;
                for application in [there, here, there] {
                    let seen = browser.get(application, "/user")?.json()?;
                    assert_eq!(seen, user("ada", true), "{mode:?} {application}");
                }
                assert_eq!(browser.get(there, "/secret")?.status, 200);
            }
        }
    }
    Ok(())
}

/// Logs in and changes the client. Returns the login as both applications then see it, and whether
/// it is fresh again with the first client.
fn moved(pair: &Pair, query: &str, header: &'static str) -> Result<Vec<Value>> {
    let mut seen = Vec::new();
    for (here, there) in pair.both_ways() {
        for first in [here, there] {
            let mut browser = browser();
            browser.set_header("x-forwarded-for", "192.0.2.1, 10.0.0.1");
            browser.post(here, &format!("/login?{query}"))?;
            browser.set_header("x-forwarded-for", "192.0.2.1");
            assert_eq!(browser.get(there, "/user")?.json()?, user("ada", true));

            browser.set_header(header, "192.0.2.2");
            let now = browser.get(first, "/user")?.json()?;
            for application in [here, there] {
                assert_eq!(browser.get(application, "/user")?.json()?, now, "{application}");
                let status = browser.get(application, "/secret")?.status;
                assert_eq!(status == 200, now["fresh"] == true);
            }
            seen.push(now);
        }
    }
    Ok(seen)
}

#[test]
fn changed_client_makes_login_stale_in_basic_mode() -> Result<()> {
    let (basic, off) = (Pair::start(Some(Protection::Basic))?, Pair::start(None)?);
    for header in ["user-agent", "x-forwarded-for"] {
        assert_eq!(moved(&basic, "user=ada", header)?, vec![user("ada", false); 4], "{header}");
        assert_eq!(moved(&off, "user=ada", header)?, vec![user("ada", true); 4], "{header}");
    }
    Ok(())
}

#[test]
fn changed_client_ends_login_in_strong_mode() -> Result<()> {
    let strong = Pair::strong()?;
    for header in ["user-agent", "x-forwarded-for"] {
        assert_eq!(moved(&strong, "user=ada", header)?, vec![visitor(); 4], "{header}");
        let permanent = moved(&strong, "user=ada&permanent=1", header)?;
        assert_eq!(permanent, vec![user("ada", false); 4], "{header}");
    }
    Ok(())
}

#[test]
fn stale_login_stays_stale_until_it_is_confirmed() -> Result<()> {
    let pair = Pair::start(Some(Protection::Basic))?;
    for (here, there) in pair.both_ways() {
        let mut browser = browser();
        browser.post(here, "/login?user=ada")?;
        let mut thief = browser.clone();
        thief.set_header("user-agent", "curl/8");
        assert_eq!(thief.get(there, "/user")?.json()?, user("ada", false));
        thief.set_header("user-agent", "Mozilla/5.0 (X11; Linux x86_64)");
        assert_eq!(thief.get(here, "/user")?.json()?, user("ada", false));

        thief.set_header("user-agent", "curl/8");
        thief.post(there, "/confirm")?;
        assert_eq!(thief.get(here, "/user")?.json()?, user("ada", true));
    }
    Ok(())
}

#[test]
fn user_id_alone_is_not_fresh_login_in_flask() -> Result<()> {
    for (mode, expected) in
        [(Protection::Basic, user("ada", false)), (Protection::Strong, visitor())]
    {
        let pair = Pair::start(Some(mode))?;
        for application in [pair.flask.url(), pair.rust.url()] {
            let mut browser = browser();
            browser.post(pair.rust.url(), "/login-without-helper?user=ada")?;
            assert_eq!(browser.get(application, "/user")?.json()?, expected, "{mode:?}");
        }
    }
    Ok(())
}

#[test]
fn logout_on_one_side_applies_to_other_side() -> Result<()> {
    for mode in MODES {
        let pair = Pair::start(mode)?;
        for (here, there) in pair.both_ways() {
            for login in [here, there] {
                let mut browser = browser();
                browser.post(login, "/login?user=ada&remember=1")?;
                browser.get(here, "/user")?;
                browser.post(here, "/logout")?;
                assert_eq!(browser.cookie("remember_token"), None);
                for application in [there, here] {
                    assert_eq!(browser.get(application, "/user")?.json()?, visitor());
                }
            }
        }
    }
    Ok(())
}

#[test]
fn rust_logout_removes_remember_token() -> Result<()> {
    let pair = Pair::strong()?;
    let mut browser = browser();
    browser.post(pair.flask.url(), "/login?user=ada&remember=1")?;
    assert!(browser.cookie("remember_token").is_some());
    let mut other = browser.clone();

    browser.post(pair.rust.url(), "/logout")?;
    assert_eq!((browser.session(), browser.cookie("remember_token")), (None, None));
    assert_eq!(browser.get(pair.flask.url(), "/user")?.json()?, visitor());

    other.post(pair.rust.url(), "/logout-without-helper")?;
    assert_eq!(other.get(pair.flask.url(), "/user")?.json()?, user("ada", false));
    Ok(())
}

#[test]
fn remembered_login_is_known_to_rust_after_flask() -> Result<()> {
    let pair = Pair::start(Some(Protection::Basic))?;
    let mut browser = browser();
    browser.post(pair.flask.url(), "/login?user=ada&remember=1")?;
    browser.forget_session();
    assert_eq!(browser.get(pair.rust.url(), "/user")?.json()?, visitor());
    assert_eq!(browser.get(pair.flask.url(), "/user")?.json()?, user("ada", false));
    assert_eq!(browser.get(pair.rust.url(), "/user")?.json()?, user("ada", false));
    browser.post(pair.rust.url(), "/confirm")?;
    assert_eq!(browser.get(pair.flask.url(), "/secret")?.status, 200);
    Ok(())
}

#[test]
fn strong_mode_in_rust_also_ends_remembered_login() -> Result<()> {
    let pair = Pair::strong()?;
    let mut browser = browser();
    browser.post(pair.flask.url(), "/login?user=ada&remember=1")?;
    browser.set_header("user-agent", "curl/8");
    assert_eq!(browser.get(pair.rust.url(), "/user")?.json()?, visitor());
    assert!(browser.cookie("remember_token").is_some());
    assert_eq!(browser.get(pair.flask.url(), "/user")?.json()?, visitor());
    assert_eq!(browser.cookie("remember_token"), None);
    Ok(())
}

#[test]
fn identifier_is_that_of_flask_login() -> Result<()> {
    let pair = Pair::strong()?;
    let agents: [&[u8]; 8] = [
        b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        b"",
        b"it's",
        b"say \"hello\"",
        b"it's \"quoted\" \\ and more",
        b"tab\tinside",
        b"caf\xe9 \xff\x80\xa0",
        "日本 😀".as_bytes(),
    ];
    let forwarded: [Option<&[u8]>; 7] = [
        None,
        Some(b"192.0.2.1"),
        Some(b" 192.0.2.1 , 10.0.0.1"),
        Some(b""),
        Some(b",192.0.2.1"),
        Some(b"2001:db8::1"),
        Some(b"it's \xe9\xa0, x"),
    ];
    let mut clients = vec![Browser::new()];
    for address in forwarded {
        for agent in agents {
            let mut browser = Browser::new();
            browser.set_header("user-agent", agent);
            if let Some(address) = address {
                browser.set_header("x-forwarded-for", address);
            }
            clients.push(browser);
        }
    }
    for mut browser in clients {
        let identifiers = [pair.flask.url(), pair.rust.url()]
            .map(|application| browser.get(application, "/identifier").map(|page| page.body));
        let [flask, rust] = identifiers;
        let rust = rust?;
        assert_eq!(rust.len(), 128);
        assert_eq!(flask?, rust, "{browser:?}");
    }
    Ok(())
}
