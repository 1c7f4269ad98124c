//! This project's signed and sealed cookies, used as a framework adapter uses them.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde_json::{Map, Value};
use session_cookie::{SealedCookieSessions, SecretKey, SignedCookieSessions};
use session_core::request::{RequestSession, RequestView};
use session_core::{OutagePolicy, SessionConfig, SessionInterface};

use super::{Kind, Library};

pub const SECRET: &str = "b0c1f4a7d92e6835a1f0473be85dc6291e7fa3058cd4b96271e8fd3a50c794b2";

pub struct Ours {
    interface: Arc<dyn SessionInterface>,
    header: String,
    keys: Vec<String>,
}

impl Ours {
    pub fn new(kind: Kind, payload: &str) -> Self {
        let (config, key) = (SessionConfig::default(), SecretKey::new(SECRET).expect("a key"));
        let interface: Arc<dyn SessionInterface> = match kind {
            Kind::Signed => Arc::new(SignedCookieSessions::new(config, &key).expect("a key")),
            Kind::Sealed => Arc::new(SealedCookieSessions::new(config, &key).expect("a key")),
        };
        let mut ours = Self { interface, header: String::new(), keys: Vec::new() };
        let request = ours.request("");
        let session = ready(request.session()).expect("a session opens");
        for (key, value) in
            serde_json::from_str::<Map<String, Value>>(payload).expect("the session is JSON")
        {
            session.insert(&key, value).expect("a session accepts a value");
            ours.keys.push(key);
        }
        let headers = ready(request.commit()).into_result().expect("a session is saved");
        let cookie = headers
            .set_cookie()
            .and_then(|cookie| cookie.split(';').next())
            .expect("a cookie is set");
        ours.header = format!("theme=dark; {cookie}");
        assert_eq!((ours.open_one(), ours.open_all()), (42, ours.keys.len()));
        ours
    }

    fn request(&self, header: &str) -> RequestSession {
        let view = RequestView::builder()
            .cookie_header(header.as_bytes())
            .host("example.com")
            .path("/")
            .build();
        RequestSession::with_shared(Arc::clone(&self.interface), view, OutagePolicy::Refuse)
    }
}

impl Library for Ours {
    fn open_one(&self) -> u64 {
        let request = self.request(&self.header);
        let session = ready(request.session()).expect("a session opens");
        session.get("user_id").expect("it is a number").expect("it is there")
    }

    fn open_all(&self) -> usize {
        let request = self.request(&self.header);
        let session = ready(request.session()).expect("a session opens");
        self.keys.iter().filter_map(|key| session.get::<Value>(key).expect("it is JSON")).count()
    }

    fn save(&self) -> usize {
        let request = self.request(&self.header);
        let session = ready(request.session()).expect("a session opens");
        session.insert("user_id", 43).expect("a session accepts a value");
        let headers = ready(request.commit()).into_result().expect("a session is saved");
        headers.set_cookie().expect("a cookie is set").len()
    }
}

/// Returns the result of a future that is ready at the first poll.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a cookie waits for nothing"),
    }
}
