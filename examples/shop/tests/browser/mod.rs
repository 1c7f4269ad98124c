//! A browser for tests: it clicks through the shop in this process, carries the cookie, and can be closed.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use session_cookie::SignedCookieSessions;
use session_core::{ManualClock, OwnerSessions, SecretKey, SessionConfig, SessionInterface};
use tower::ServiceExt;

pub(crate) struct Browser {
    shop: Router,
    pub(crate) clock: ManualClock,
    cookie: Option<Cookie>,
    /// What it calls itself.
    pub(crate) agent: &'static str,
}

struct Cookie {
    pair: String,
    expires: bool,
}

pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    /// A browser before a new shop, on 14 November 2023 at 22:13:20.
    pub(crate) fn open() -> Self {
        let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let config = SessionConfig::builder().cookie_secure(false).clock(clock.clone()).build().unwrap();
        let sessions = SignedCookieSessions::new(config, &SecretKey::generate().unwrap()).unwrap();
        Self { shop: shop::app(Arc::new(sessions), None), clock, cookie: None, agent: "" }
    }

    /// A browser before a shop with these sessions, which go by this clock.
    pub(crate) fn before(sessions: impl SessionInterface + OwnerSessions, clock: ManualClock) -> Self {
        let sessions = Arc::new(sessions);
        Self { shop: shop::app(sessions.clone(), Some(sessions)), clock, cookie: None, agent: "" }
    }

    /// Closes the browser and opens it again: cookies without an expiry are gone.
    pub(crate) fn restart(&mut self) {
        self.cookie = self.cookie.take().filter(|cookie| cookie.expires);
    }

    pub(crate) fn cookie_value(&self) -> Option<&str> {
        let cookie = self.cookie.as_ref()?;
        cookie.pair.split_once('=').map(|(_, value)| value)
    }

    /// Has this cookie from now on, wherever it comes from.
    pub(crate) fn take_cookie(&mut self, value: &str) {
        self.cookie = Some(Cookie { pair: format!("session={value}"), expires: false });
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, String::new()).await
    }

    /// Sends a form, and shows the page that the answer leads to.
    pub(crate) async fn submit(&mut self, path: &str, form: &str) -> Page {
        let answer = self.send(Method::POST, path, form.to_owned()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.body);
        let next = answer.headers[LOCATION].to_str().unwrap();
        self.get(next).await
    }

    pub(crate) async fn send(&mut self, method: Method, path: &str, form: String) -> Page {
        let mut request = Request::builder().method(method).uri(path).header(USER_AGENT, self.agent);
        if !form.is_empty() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, &cookie.pair);
        }
        let answer = self.shop.clone().oneshot(request.body(Body::from(form)).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        for header in head.headers.get_all(SET_COOKIE) {
            self.cookie = keep(header.to_str().unwrap());
        }
        Page { status: head.status, headers: head.headers, body }
    }
}

/// What a browser keeps of a `Set-Cookie` header: nothing, if it is a removal.
fn keep(header: &str) -> Option<Cookie> {
    let mut parts = header.split("; ");
    let pair = parts.next().unwrap().to_owned();
    let attributes: Vec<_> = parts.collect();
    if attributes.contains(&"Max-Age=0") {
        return None;
    }
    Some(Cookie { pair, expires: attributes.iter().any(|attribute| attribute.starts_with("Expires=")) })
}

impl Page {
    pub(crate) fn says(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    /// The flash messages on the page, each with its category.
    pub(crate) fn flashes(&self) -> Vec<(&str, &str)> {
        let flashes = self.body.split("<p class=\"flash ").skip(1);
        flashes.map(|rest| rest.split_once("</p>").unwrap().0.split_once("\">").unwrap()).collect()
    }

    /// The value beside a name on the page about the session.
    pub(crate) fn fact(&self, name: &str) -> &str {
        let start = format!("<dt>{name}</dt><dd class=\"value\">");
        let rest = self.body.split_once(&start).unwrap_or_else(|| panic!("no fact {name}: {}", self.body)).1;
        rest.split_once("</dd>").unwrap().0
    }

    /// How many packets the header counts.
    pub(crate) fn count(&self) -> Option<&str> {
        let rest = self.body.split_once("<span class=\"count\">")?.1;
        Some(rest.split_once('<').unwrap().0)
    }

    /// What the buttons on the page of the devices send.
    pub(crate) fn handles(&self) -> Vec<&str> {
        let inputs = self.body.split("name=\"handle\" value=\"").skip(1);
        inputs.map(|rest| rest.split_once('"').unwrap().0).collect()
    }

    pub(crate) fn logged_in(&self) -> bool {
        self.says("action=\"/logout\"")
    }
}
