//! A browser for tests. It clicks through the shop in this process, stores cookies, and can be
//! closed.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use session_cookie::SignedCookieSessions;
use session_core::config::SecretKey;
use session_core::store::OwnerIndex;
use session_core::{ManualClock, ServerSideSessions, SessionConfig};
use session_tower::testing::{Request, TestClient, TestResponse};
use shop::Sessions;

pub(crate) struct Browser {
    client: TestClient<Router>,
    pub(crate) clock: ManualClock,
    /// The value of `User-Agent`.
    pub(crate) agent: &'static str,
}

pub(crate) struct Page {
    answer: TestResponse,
    pub(crate) body: String,
}

impl Browser {
    /// Opens a browser on a new shop, on 14 November 2023 at 22:13:20.
    pub(crate) fn open() -> Self {
        let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let config =
            SessionConfig::builder().cookie_secure(false).clock(clock.clone()).build().unwrap();
        let sessions =
            Arc::new(SignedCookieSessions::new(config, &SecretKey::generate().unwrap()).unwrap());
        let shop = Sessions::new(sessions.clone(), &SecretKey::generate().unwrap()).unwrap();
        let client = TestClient::new(shop::app(&shop), sessions);
        Self { client, clock, agent: "" }
    }

    /// Opens a browser on a shop with these sessions and this clock.
    pub(crate) fn before(
        sessions: ServerSideSessions<impl OwnerIndex>,
        key: &SecretKey,
        clock: ManualClock,
    ) -> Self {
        let shop = Sessions::on_server(sessions, key).unwrap();
        let client = TestClient::new(shop::app(&shop), Arc::clone(&shop.interface));
        Self { client, clock, agent: "" }
    }

    /// Closes and reopens the browser, which removes cookies without an expiry.
    pub(crate) fn restart(&mut self) {
        self.client.browser_mut().restart();
    }

    pub(crate) fn cookie_value(&self) -> Option<&str> {
        self.client.browser().cookie("session")
    }

    /// Stores this cookie, independent of its origin.
    pub(crate) fn take_cookie(&mut self, value: &str) {
        self.client.browser_mut().receive("/", &format!("session={value}; Path=/")).unwrap();
    }

    /// Opens a page, and follows redirects.
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let mut page = self.open_page(path).await;
        for _ in 0..3 {
            let Some(location) = page.location().map(str::to_owned) else { break };
            page = self.open_page(&location).await;
        }
        page
    }

    pub(crate) async fn open_page(&mut self, path: &str) -> Page {
        self.send(Request::new("GET", path).with_header("sec-fetch-mode", "navigate")).await
    }

    /// Sends a form as a current browser does.
    pub(crate) async fn post(&mut self, path: &str, form: &str) -> Page {
        self.post_from(path, form, &[("sec-fetch-site", "same-origin")]).await
    }

    /// Sends a form with headers that name its origin.
    pub(crate) async fn post_from(
        &mut self,
        path: &str,
        form: &str,
        headers: &[(&str, &str)],
    ) -> Page {
        let request = Request::new("POST", path)
            .with_header("content-type", "application/x-www-form-urlencoded");
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.with_header(*name, *value));
        self.send(request.with_body(form)).await
    }

    /// Sends a form, follows the redirect and returns the page.
    pub(crate) async fn submit(&mut self, path: &str, form: &str) -> Page {
        let answer = self.post(path, form).await;
        assert_eq!(answer.status(), 303, "{path}: {}", answer.text());
        self.get(answer.location().unwrap()).await
    }

    async fn send(&mut self, request: Request) -> Page {
        let answer = self.client.send(request.with_header("user-agent", self.agent)).await.unwrap();
        Page { body: answer.text(), answer }
    }
}

impl Deref for Page {
    type Target = TestResponse;

    fn deref(&self) -> &TestResponse {
        &self.answer
    }
}

impl Page {
    pub(crate) fn says(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    /// Returns the flash messages on the page, each with its category.
    pub(crate) fn flashes(&self) -> Vec<(&str, &str)> {
        let flashes = self.body.split("<p class=\"flash ").skip(1);
        flashes.map(|rest| rest.split_once("</p>").unwrap().0.split_once("\">").unwrap()).collect()
    }

    /// Returns the value next to a name on the page about the session.
    pub(crate) fn fact(&self, name: &str) -> &str {
        let start = format!("<dt>{name}</dt><dd class=\"value\">");
        let rest = self
            .body
            .split_once(&start)
            .unwrap_or_else(|| panic!("no fact {name}: {}", self.body))
            .1;
        rest.split_once("</dd>").unwrap().0
    }

    /// Returns the number of products in the page header.
    pub(crate) fn count(&self) -> Option<&str> {
        let rest = self.body.split_once("<span class=\"count\">")?.1;
        Some(rest.split_once('<').unwrap().0)
    }

    /// Returns the handles that the buttons on the page of the devices send.
    pub(crate) fn handles(&self) -> Vec<&str> {
        let inputs = self.body.split("name=\"handle\" value=\"").skip(1);
        inputs.map(|rest| rest.split_once('"').unwrap().0).collect()
    }

    /// Returns the tokens of the forms on the page.
    pub(crate) fn tokens(&self) -> Vec<&str> {
        let inputs = self.body.split("name=\"csrf_token\" value=\"").skip(1);
        inputs.map(|rest| rest.split_once('"').unwrap().0).collect()
    }

    pub(crate) fn logged_in(&self) -> bool {
        self.says("action=\"/logout\"")
    }
}
