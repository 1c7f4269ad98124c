//! Visits of the shop: login and logout, one device and two, two tabs, and later visits.

use std::sync::Arc;
use std::time::Duration;

use session_cookie::SignedCookieSessions;
use session_core::config::SecretKey;
use session_core::interface::{OpenContext, Opened, Save, Saved};
use session_core::{Error, SessionConfig, SessionInterface, async_trait};
use session_memory::{MemorySessions, MemoryStore};
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::browser::Browser;
use crate::shop::{Shop, open_with, sqlite};

#[tokio::test]
async fn login_at_checkout_keeps_cart() {
    let (shop, browser) = (Shop::open(&[]), Browser::open().await);
    browser.visit(shop.url()).await;
    browser.press("Add Moonflower to cart").await;
    assert!(browser.sees("Moonflower is in your cart.").await);
    browser.follow("Cart 1 in it").await;
    browser.press("Check out").await;
    assert!(browser.sees("Please log in to check out.").await);

    browser.fill("User", "ada").await;
    browser.fill("Password", "byron").await;
    browser.press("Log in").await;
    assert!(browser.sees("do not belong together").await && !browser.is_logged_in().await);

    browser.log_in(shop.url(), false).await;
    assert!(browser.sees("Welcome, Ada.").await && browser.is_logged_in().await);
    assert_eq!(browser.cart(shop.url()).await, ["Moonflower"]);
    browser.press("Check out").await;
    assert!(browser.sees("Thank you, Ada!").await);
    assert!(browser.cart(shop.url()).await.is_empty());
}

#[tokio::test]
async fn concurrent_adds_in_two_tabs_are_both_kept() {
    let sessions = MemorySessions::new(MemoryStore::new(), SessionConfig::development());
    assert_eq!(cart_of_two_tabs(Meeting::of(sessions)).await, ["Moonflower", "Night phlox"]);
}

#[tokio::test]
async fn signed_cookie_keeps_one_of_two_concurrent_adds() {
    let key = SecretKey::generate().unwrap();
    let sessions =
        Meeting::of(SignedCookieSessions::new(SessionConfig::development(), &key).unwrap());
    let cart = cart_of_two_tabs(sessions).await;
    assert!(cart == ["Moonflower"] || cart == ["Night phlox"], "{cart:?}");
}

const PRESS_IN_BOTH_TABS: &str = "
    setTimeout(() => {
        for (const [tab, product] of [[window, 'moonflower'], [other, 'night-phlox']]) {
            tab.isLeft = true;
            tab.document.querySelector(`#${product} button`).click();
        }
    })";

/// Adds one product in each of two tabs at the same time, and returns the cart afterwards.
async fn cart_of_two_tabs(sessions: Arc<dyn SessionInterface>) -> Vec<String> {
    let (shop, browser) = (open_with(sessions).await, Browser::open().await);
    // The session must exist first. Otherwise, each tab would start a new session.
    browser.visit(&format!("{shop}/preferences")).await;
    browser.press("Save").await;

    browser.visit(&shop).await;
    // One script presses both buttons, because after a press the driver waits for the response.
    browser
        .script(
            "window.other = open('/'); return new Promise(opened => other.onload = () => opened())",
        )
        .await;
    browser.script(PRESS_IN_BOTH_TABS).await;
    for tab in browser.tabs().await {
        browser.go_to(&tab).await;
        browser.wait_until("return !window.isLeft && document.readyState === 'complete'").await;
    }
    browser.cart(&shop).await
}

/// Sessions for two concurrent requests to the cart: neither continues before both have opened the
/// session.
#[derive(Debug)]
struct Meeting<I> {
    sessions: I,
    both: Barrier,
}

impl<I: SessionInterface> Meeting<I> {
    fn of(sessions: I) -> Arc<dyn SessionInterface> {
        Arc::new(Self { sessions, both: Barrier::new(2) })
    }
}

#[async_trait]
impl<I: SessionInterface> SessionInterface for Meeting<I> {
    fn config(&self) -> &SessionConfig {
        self.sessions.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let opened = self.sessions.open(context).await?;
        let has_cart = opened.clone().into_session().contains_key("cart");
        if context.request().path() == "/cart" && !has_cart {
            // A single request continues after a while, so that the test can show the result.
            let _ = timeout(Duration::from_secs(20), self.both.wait()).await;
        }
        Ok(opened)
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        self.sessions.save(save).await
    }
}

#[tokio::test]
async fn logout_in_one_tab_logs_out_other_tab() {
    let (shop, browser) = (Shop::open(&["--store", "memory"]), Browser::open().await);
    browser.log_in(shop.url(), false).await;
    let one = browser.tab().await;
    let cookie = browser.cookie().await.unwrap();
    browser.new_tab().await;
    browser.visit(shop.url()).await;
    assert!(browser.is_logged_in().await);
    browser.press("Log out").await;
    assert!(browser.sees("You are logged out.").await);

    browser.go_to(&one).await;
    browser.reload().await;
    assert!(!browser.is_logged_in().await);
    browser.plant(&cookie).await;
    browser.reload().await;
    assert!(!browser.is_logged_in().await, "a copy of the cookie logs in again");
}

#[tokio::test]
async fn two_devices_have_separate_sessions() {
    let shop = Shop::open(&["--store", "memory"]);
    let (phone, desk) = tokio::join!(Browser::open(), Browser::open());
    phone.log_in(shop.url(), false).await;
    desk.visit(shop.url()).await;
    assert!(!desk.is_logged_in().await);
    desk.log_in(shop.url(), false).await;
    assert_ne!(phone.cookie().await.unwrap().value(), desk.cookie().await.unwrap().value());

    desk.visit(shop.url()).await;
    desk.press("Add Night phlox to cart").await;
    assert!(phone.cart(shop.url()).await.is_empty());
    phone.press("Log out").await;
    assert_eq!(desk.cart(shop.url()).await, ["Night phlox"]);
    assert!(desk.is_logged_in().await && !phone.is_logged_in().await);
}

#[tokio::test]
async fn user_lists_devices_and_logs_them_out() {
    let shop = Shop::open(&["--store", "memory"]);
    let (phone, desk) = tokio::join!(Browser::open(), Browser::open());
    phone.log_in(shop.url(), false).await;
    desk.log_in(shop.url(), false).await;
    desk.follow("Devices").await;
    let devices = desk
        .script("return [...document.querySelectorAll('.devices h2')].map(name => name.innerText)")
        .await;
    let devices: Vec<String> = serde_json::from_value(devices).unwrap();
    let (this, others): (Vec<_>, Vec<_>) =
        devices.iter().partition(|name| name.ends_with("this device"));
    let ([_], [other]) = (&this[..], &others[..]) else { panic!("{devices:?}") };

    desk.press(&format!("Log out of {other}")).await;
    assert!(desk.sees("That device is logged out.").await);
    phone.reload().await;
    assert!(desk.is_logged_in().await && !phone.is_logged_in().await);

    phone.log_in(shop.url(), false).await;
    desk.follow("Devices").await;
    desk.press("Log out everywhere else").await;
    assert!(desk.sees("Logged out elsewhere: one device.").await);
    phone.reload().await;
    assert!(desk.is_logged_in().await && !phone.is_logged_in().await);
}

#[tokio::test]
async fn login_survives_restart_of_shop() {
    let browser = Browser::open().await;
    for store in ["cookie", &sqlite()] {
        let shop = Shop::open(&["--store", store]);
        browser.log_in(shop.url(), false).await;
        let shop = shop.restart(&["--store", store]);
        browser.visit(shop.url()).await;
        assert!(browser.is_logged_in().await, "{store}");
    }
}

#[tokio::test]
async fn only_remembered_login_survives_closed_chromium() {
    let (shop, mut browser) = (Shop::open(&["--store", "memory"]), Browser::open().await);
    for remember in [false, true] {
        browser.log_in(shop.url(), remember).await;
        browser = browser.restart().await;
        browser.visit(shop.url()).await;
        assert_eq!(browser.is_logged_in().await, remember);
    }
}
