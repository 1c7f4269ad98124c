//! Shared by the tests: a browser, and an application that shows the contents of its session.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use session_core::{SessionConfig, SessionInterface};
use session_memory::{MemorySessions, MemoryStore};
use session_tower::SessionLayer;
use session_tower_sessions::TowerSessionsLayer;
use tower::ServiceExt as _;
use tower_sessions::SessionManagerLayer;

pub type Sessions = Arc<dyn SessionInterface>;

pub fn memory() -> Sessions {
    Arc::new(MemorySessions::new(MemoryStore::new(), SessionConfig::default()))
}

/// Returns an application whose `tower_sessions::Session` is one of this project.
pub fn on_ours(routes: Router, sessions: Sessions) -> Router {
    routes.layer(TowerSessionsLayer::new()).layer(SessionLayer::new(sessions))
}

/// Returns an application with the sessions of tower-sessions.
pub fn on_theirs(routes: Router) -> Router {
    routes.layer(SessionManagerLayer::new(tower_sessions::MemoryStore::default()))
}

/// A response as a browser received it.
pub struct Page {
    pub status: StatusCode,
    pub response: Response<()>,
    pub text: String,
}

impl Page {
    pub fn location(&self) -> &str {
        self.response.headers()[LOCATION].to_str().unwrap()
    }
}

/// A browser. A clone has a copy of the cookies.
#[derive(Clone)]
pub struct Browser {
    app: Router,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub fn new(app: Router) -> Self {
        Self { app, cookies: BTreeMap::new() }
    }

    pub fn has_cookies(&self) -> bool {
        !self.cookies.is_empty()
    }

    pub async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path), String::new()).await
    }

    pub async fn text(&mut self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        page.text
    }

    pub async fn post(&mut self, path: &str, form: &str) -> Page {
        let request = Request::builder().method(Method::POST).uri(path);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, form.to_owned()).await
    }

    async fn send(&mut self, mut request: http::request::Builder, body: String) -> Page {
        if self.has_cookies() {
            let pairs: Vec<_> =
                self.cookies.iter().map(|(name, v)| format!("{name}={v}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        let response = self.app.clone().oneshot(request.body(Body::from(body)).unwrap()).await;
        let (parts, body) = response.unwrap().into_parts();
        for cookie in parts.headers.get_all(SET_COOKIE) {
            self.store(cookie.to_str().unwrap());
        }
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Page { status: parts.status, response: Response::from_parts(parts, ()), text }
    }

    fn store(&mut self, set_cookie: &str) {
        let (pair, attributes) = set_cookie.split_once(';').unwrap_or((set_cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        if attributes.contains("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
