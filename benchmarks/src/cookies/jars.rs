//! The jars of the crate `cookie` with `serde_json`, as in actix-session's cookie store and many
//! applications.

use cookie::{Cookie, CookieJar, Key, SameSite};
use serde_json::{Map, Value};

use super::ours::SECRET;
use super::{Kind, Library};

pub struct Jars {
    kind: Kind,
    key: Key,
    header: String,
}

impl Jars {
    pub fn new(kind: Kind, payload: &str) -> Self {
        let mut jars = Self { kind, key: Key::from(SECRET.as_bytes()), header: String::new() };
        let set = jars.set_cookie(&serde_json::from_str(payload).expect("the session is JSON"));
        jars.header = format!("theme=dark; {}", set.split(';').next().unwrap_or_default());
        assert_eq!(jars.open_one(), 42);
        jars
    }

    fn session(&self) -> Map<String, Value> {
        let mut jar = CookieJar::new();
        for cookie in Cookie::split_parse_encoded(self.header.clone()) {
            jar.add_original(cookie.expect("a cookie"));
        }
        let session = match self.kind {
            Kind::Signed => jar.signed(&self.key).get("session"),
            Kind::Sealed => jar.private(&self.key).get("session"),
        };
        serde_json::from_str(session.expect("a genuine cookie").value())
            .expect("the session is JSON")
    }

    fn set_cookie(&self, session: &Map<String, Value>) -> String {
        let mut jar = CookieJar::new();
        let cookie = Cookie::build((
            "session",
            serde_json::to_string(&session).expect("the session is JSON"),
        ))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax);
        match self.kind {
            Kind::Signed => jar.signed_mut(&self.key).add(cookie),
            Kind::Sealed => jar.private_mut(&self.key).add(cookie),
        }
        jar.delta().map(|cookie| cookie.encoded().to_string()).collect()
    }
}

impl Library for Jars {
    fn open_one(&self) -> u64 {
        self.session().get("user_id").and_then(Value::as_u64).expect("it is there")
    }

    fn open_all(&self) -> usize {
        self.session().len()
    }

    fn save(&self) -> usize {
        let mut session = self.session();
        session.insert("user_id".to_owned(), 43.into());
        self.set_cookie(&session).len()
    }
}
