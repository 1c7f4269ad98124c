//! The page of the devices, and a new password.

use std::time::Duration;

use crate::browser::Browser;
use crate::{LOGIN, MOONFLOWER, browsers};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1";

/// Returns a laptop and a phone. Both are logged in, and both show the page of the devices.
async fn devices() -> [Browser; 2] {
    let [mut laptop, mut phone] = browsers();
    (laptop.agent, phone.agent) = (FIREFOX, IPHONE);
    laptop.submit("/login", LOGIN).await;
    laptop.clock.advance(Duration::from_mins(5));
    phone.submit("/cart", MOONFLOWER).await;
    phone.submit("/login", LOGIN).await;
    [laptop, phone]
}

#[tokio::test]
async fn devices_page_lists_devices_and_marks_current() {
    let [mut laptop, _] = devices().await;
    let page = laptop.get("/devices").await;
    assert!(
        page.says("Firefox on Linux <span class=\"count\">this device</span>"),
        "{}",
        page.body
    );
    assert!(
        page.says("<h2>Safari on iPhone</h2><p>Began just now, last seen just now.</p>"),
        "{}",
        page.body
    );
    assert!(page.says("<p>Began 5 minutes ago, last seen 5 minutes ago.</p>"), "{}", page.body);
    assert_eq!(page.handles().len(), 1, "this device has no button");
    assert!(
        laptop.get("/devices").await.says("Began 5 minutes ago, last seen just now."),
        "the visit renewed it"
    );
}

#[tokio::test]
async fn device_is_logged_out_from_outdated_page() {
    let [mut laptop, mut phone] = devices().await;
    let page = laptop.get("/devices").await;
    phone.get("/").await;
    laptop.clock.advance(Duration::from_hours(1));
    let form = format!("handle={}", page.handles()[0]);
    let page = laptop.submit("/devices/end", &form).await;
    assert_eq!(page.flashes(), [("success", "That device is logged out.")]);
    assert!(page.handles().is_empty() && page.logged_in());
    assert!(!phone.get("/").await.logged_in());
    let page = laptop.submit("/devices/end", &form).await;
    assert_eq!(page.flashes(), [("info", "That device was logged out already.")]);
}

#[tokio::test]
async fn log_out_elsewhere_ends_all_other_devices() {
    let [mut laptop, mut phone] = devices().await;
    let page = phone.submit("/devices/end-others", "").await;
    assert_eq!(page.flashes(), [("success", "Logged out elsewhere: one device.")]);
    assert!(page.logged_in() && !page.says("Firefox on Linux"), "{}", page.body);
    assert!(!laptop.get("/").await.logged_in());
}

#[tokio::test]
async fn password_change_ends_other_devices_and_rotates_id() {
    let [mut laptop, mut phone] = devices().await;
    let page = laptop.submit("/password", "current=guessed&new=x").await;
    assert_eq!(page.flashes(), [("error", "That is not your password.")]);
    assert!(phone.get("/").await.logged_in());

    let before = laptop.cookie_value().unwrap().to_owned();
    let page = laptop.submit("/password", "current=lovelace&new=x").await;
    assert_eq!(
        page.flashes(),
        [("success", "Your session has a new id. Logged out elsewhere: one device.")]
    );
    assert!(page.logged_in());
    assert!(!phone.get("/").await.logged_in());
    phone.take_cookie(&before);
    assert!(!phone.get("/").await.logged_in(), "the old id is worth something");
}

#[tokio::test]
async fn visitor_without_login_sees_and_ends_no_devices() {
    let [mut laptop, mut stranger] = devices().await;
    let handle = stranger.get("/devices").await.handles()[0].to_owned();
    stranger.submit("/logout", "").await;
    let answer = stranger.open_page("/devices").await;
    assert_eq!((answer.status(), answer.location()), (303, Some("/login?next=%2Fdevices")));
    let handle = format!("handle={handle}");
    for (path, form) in [
        ("/devices/end", &*handle),
        ("/devices/end-others", ""),
        ("/password", "current=lovelace&new=x"),
    ] {
        assert_eq!(stranger.post(path, form).await.status(), 401, "{path}");
    }
    assert!(laptop.get("/devices").await.says("this device"));
}

#[tokio::test]
async fn devices_page_with_signed_cookies_shows_limit() {
    let mut browser = Browser::open();
    browser.agent = FIREFOX;
    browser.submit("/login", LOGIN).await;
    let page = browser.get("/devices").await;
    assert!(page.says("it cannot end them: only those browsers know them."), "{}", page.body);
    assert!(page.handles().is_empty() && !page.says("type=\"password\""));
    let page = browser.submit("/password", "current=lovelace&new=x").await;
    assert_eq!(page.flashes(), [("success", "A new stamp would log you out elsewhere.")]);
}
