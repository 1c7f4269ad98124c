//! Clicks through the shop as a visitor does, and checks the session.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod browser;
#[path = "clicking/devices.rs"]
mod devices;
#[path = "clicking/guards.rs"]
mod guards;

use std::time::{Duration, SystemTime};

use browser::Browser;
use session_core::config::SecretKey;
use session_core::{ManualClock, SessionConfig};
use session_memory::{MemorySessions, MemoryStore};

const LOGIN: &str = "user=ada&password=lovelace";
const REMEMBERED: &str = "user=ada&password=lovelace&remember=yes";
const MOONFLOWER: &str = "product=moonflower&change=add";

#[tokio::test]
async fn cart_survives_login() {
    let mut browser = Browser::open();
    assert_eq!(browser.submit("/cart", MOONFLOWER).await.count(), Some("1"));
    let page = browser.submit("/login", LOGIN).await;
    assert!(page.logged_in() && page.says("<h1>Your cart</h1>"), "{}", page.body);
    assert_eq!(page.count(), Some("1"));
    assert_eq!(page.flashes(), [("success", "Welcome, Ada. You are logged in.")]);
    assert!(browser.get("/").await.says("Good evening</span>, Ada."));
}

#[tokio::test]
async fn only_remembered_login_survives_closed_browser() {
    for (form, known) in [(LOGIN, false), (REMEMBERED, true)] {
        let mut browser = Browser::open();
        let answer = browser.post("/login", form).await;
        let cookie = answer.header("set-cookie").unwrap();
        assert_eq!(cookie.contains("Expires=Fri, 15 Dec 2023 22:13:20 GMT"), known, "{form}");
        assert!(
            cookie.contains("HttpOnly")
                && cookie.contains("SameSite=Lax")
                && !cookie.contains("Secure")
        );
        assert!(browser.get("/").await.logged_in(), "{form}");
        browser.restart();
        assert_eq!(browser.get("/").await.logged_in(), known, "{form}");
    }
}

#[tokio::test]
async fn remembered_login_expires_after_month_without_visit() {
    let month = Duration::from_hours(31 * 24);
    let mut browser = Browser::open();
    browser.submit("/login", REMEMBERED).await;
    for _ in 0..2 {
        browser.clock.advance(month);
        assert!(browser.get("/").await.logged_in());
    }
    browser.clock.advance(month + Duration::from_secs(1));
    assert!(!browser.get("/").await.logged_in());
}

#[tokio::test]
async fn failed_login_is_reported_once_without_login() {
    for form in ["user=ada&password=byron", "user=&password=", "user=unknown&password=lovelace"] {
        let mut browser = Browser::open();
        let page = browser.submit("/login", form).await;
        assert_eq!(
            page.flashes(),
            [("error", "That user and password do not belong together.")],
            "{form}"
        );
        assert!(page.says("<h1>Log in</h1>") && !page.logged_in(), "{form}");
        assert!(browser.get("/login").await.flashes().is_empty(), "{form}");
    }
}

#[tokio::test]
async fn logout_clears_session_and_shows_message() {
    let mut browser = Browser::open();
    browser.submit("/cart", MOONFLOWER).await;
    browser.submit("/preferences", "theme=dark&greeting=fr").await;
    browser.submit("/login", REMEMBERED).await;
    let page = browser.submit("/logout", "").await;
    assert_eq!(page.flashes(), [("info", "You are logged out.")]);
    assert!(!page.logged_in() && page.says("data-theme=\"auto\"") && page.says("Good evening"));
    assert_eq!(page.count(), None);
    assert_eq!(browser.cookie_value(), None, "the message was all that the session held");
    assert!(browser.get("/").await.flashes().is_empty());
}

#[tokio::test]
async fn preferences_are_saved_and_applied() {
    for (form, theme, greeting) in [
        ("theme=dark&greeting=fr", "dark", "<span lang=\"fr\">Bonsoir</span>"),
        ("theme=light&greeting=de", "light", "<span lang=\"de\">Guten Abend</span>"),
        ("theme=auto&greeting=es", "auto", "<span lang=\"es\">Buenas noches</span>"),
        ("theme=auto&greeting=cy", "auto", "<span lang=\"cy\">Noswaith dda</span>"),
        ("theme=auto&greeting=en", "auto", "<span lang=\"en\">Good evening</span>"),
    ] {
        let mut browser = Browser::open();
        let page = browser.submit("/preferences", form).await;
        assert_eq!(page.flashes(), [("success", "Your preferences are saved.")]);
        for field in form.split('&') {
            let (name, value) = field.split_once('=').unwrap();
            let chosen = format!("name=\"{name}\" value=\"{value}\" checked>");
            assert!(page.says(&chosen), "{chosen} in {}", page.body);
        }
        let home = browser.get("/").await;
        assert!(
            home.says(&format!("data-theme=\"{theme}\"")) && home.says(greeting),
            "{form}: {}",
            home.body
        );
    }
}

#[tokio::test]
async fn unknown_preference_changes_nothing() {
    let mut browser = Browser::open();
    let answer = browser.post("/preferences", "theme=pink&greeting=en").await;
    assert_eq!(answer.status(), 422);
    assert!(browser.get("/").await.says("data-theme=\"auto\""));
}

#[tokio::test]
async fn cart_buttons_change_quantities_and_total() {
    let mut browser = Browser::open();
    assert_eq!(
        browser.submit("/cart", MOONFLOWER).await.flashes(),
        [("success", "Moonflower is in your cart.")]
    );
    for (form, count, total) in [
        ("product=moonflower&change=more", Some("2"), "€6.40"),
        ("product=night-phlox&change=add", Some("3"), "€9.30"),
        ("product=night-phlox&change=more", Some("4"), "€12.20"),
        ("product=moonflower&change=less", Some("3"), "€9.00"),
        ("product=night-phlox&change=remove", Some("1"), "€3.20"),
        ("product=moonflower&change=less", None, "Your cart is empty"),
    ] {
        browser.submit("/cart", form).await;
        let cart = browser.get("/cart").await;
        assert_eq!(cart.count(), count, "{form}");
        let total = if count.is_some() {
            format!("Total <strong>{total}</strong>")
        } else {
            total.to_owned()
        };
        assert!(cart.says(&total), "{form}: {}", cart.body);
    }
}

#[tokio::test]
async fn unknown_product_is_not_found_and_not_added() {
    let mut browser = Browser::open();
    browser.submit("/cart", MOONFLOWER).await;
    let answer = browser.post("/cart", "product=triffid&change=add").await;
    assert_eq!(answer.status(), 404);
    assert_eq!(browser.get("/cart").await.count(), Some("1"));
}

#[tokio::test]
async fn checkout_requires_login_and_empties_cart() {
    let mut browser = Browser::open();
    browser.submit("/cart", MOONFLOWER).await;
    let page = browser.submit("/checkout", "").await;
    assert!(page.says("<h1>Log in</h1>"), "{}", page.body);
    assert_eq!(page.flashes(), [("info", "Please log in to check out. Your cart stays the same.")]);
    assert_eq!(page.count(), Some("1"));

    browser.submit("/login", LOGIN).await;
    let page = browser.submit("/checkout", "").await;
    assert_eq!(
        page.flashes(),
        [("success", "Thank you, Ada! Seeds for €3.20 are on their way to your garden.")]
    );
    assert_eq!(page.count(), None);
    assert!(page.logged_in());

    let page = browser.submit("/checkout", "").await;
    assert_eq!(page.flashes(), [("error", "There is nothing in your cart to buy.")]);
}

#[tokio::test]
async fn flash_message_survives_missing_page() {
    let mut browser = Browser::open();
    let answer = browser.post("/session/flash", "").await;
    assert_eq!(answer.header("location"), Some("/session"));
    assert!(browser.get("/apple-touch-icon.png").await.flashes().is_empty());
    let message = [("info", "Stored by one request, shown by the next, and then removed.")];
    assert_eq!(browser.get("/session").await.flashes(), message);
    assert!(browser.get("/session").await.flashes().is_empty());
}

#[tokio::test]
async fn session_page_shows_flags_of_its_request() {
    let mut browser = Browser::open();
    let flags = ["permanent", "new", "modified", "accessed"];
    let page = browser.get("/session").await;
    assert_eq!(flags.map(|flag| page.fact(flag)), ["no", "yes", "no", "yes"]);
    assert_eq!((page.fact("ends"), page.fact("size")), ("with the browser", "2 bytes"));
    assert!(page.says("the session is empty"));

    let page = browser.submit("/session/flash", "").await;
    assert_eq!(flags.map(|flag| page.fact(flag)), ["no", "no", "yes", "yes"]);

    browser.submit("/cart", MOONFLOWER).await;
    browser.submit("/login", REMEMBERED).await;
    browser.clock.advance(Duration::from_secs(61));
    let page = browser.get("/session").await;
    assert_eq!(flags.map(|flag| page.fact(flag)), ["yes", "no", "no", "yes"]);
    assert_eq!(page.fact("ends"), "Fri, 15 Dec 2023 22:14:21 GMT");
    assert!(page.header("set-cookie").unwrap().contains(page.fact("ends")));
    let payload = r#"{"cart":{"moonflower":1},"_permanent":true,"csrf_token":""}"#;
    assert_eq!(page.fact("size"), format!("{} bytes", payload.len() + 40));
    for key in ["cart", "_permanent", "csrf_token"] {
        assert!(page.says(&format!("<dt><code>{key}</code></dt>")), "{key}");
    }
}

#[tokio::test]
async fn session_page_shows_no_part_of_cookie() {
    let mut browser = Browser::open();
    browser.submit("/cart", MOONFLOWER).await;
    browser.submit("/login", REMEMBERED).await;
    let before = browser.cookie_value().unwrap().to_owned();
    let page = browser.get("/session").await;
    let after = browser.cookie_value().unwrap();
    let parts: Vec<_> = before.split('.').chain(after.split('.')).collect();
    assert_eq!(parts.len(), 6, "payload, time and signature, twice");
    for part in parts {
        assert!(!page.says(part), "{part}");
    }
}

#[tokio::test]
async fn missing_page_keeps_session() {
    let mut browser = Browser::open();
    browser.submit("/cart", MOONFLOWER).await;
    browser.submit("/login", LOGIN).await;
    browser.get("/").await;
    for path in ["/nothing", "/cart/nothing", "/checkout", "/logout"] {
        let page = browser.get(path).await;
        assert_eq!(page.status(), 404, "{path}");
        assert!(page.says("<h1>Nothing grows here</h1>") && page.logged_in(), "{path}");
        assert_eq!(page.count(), Some("1"), "{path}");
        assert!(page.header("set-cookie").is_none(), "{path}");
    }
    assert!(browser.get("/").await.logged_in());
}

#[tokio::test]
async fn pages_vary_by_cookie_and_files_do_not() {
    let mut browser = Browser::open();
    browser.submit("/login", REMEMBERED).await;
    let page = browser.get("/").await;
    assert_eq!(page.header("vary"), Some("Cookie"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    for path in ["/style.css", "/icon.svg"] {
        let file = browser.get(path).await;
        assert_eq!(file.status(), 200, "{path}");
        assert_eq!(file.header("cache-control"), Some("public, max-age=600"), "{path}");
        assert!(file.header("vary").is_none() && file.header("set-cookie").is_none(), "{path}");
    }
}

/// Returns two browsers on one shop that stores its sessions in memory.
fn browsers() -> [Browser; 2] {
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH);
    let config =
        SessionConfig::builder().cookie_secure(false).clock(clock.clone()).build().unwrap();
    let (store, key) = (MemoryStore::new(), SecretKey::generate().unwrap());
    let browser = || {
        let sessions = MemorySessions::new(store.clone(), config.clone());
        Browser::before(sessions, &key, clock.clone())
    };
    [browser(), browser()]
}

#[tokio::test]
async fn visitor_of_memory_shop_logs_in_shops_and_logs_out() {
    let [mut browser, _] = browsers();
    browser.submit("/cart", "product=moonflower&change=add").await;
    let page = browser.submit("/login", LOGIN).await;
    assert!(page.logged_in(), "{}", page.body);
    assert_eq!(page.count(), Some("1"));
    let page = browser.submit("/logout", "").await;
    assert_eq!(page.flashes(), [("info", "You are logged out.")]);
    assert!(!browser.get("/").await.logged_in());
}

#[tokio::test]
async fn login_rotates_id_and_logout_ends_every_copy() {
    let [mut browser, mut thief] = browsers();
    browser.submit("/cart", "product=moonflower&change=add").await;
    let before = browser.cookie_value().unwrap().to_owned();
    browser.submit("/login", LOGIN).await;
    let after = browser.cookie_value().unwrap().to_owned();
    assert_ne!(before, after);

    thief.take_cookie(&before);
    assert!(!thief.get("/").await.logged_in(), "the id from before the login is worth something");
    thief.take_cookie(&after);
    assert!(thief.get("/").await.logged_in());
    browser.submit("/logout", "").await;
    assert!(!thief.get("/").await.logged_in(), "a copied cookie outlives the logout");
}

#[tokio::test]
async fn form_of_other_site_or_without_token_is_refused() {
    let [in_memory, _] = browsers();
    for mut browser in [Browser::open(), in_memory] {
        for login in [None, Some(LOGIN)] {
            if let Some(form) = login {
                browser.submit("/login", form).await;
            }
            let page = browser.get("/").await;
            let forms = page.body.matches("method=\"post\"").count();
            assert_eq!(page.tokens().len(), forms, "each form has a token");
            let with_token = format!("{MOONFLOWER}&csrf_token={}", page.tokens()[0]);
            let cross_site = [("sec-fetch-site", "cross-site")];
            for (form, headers, status) in [
                (&with_token, &cross_site[..], 403),
                (&MOONFLOWER.to_owned(), &[], 403),
                (&with_token, &[], 303),
            ] {
                let response = browser.post_from("/cart", form, headers).await;
                assert_eq!(response.status(), status, "{headers:?} {form}");
            }
        }
        assert_eq!(browser.get("/cart").await.count(), Some("2"));
    }
}
