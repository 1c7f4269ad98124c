//! Every page on a phone and on a desktop, in the light and the dark theme. The pages do not
//! overflow, and all texts are legible and labelled.
//!
//! With `UPDATE_SCREENSHOTS=1` in the environment, the tests update the pictures in
//! `docs/screenshots`. This needs Debian's `pngquant`.

use std::path::Path;
use std::process::Command;

use crate::browser::Browser;
use crate::devtools::Screen;
use crate::shop::{Shop, serve_page};

const PHONE: Screen = Screen { width: 375, height: 740, dark: false };
const DESK: Screen = Screen { width: 1280, height: 800, dark: false };

/// The pages for every visitor.
const PAGES: [&str; 7] = ["/", "/cart", "/login", "/join", "/preferences", "/session", "/nowhere"];

/// The saved screenshots, with their page and screen.
const PICTURES: [(&str, Screen, &str); 7] = [
    ("home, logged in", DESK, "home-1280.png"),
    ("home, logged in", Screen { dark: true, ..PHONE }, "home-375-night.png"),
    ("/cart, logged in", Screen { dark: true, ..DESK }, "cart-1280-night.png"),
    ("/cart, logged in", PHONE, "cart-375.png"),
    ("/session, logged in", DESK, "session-1280.png"),
    ("/devices, logged in", DESK, "devices-1280.png"),
    ("/login", PHONE, "login-375.png"),
];

#[tokio::test]
async fn pages_have_no_fault_on_any_screen() {
    let (shop, browser) = (Shop::open(&["--store", "memory"]), Browser::open().await);
    for path in PAGES {
        browser.visit(&format!("{}{path}", shop.url())).await;
        examine(&browser, path).await;
    }
    browser.visit(shop.url()).await;
    for _ in 0..2 {
        browser.press("Add Moonflower to cart").await;
    }
    browser.press("Add Night phlox to cart").await;
    examine(&browser, "home with a message").await;
    browser.visit(&format!("{}/login", shop.url())).await;
    browser.fill("User", "ada").await;
    browser.fill("Password", "byron").await;
    browser.press("Log in").await;
    examine(&browser, "/login after a wrong password").await;
    browser.log_in(shop.url(), true).await;
    examine(&browser, "/cart with a message").await;
    let other = Browser::open().await;
    other.log_in(shop.url(), false).await;
    for (path, name) in [
        ("/", "home, logged in"),
        ("/cart", "/cart, logged in"),
        ("/preferences", "/preferences, logged in"),
        ("/session", "/session, logged in"),
        ("/devices", "/devices, logged in"),
        ("/password", "/password, logged in"),
        ("/nowhere", "/nowhere, logged in"),
    ] {
        browser.visit(&format!("{}{path}", shop.url())).await;
        examine(&browser, name).await;
    }
}

#[tokio::test]
async fn theme_preference_overrides_system_theme() {
    let (shop, browser) = (Shop::open(&["--store", "memory"]), Browser::open().await);
    let background = "return getComputedStyle(document.body).backgroundColor";
    browser.visit(&format!("{}/preferences", shop.url())).await;
    browser.look_at(DESK).await;
    let day = browser.script(background).await;
    browser.look_at(Screen { dark: true, ..DESK }).await;
    let night = browser.script(background).await;
    assert_ne!(day, night);
    for (choice, wanted) in [("Light", &day), ("Dark", &night), ("As my system", &night)] {
        browser.tick(choice).await;
        browser.press("Save").await;
        assert_eq!(&browser.script(background).await, wanted, "{choice}");
    }
}

#[tokio::test]
async fn bad_page_is_found_with_all_faults() {
    let (server, browser) = (serve_page(include_str!("bad.html")).await, Browser::open().await);
    browser.visit(&server).await;
    browser.look_at(PHONE).await;
    let page = Page::of(&browser).await;
    let faults = browser.faults(&page.source).await.join("\n");
    for fault in [
        "the page has no language",
        "the page has no title",
        "there are 0 headings of the first rank",
        "the page scrolls sideways",
        "two elements have the id twice",
        "a field has no label: <input>",
        "a picture has no description",
        "a picture is missing",
        "a link or button has no name",
        "a finger misses this: <button",
        "the browser reads another tree: after",
        "the contrast of \"pale\" is 1.9",
    ] {
        assert!(faults.contains(fault), "{fault:?} is not found: {faults}");
    }
    assert_eq!(page.failures, [format!("{server}/missing.png: 404")]);
    let console = browser.console().await.join("\n");
    assert!(console.contains("missing.png") && console.contains("oh no"), "{console}");
}

/// The open page, and the resources that it loaded.
struct Page {
    source: String,
    failures: Vec<String>,
}

impl Page {
    async fn of(browser: &Browser) -> Self {
        let loads = browser.loads().await;
        let page = loads.iter().rfind(|load| load.is_page).unwrap();
        let failed = loads.iter().filter(|load| !load.is_page && load.status != Some(200));
        let failures = failed.map(|load| match load.status {
            Some(status) => format!("{}: {status}", load.url),
            None => format!("not loaded: {}", load.url),
        });
        Self { source: browser.body(page).await, failures: failures.collect() }
    }
}

/// Checks the open page on every screen, and saves screenshots if requested.
async fn examine(browser: &Browser, name: &str) {
    let page = Page::of(browser).await;
    assert!(page.failures.is_empty(), "{name}: {:?}", page.failures);
    for screen in [PHONE, DESK] {
        for dark in [false, true] {
            let screen = Screen { dark, ..screen };
            browser.look_at(screen).await;
            let faults = browser.faults(&page.source).await;
            assert!(faults.is_empty(), "{name} on {screen:?}:\n{}", faults.join("\n"));
            keep_picture(browser, name, screen).await;
        }
    }
    let mut console = browser.console().await;
    if name.starts_with("/nowhere") {
        // The page itself returns 404, and no other resource does.
        console.retain(|line| !(line.contains("/nowhere") && line.contains("404")));
    }
    assert!(console.is_empty(), "{name}: {console:?}");
}

async fn keep_picture(browser: &Browser, name: &str, screen: Screen) {
    let picture = PICTURES.iter().find(|(page, on, _)| (*page, *on) == (name, screen));
    let (Some((.., picture)), Some(_)) = (picture, std::env::var_os("UPDATE_SCREENSHOTS")) else {
        return;
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/screenshots").join(picture);
    std::fs::write(&file, browser.screenshot().await).unwrap();
    let smaller = Command::new("pngquant")
        .args(["--force", "--strip", "--ext", ".png", "128"])
        .arg(file)
        .status();
    assert!(smaller.unwrap().success());
}
