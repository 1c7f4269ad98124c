//! Pages that need a login, a recent login or no login, and remembered browsers.

use std::time::Duration;

use crate::browser::Browser;
use crate::{LOGIN, MOONFLOWER, REMEMBERED, browsers};

#[tokio::test]
async fn visitor_comes_back_to_page_after_login() {
    let [in_memory, _] = browsers();
    for mut browser in [Browser::open(), in_memory] {
        let login = browser.open_page("/devices").await.location().unwrap().to_owned();
        let page = browser.submit(&login, "user=ada&password=byron").await;
        assert!(page.says("<h1>Log in</h1>"), "{}", page.body);
        let page = browser.submit(&login, LOGIN).await;
        assert!(page.says("<h1>Your devices</h1>"), "{}", page.body);
        for hostile in ["/login?next=//evil.example", "/login?next=/%5Cevil.example"] {
            assert_eq!(browser.post(hostile, LOGIN).await.location(), Some("/"), "{hostile}");
        }
    }
}

#[tokio::test]
async fn new_password_needs_login_of_last_ten_minutes() {
    let [in_memory, _] = browsers();
    for mut browser in [Browser::open(), in_memory] {
        browser.submit("/login", LOGIN).await;
        assert!(browser.get("/password").await.says("<h1>Change your password</h1>"));
        browser.clock.advance(Duration::from_secs(10 * 60 + 1));
        let form = "current=lovelace&new=x";
        assert_eq!(browser.post("/password", form).await.status(), 401);
        assert!(browser.get("/devices").await.says("<h1>Your devices</h1>"), "still logged in");
        let answer = browser.open_page("/password").await;
        assert_eq!(answer.location(), Some("/login?next=%2Fpassword"));
        let page = browser.submit("/login?next=%2Fpassword", LOGIN).await;
        assert!(page.says("<h1>Change your password</h1>"), "{}", page.body);
        assert_eq!(browser.submit("/password", form).await.flashes().len(), 1);
    }
}

#[tokio::test]
async fn page_for_visitors_sends_user_home() {
    let mut browser = Browser::open();
    assert!(browser.get("/join").await.says("<h1>New here?</h1>"));
    browser.submit("/login", LOGIN).await;
    assert_eq!(browser.open_page("/join").await.location(), Some("/"));
}

#[tokio::test]
async fn remembered_browser_must_log_in_for_new_password() {
    let [mut browser, _] = browsers();
    let mut forgotten = browsers().into_iter().next().unwrap();
    forgotten.submit("/login", LOGIN).await;
    forgotten.restart();
    assert!(!forgotten.get("/").await.logged_in());

    browser.submit("/cart", MOONFLOWER).await;
    browser.submit("/login", REMEMBERED).await;
    browser.restart();
    browser.clock.advance(Duration::from_hours(29 * 24));
    assert!(browser.get("/").await.logged_in());
    let answer = browser.open_page("/password").await;
    assert_eq!(answer.location(), Some("/login?next=%2Fpassword"));
    assert_eq!(browser.get("/devices").await.handles().len(), 0, "one session");

    browser.submit("/logout", "").await;
    browser.restart();
    assert!(!browser.get("/").await.logged_in(), "a logout ends the series");
}
