//! A Chromium with its own profile. Tests use it as a visitor does, by the texts on the page.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;
use test_servers::chromedriver;

/// A browser. It is closed on drop, even if the test fails.
pub(crate) struct Browser {
    pub(crate) client: Client,
    session: String,
    profile: PathBuf,
}

/// A tab of a browser.
#[derive(Clone)]
pub(crate) struct Tab(WindowHandle);

impl Browser {
    /// Opens a browser with a new profile.
    pub(crate) async fn open() -> Self {
        Self::open_profile(chromedriver().new_profile()).await
    }

    /// Closes the browser and reopens it with the same profile.
    pub(crate) async fn restart(self) -> Self {
        let profile = self.profile.clone();
        drop(self);
        Self::open_profile(profile).await
    }

    async fn open_profile(profile: PathBuf) -> Self {
        let Value::Object(capabilities) = chromedriver().capabilities(&profile) else {
            unreachable!()
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client =
            builder.capabilities(capabilities).connect(chromedriver().url()).await.unwrap();
        let session = client.session_id().await.unwrap().unwrap();
        Self { client, session, profile }
    }

    pub(crate) async fn visit(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    /// Types into the field with this label.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        self.click_on("label", label).await;
        self.client.active_element().await.unwrap().send_keys(text).await.unwrap();
    }

    /// Ticks the box or selects the choice with this label.
    pub(crate) async fn tick(&self, label: &str) {
        self.click_on("label", label).await;
    }

    /// Presses the button whose text starts with `button`. Text for screen readers can follow.
    pub(crate) async fn press(&self, button: &str) {
        self.leave_by("button", button).await;
    }

    /// Follows the link with this text.
    pub(crate) async fn follow(&self, link: &str) {
        self.leave_by("a", link).await;
    }

    /// Clicks and waits for the next page, because the driver does not always detect that a click
    /// opens another page.
    async fn leave_by(&self, tag: &str, text: &str) {
        self.script("window.isLeft = true").await;
        self.click_on(tag, text).await;
        self.wait_until("return !window.isLeft && document.readyState === 'complete'").await;
    }

    async fn click_on(&self, tag: &str, text: &str) {
        let path = format!("//{tag}[normalize-space()='{text}' or @aria-label='{text}']");
        self.client.find(Locator::XPath(&path)).await.unwrap().click().await.unwrap();
    }

    pub(crate) async fn log_in(&self, shop: &str, remember: bool) {
        self.visit(&format!("{shop}/login")).await;
        self.fill("User", "ada").await;
        self.fill("Password", "lovelace").await;
        if remember {
            self.tick("Remember me when the browser is closed").await;
        }
        self.press("Log in").await;
    }

    /// Returns whether the page shows this text.
    pub(crate) async fn sees(&self, text: &str) -> bool {
        self.script("return document.body.innerText").await.as_str().unwrap().contains(text)
    }

    /// Returns whether the page is that of a logged-in user.
    pub(crate) async fn is_logged_in(&self) -> bool {
        self.sees("Log out").await
    }

    /// Returns the products in the cart, by name.
    pub(crate) async fn cart(&self, shop: &str) -> Vec<String> {
        self.visit(&format!("{shop}/cart")).await;
        let names = self
            .script("return [...document.querySelectorAll('.cart h2')].map(name => name.innerText)")
            .await;
        serde_json::from_value(names).unwrap()
    }

    /// Returns all tabs, in no particular order.
    pub(crate) async fn tabs(&self) -> Vec<Tab> {
        self.client.windows().await.unwrap().into_iter().map(Tab).collect()
    }

    pub(crate) async fn tab(&self) -> Tab {
        Tab(self.client.window().await.unwrap())
    }

    /// Opens another tab and switches to it.
    pub(crate) async fn new_tab(&self) -> Tab {
        let tab = Tab(self.client.new_window(true).await.unwrap().handle);
        self.go_to(&tab).await;
        tab
    }

    pub(crate) async fn go_to(&self, tab: &Tab) {
        self.client.switch_to_window(tab.0.clone()).await.unwrap();
    }

    /// Waits until a script returns true.
    pub(crate) async fn wait_until(&self, script: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        // Scripts fail while the next page loads.
        while !self.client.execute(script, Vec::new()).await.is_ok_and(|value| value == true) {
            assert!(Instant::now() < deadline, "never true: {script}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Runs JavaScript on the page and returns its result.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The client's `close` needs a runtime that continues to run. This request also ends the
        // session if the test fails, and is complete when it returns. Without it, the browser ends
        // with the driver.
        let address = chromedriver().url().trim_start_matches("http://");
        if let Ok(mut connection) = TcpStream::connect(address) {
            let request =
                format!("DELETE /session/{} HTTP/1.1\r\nHost: {address}\r\n\r\n", self.session);
            let _ = connection.write_all(request.as_bytes());
            let _ = connection.read(&mut [0; 64]);
        }
    }
}
