//! Forms of a Flask application that uses Flask-WTF, and of a Rust one with the same session.

use std::time::{Duration, SystemTime};

use flask_interop::{Browser, FlaskApp, Result, RustApp, Signing};
use session_cookie::Compression;
use session_core::ManualClock;

/// An application, and the status of its refusals: Flask-WTF sends 400, and the Rust layer 403.
struct Application<'a> {
    url: &'a str,
    refusal: u16,
}

fn token(browser: &mut Browser, application: &str) -> Result<String> {
    let answer = browser.get(application, "/csrf-token")?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Ok(answer.body)
}

/// Sends the form of an old browser, and returns the status.
fn send(browser: &mut Browser, application: &str, token: &str) -> Result<u16> {
    let form = format!("product=7&csrf_token={token}");
    Ok(browser.send_form(application, "/protected", &form, &[])?.status)
}

#[test]
fn csrf_token_of_each_side_is_accepted_by_other() -> Result<()> {
    let flask = FlaskApp::start(Signing::default())?;
    let rust = RustApp::start(Signing::default(), Compression::WheneverShorter)?;
    let flask = Application { url: flask.url(), refusal: 400 };
    let rust = Application { url: rust.url(), refusal: 403 };
    for (here, there) in [(&flask, &rust), (&rust, &flask)] {
        let mut browser = Browser::new();
        let own = token(&mut browser, here.url)?;
        let secret = browser.state(here.url)?["csrf_token"].clone();
        let others = token(&mut browser, there.url)?;
        assert_eq!(browser.state(there.url)?["csrf_token"], secret, "the secret was replaced");
        let others_token = token(&mut Browser::new(), here.url)?;
        for application in [there, here] {
            for token in [&own, &others] {
                assert_eq!(send(&mut browser, application.url, token)?, 200, "{token}");
                for name in ["X-CSRFToken", "X-CSRF-Token"] {
                    let headers = [(name, token.as_str())];
                    let answer = browser.send_form(application.url, "/protected", "", &headers)?;
                    assert_eq!(answer.status, 200, "{name}: {token}");
                }
            }
            let longer = format!("{own}A");
            for token in ["", &others_token, &own[1..], &longer, "a.b.c"] {
                let status = send(&mut browser, application.url, token)?;
                assert_eq!(status, application.refusal, "{token}");
            }
        }
    }
    Ok(())
}

#[test]
fn csrf_token_expires_after_hour_on_both_sides() -> Result<()> {
    let flask = FlaskApp::start(Signing::default())?;
    for (age, flask_status, rust_status) in
        [(Duration::from_mins(59), 200, 200), (Duration::from_mins(61), 400, 403)]
    {
        let now = SystemTime::now();
        let before = RustApp::start_at(Signing::default(), ManualClock::at(now - age))?;
        let mut browser = Browser::new();
        let old = token(&mut browser, before.url())?;
        assert_eq!(send(&mut browser, before.url(), &old)?, 200);
        assert_eq!(send(&mut browser, flask.url(), &old)?, flask_status, "{age:?}");

        let after = RustApp::start_at(Signing::default(), ManualClock::at(now + age))?;
        let mut browser = Browser::new();
        let old = token(&mut browser, flask.url())?;
        assert_eq!(send(&mut browser, after.url(), &old)?, rust_status, "{age:?}");
    }
    Ok(())
}

#[test]
fn csrf_token_of_other_key_is_refused_on_both_sides() -> Result<()> {
    let other = Signing::with_key("the key of another shop, 0123456789abcdef");
    let flask = FlaskApp::start(Signing::default())?;
    let rust = RustApp::start(Signing::default(), Compression::WheneverShorter)?;
    let other_flask = FlaskApp::start(other)?;
    let other_rust = RustApp::start(other, Compression::WheneverShorter)?;
    for (application, other, refusal) in
        [(flask.url(), other_rust.url(), 400), (rust.url(), other_flask.url(), 403)]
    {
        let mut browser = Browser::new();
        let genuine = token(&mut browser, application)?;
        let forged = token(&mut Browser::new(), other)?;
        assert_eq!(send(&mut browser, application, &forged)?, refusal);
        assert_eq!(send(&mut browser, application, &genuine)?, 200);
    }
    Ok(())
}

#[test]
fn referer_is_checked_on_https_on_both_sides() -> Result<()> {
    const REFERERS: [(Option<&str>, bool); 10] = [
        (Some("https://shop.example.com/form?page=2"), true),
        (Some("https://shop.example.com"), true),
        (Some("HTTPS://shop.example.com/"), true),
        (Some("http://shop.example.com/"), false),
        (Some("https://shop.example.com:8443/"), false),
        (Some("https://shop.example.com.evil.example/"), false),
        (Some("https://evil.example/https://shop.example.com/"), false),
        (Some("/form"), false),
        (Some(""), false),
        (None, false),
    ];
    let flask = FlaskApp::start(Signing::default())?;
    let rust = RustApp::on_https(Signing::default())?;
    for (application, refusal) in [(flask.url(), 400), (rust.url(), 403)] {
        let mut browser = Browser::new();
        browser.set_header("host", "shop.example.com");
        browser.set_header("x-forwarded-proto", "https");
        let form = format!("csrf_token={}", token(&mut browser, application)?);
        for (referer, is_accepted) in REFERERS {
            let headers: Vec<_> = referer.map(|referer| ("referer", referer)).into_iter().collect();
            let answer = browser.send_form(application, "/protected", &form, &headers)?;
            let expected = if is_accepted { 200 } else { refusal };
            assert_eq!(answer.status, expected, "{application} {referer:?}: {}", answer.body);
        }
    }
    Ok(())
}
