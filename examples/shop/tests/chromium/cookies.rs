//! The cookie as the browser keeps it, which is not always as it was sent.

use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::browser::Browser;
use crate::shop::Shop;

const ATTRIBUTES: [&str; 6] = ["name", "domain", "path", "httpOnly", "secure", "sameSite"];

#[tokio::test]
async fn the_browser_keeps_the_cookie_as_configured_and_from_scripts() {
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
    // A message waits in the session for the next page, which takes it.
    browser.visit(shop.url()).await;
    assert!(
        browser.cookie().await.is_none(),
        "logged out, the browser keeps {:?}",
        browser.cookie().await
    );
}

#[tokio::test]
async fn a_cookie_expires_in_a_month_if_the_visitor_asked_for_it_and_else_with_the_browser() {
    let (shop, browser) = (Shop::open(&["--store", "memory"]), Browser::open().await);
    browser.log_in(shop.url(), false).await;
    assert_eq!(browser.cookie().await.unwrap().expires(), None);
    browser.log_in(shop.url(), true).await;
    let expires = browser.cookie().await.unwrap().expires().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let month = Duration::from_hours(31 * 24);
    // A minute of it is the slack that spares the store a renewal at each visit.
    let late = expires - (now + month).as_secs_f64();
    assert!((-60.0..=61.0).contains(&late), "{late} seconds after a month");
    browser.log_in(shop.url(), false).await;
    assert_eq!(browser.cookie().await.unwrap().expires(), None, "a login without it ends it");
}

#[tokio::test]
async fn at_localhost_the_browser_keeps_a_secure_cookie_with_the_host_prefix() {
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
