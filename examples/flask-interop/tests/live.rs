//! One browser visits a running Flask application and a running Rust application with the same
//! session.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use flask_interop::{
    Batch, Browser, FlaskApp, Result, RustApp, RustSessions, SetCookie, Signing, describe_all,
    every_type,
};
use serde_json::{Value, json};
use session_cookie::{Compression, Digest};
use session_core::Session;

const OLD: &str = "the key of last year, 0123456789abcdef";
const NEW: &str = "the key of this year, 0123456789abcdef";
const NEW_AND_OLD: Signing = Signing { key: NEW, retired: &[OLD], digest: Digest::Sha1 };

/// Both applications, running.
struct Pair {
    flask: FlaskApp,
    rust: RustApp,
}

impl Pair {
    fn start(flask: Signing, rust: Signing, compression: Compression) -> Result<Self> {
        Ok(Self { flask: FlaskApp::start(flask)?, rust: RustApp::start(rust, compression)? })
    }

    fn alike() -> Result<Self> {
        Self::start(Signing::default(), Signing::default(), Compression::WheneverShorter)
    }

    /// Returns the two addresses in both orders.
    fn both_ways(&self) -> [(&str, &str); 2] {
        [(self.flask.url(), self.rust.url()), (self.rust.url(), self.flask.url())]
    }
}

#[test]
fn login_of_each_side_is_changed_by_other() -> Result<()> {
    let pair = Pair::alike()?;
    for (here, there) in pair.both_ways() {
        let mut browser = Browser::new();
        browser.post(here, "/login")?;
        assert_eq!(browser.state(there)?, logged_in(None));
        browser.post(there, "/visit")?;
        assert_eq!(browser.state(here)?, logged_in(Some("1")));
        browser.post(here, "/visit")?;
        browser.post(there, "/visit")?;
        for application in [here, there] {
            assert_eq!(browser.state(application)?, logged_in(Some("3")));
        }
    }
    Ok(())
}

#[test]
fn values_of_every_type_survive_change_by_other_side() -> Result<()> {
    let pair = Pair::alike()?;
    let mut expected = describe_all(every_type().iter().map(|(key, value)| (*key, value)));
    expected["visits"] = json!(["int", "1"]);
    for (here, there) in pair.both_ways() {
        let mut browser = Browser::new();
        browser.post(here, "/set-all")?;
        browser.post(there, "/visit")?;
        assert_eq!(browser.state(there)?, expected, "{there}");
        assert_eq!(browser.state(here)?, expected, "{here}");
    }
    Ok(())
}

#[test]
fn flash_messages_are_shown_once_by_other_side() -> Result<()> {
    let pair = Pair::alike()?;
    let said = [
        json!(["message", "Saved", false]),
        json!(["error", "No such product: <42>", false]),
        json!(["info", "<em>Sale</em>", true]),
    ];
    for (here, there) in pair.both_ways() {
        let mut browser = Browser::new();
        browser.post(here, "/flash")?;
        assert_eq!(browser.get(there, "/flashes")?.json()?, json!(said));
        assert_eq!(browser.session(), None, "nothing else was in the session");
        for application in [here, there] {
            assert_eq!(browser.get(application, "/flashes")?.json()?, json!([]));
        }

        browser.post(here, "/flash")?;
        browser.post(there, "/flash")?;
        assert_eq!(browser.get(here, "/flashes")?.json()?, json!([&said[..], &said[..]].concat()));
    }
    Ok(())
}

#[test]
fn compressed_session_is_read_by_both_sides() -> Result<()> {
    let flask = FlaskApp::start(Signing::default())?;
    for compression in [Compression::WheneverShorter, Compression::NearLimit] {
        let rust = RustApp::start(Signing::default(), compression)?;
        for (here, there) in [(flask.url(), rust.url()), (rust.url(), flask.url())] {
            let mut browser = Browser::new();
            browser.post(here, "/big")?;
            assert!(is_compressed(&browser), "{compression:?} by {here}");
            let big = browser.state(there)?;
            assert_eq!(big, json!({"big": ["str", "A session can hold many words. ".repeat(150)]}));
            browser.post(there, "/visit")?;
            assert!(is_compressed(&browser), "{compression:?} by {there}");
            assert_eq!(browser.state(here)?["big"], big["big"]);
        }
    }
    Ok(())
}

#[test]
fn small_session_stays_uncompressed_near_limit_setting() -> Result<()> {
    for (compression, compressed) in
        [(Compression::NearLimit, false), (Compression::WheneverShorter, true)]
    {
        let pair = Pair::start(Signing::default(), Signing::default(), compression)?;
        let mut browser = Browser::new();
        browser.post(pair.rust.url(), "/set-all")?;
        assert_eq!(is_compressed(&browser), compressed, "{compression:?}");
        assert_eq!(browser.state(pair.flask.url())?["pair"][0], "tuple");
    }
    Ok(())
}

#[test]
fn permanent_session_has_same_expiry_on_both_sides() -> Result<()> {
    let pair = Pair::alike()?;
    let lifetime = Duration::from_hours(31 * 24);
    for (here, there) in pair.both_ways() {
        let mut browser = Browser::new();
        let mut seen = Vec::new();
        for (application, path) in
            [(here, "/login"), (there, "/visit"), (here, "/visit"), (there, "/visit")]
        {
            let before = SystemTime::now() - Duration::from_secs(1);
            let answer = browser.post(application, path)?;
            let mut cookie = answer.set_cookie.ok_or("a permanent session is renewed")?;
            let expires =
                cookie.attributes.remove("Expires").ok_or("a permanent session expires")?;
            let expires = httpdate::parse_http_date(&expires)?;
            assert!(
                (before + lifetime..=SystemTime::now() + lifetime).contains(&expires),
                "{application}: {expires:?}"
            );
            // Flask sends `Max-Age` only with a removal.
            let max_age = cookie.attributes.remove("Max-Age");
            let expected = (application == pair.rust.url()).then(|| lifetime.as_secs().to_string());
            assert_eq!(max_age, expected, "{application}");
            assert_eq!(answer.vary.as_deref(), Some("Cookie"), "{application}");
            seen.push((cookie.name, cookie.attributes));
        }
        let attributes = [("HttpOnly", ""), ("Path", "/"), ("SameSite", "Lax")];
        let attributes: BTreeMap<_, _> =
            attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(seen, vec![("session".to_owned(), attributes); 4]);

        for application in [here, there] {
            let renewed =
                browser.get(application, "/state")?.set_cookie.ok_or("reading renews too")?;
            assert!(renewed.attributes.contains_key("Expires"), "{application}");
        }
    }
    Ok(())
}

#[test]
fn browser_session_is_not_renewed() -> Result<()> {
    let pair = Pair::alike()?;
    for (here, there) in pair.both_ways() {
        let mut browser = Browser::new();
        let cookie = browser.post(here, "/visit")?.set_cookie.ok_or("a change sets the cookie")?;
        assert!(
            !cookie.attributes.contains_key("Expires")
                && !cookie.attributes.contains_key("Max-Age"),
            "{here}"
        );
        for application in [here, there] {
            let answer = browser.get(application, "/state")?;
            assert_eq!(
                (answer.set_cookie, answer.vary.as_deref()),
                (None, Some("Cookie")),
                "{application}"
            );
        }
    }
    Ok(())
}

#[test]
fn logout_of_each_side_applies_to_other() -> Result<()> {
    let pair = Pair::alike()?;
    let mut removals = Vec::new();
    for (here, there) in pair.both_ways() {
        let mut browser = Browser::new();
        browser.post(here, "/login")?;
        assert_eq!(browser.state(there)?, logged_in(None));
        removals
            .push(browser.post(there, "/logout")?.set_cookie.ok_or("a logout removes the cookie")?);
        assert_eq!(browser.session(), None);
        for application in [here, there] {
            assert_eq!(browser.state(application)?, json!({}));
        }
    }
    assert!(removals.iter().all(SetCookie::is_removal), "{removals:?}");
    assert_eq!(removals[0], removals[1]);
    Ok(())
}

#[test]
fn session_of_fallback_key_is_read_and_signed_anew() -> Result<()> {
    let old = Pair::start(Signing::with_key(OLD), Signing::with_key(OLD), Compression::default())?;
    let rotated = Pair::start(NEW_AND_OLD, NEW_AND_OLD, Compression::default())?;
    let new = Pair::start(Signing::with_key(NEW), Signing::with_key(NEW), Compression::default())?;
    for (way, (here, _)) in old.both_ways().into_iter().enumerate() {
        let (_, there) = rotated.both_ways()[way];
        let mut browser = Browser::new();
        browser.post(here, "/login")?;
        let signed_with_old = browser.session().ok_or("logged in")?.to_owned();
        browser.post(there, "/visit")?;

        for (application, _) in rotated.both_ways().into_iter().chain(new.both_ways()) {
            assert_eq!(browser.state(application)?, logged_in(Some("1")), "signed anew by {there}");
        }
        for (application, _) in old.both_ways() {
            assert_eq!(
                browser.state(application)?,
                json!({}),
                "{application} does not know the new key"
            );
        }
        browser.forge_session(&signed_with_old);
        for (application, _) in new.both_ways() {
            assert_eq!(
                browser.state(application)?,
                json!({}),
                "{application} does not know the old key"
            );
        }
    }
    Ok(())
}

#[test]
fn sha_256_works_only_on_both_sides() -> Result<()> {
    let sha256 = Signing { digest: Digest::Sha256, ..Signing::default() };
    let pair = Pair::start(sha256, sha256, Compression::default())?;
    let sha1 = Pair::alike()?;
    for (way, (here, there)) in pair.both_ways().into_iter().enumerate() {
        let mut browser = Browser::new();
        browser.post(here, "/login")?;
        let signature =
            browser.session().and_then(|cookie| cookie.rsplit('.').next()).map(str::len);
        assert_eq!(signature, Some(43), "32 bytes in base64");
        browser.post(there, "/visit")?;
        assert_eq!(browser.state(here)?, logged_in(Some("1")));
        assert_eq!(browser.state(sha1.both_ways()[way].1)?, json!({}));
    }
    Ok(())
}

#[test]
fn tampered_cookie_opens_fresh_session_on_both_sides() -> Result<()> {
    let pair = Pair::alike()?;
    for (here, there) in pair.both_ways() {
        let mut browser = Browser::new();
        browser.post(here, "/login")?;
        let genuine = browser.session().ok_or("logged in")?.to_owned();
        for forged in forgeries(&genuine)? {
            for application in [here, there] {
                browser.forge_session(&forged);
                assert_eq!(
                    browser.state(application)?,
                    json!({}),
                    "{application} took {forged} for {genuine}"
                );
            }
        }
        browser.forge_session(&genuine);
        assert_eq!(browser.state(there)?, logged_in(None));
    }
    Ok(())
}

#[test]
fn session_with_only_tag_like_key_is_read_by_both_sides() -> Result<()> {
    let mut flask = Batch::start(Signing::default())?;
    let rust = RustSessions::new(Signing::default())?;
    for key in [" t", " b", " m", " u", " d", " di"] {
        let session = json!(["dict", {key: ["list", [["int", "1"]]]}]);
        let ((), written) = rust.request(None, |session| Ok(session.insert(key, [1])?))?;
        let loaded = flask.ask(&json!({"do": "load", "cookie": written}))?;
        assert_eq!(loaded["session"], session, "written by Rust");

        let signed = flask.ask(&json!({"do": "sign", "session": session}))?;
        let read = |session: &Session| Ok((session.keys(), session.get::<Vec<u8>>(key)?));
        let (read, _) = rust.request(signed["cookie"].as_str(), read)?;
        assert_eq!(read, (vec![key.to_owned()], Some(vec![1])), "written by Flask");
    }
    Ok(())
}

/// Returns the reply of `/state` after `/login` and this number of visits.
fn logged_in(visits: Option<&str>) -> Value {
    let mut state = json!({"_permanent": ["bool", true], "user": ["str", "ada"]});
    if let Some(visits) = visits {
        state["visits"] = json!(["int", visits]);
    }
    state
}

fn is_compressed(browser: &Browser) -> bool {
    browser.session().is_some_and(|cookie| cookie.starts_with('.'))
}

/// Returns modified copies of a genuine cookie.
fn forgeries(genuine: &str) -> Result<Vec<String>> {
    let (signed, signature) = genuine.rsplit_once('.').ok_or("a signature")?;
    let (payload, timestamp) = signed.rsplit_once('.').ok_or("a timestamp")?;
    let changed = |text: &str| {
        let replacement = if text.starts_with('A') { 'B' } else { 'A' };
        format!("{replacement}{}", &text[1..])
    };
    Ok(vec![
        format!("{}.{timestamp}.{signature}", changed(payload)),
        format!("{payload}.{}.{signature}", changed(timestamp)),
        format!("{payload}.{timestamp}.{}", changed(signature)),
        format!("{payload}.{timestamp}.{}", &signature[..signature.len() - 2]),
        format!("eyJ1c2VyIjoicm9vdCJ9.{timestamp}.{signature}"),
        format!(".{genuine}"),
        signed.to_owned(),
        payload.to_owned(),
        format!("{payload}.{timestamp}."),
        "..".to_owned(),
        "not a session".to_owned(),
    ])
}
