//! The cookie as the browser stores it, which can differ from the header.

use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::browser::Browser;
use crate::shop::Shop;

const ATTRIBUTES: [&str; 6] = ["name", "domain", "path", "httpOnly", "secure", "sameSite"];

#[tokio::test]
async fn browser_stores_configured_cookie_hidden_from_scripts() {
    let (shop, browser) = (Shop::open(&[]), Browser::open().await);
    browser.visit(shop.url()).await;
    assert!(browser.cookie().await.is_none(), "a visit that stores nothing leaves a cookie");
    browser.log_in(shop.url(), false).await;
    let cookie = browser.cookie().await.unwrap();
    assert_eq!(
        cookie.attributes(ATTRIBUTES).map(|value| value.to_string()),
        ["\"session\"", "\"127.0.0.1\"", "\"/\"", "true", "false", "\"Lax\""]
    );
    assert_eq!(browser.script("return document.cookie").await, "");
    browser.press("Log out").await;
    // The next page shows the flash message and takes it out of the session.
    browser.visit(shop.url()).await;
    assert!(
        browser.cookie().await.is_none(),
        "logged out, the browser keeps {:?}",
        browser.cookie().await
    );
}

#[tokio::test]
async fn only_remembered_cookie_has_expiry() {
    let (shop, browser) = (Shop::open(&[]), Browser::open().await);
    browser.log_in(shop.url(), false).await;
    assert_eq!(browser.cookie().await.unwrap().expires(), None);
    browser.log_in(shop.url(), true).await;
    let expires = browser.cookie().await.unwrap().expires().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let month = Duration::from_hours(31 * 24);
    // The time between two renewals, which is a minute.
    let late = expires - (now + month).as_secs_f64();
    assert!((-60.0..=61.0).contains(&late), "{late} seconds after a month");
    browser.log_in(shop.url(), false).await;
    assert_eq!(browser.cookie().await.unwrap().expires(), None, "a login without it ends it");
}

#[tokio::test]
async fn browser_accepts_host_prefixed_cookie_at_localhost() {
    let (shop, browser) = (Shop::open(&["--store", "memory", "--secure"]), Browser::open().await);
    assert!(shop.url().starts_with("http://localhost:"), "{}", shop.url());
    browser.log_in(shop.url(), true).await;
    assert!(browser.is_logged_in().await);
    let cookie = browser.cookie().await.unwrap();
    assert_eq!(
        cookie.attributes(ATTRIBUTES),
        [
            json!("__Host-session"),
            json!("localhost"),
            json!("/"),
            json!(true),
            json!(true),
            json!("Lax")
        ]
    );
    let elsewhere = shop.url().replace("localhost", "127.0.0.1");
    browser.visit(&elsewhere).await;
    assert!(!browser.is_logged_in().await, "the cookie went to another host");
    browser.visit(shop.url()).await;
    browser.press("Log out").await;
    browser.visit(shop.url()).await;
    assert!(!browser.is_logged_in().await);
}
