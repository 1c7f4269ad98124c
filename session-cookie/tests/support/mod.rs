//! Helpers of several tests: times, requests, and the parts of a `Set-Cookie` header.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use session_core::SessionInterface;
use session_core::request::{RequestSession, RequestView};

/// Returns the time this many seconds after 1970.
pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Returns the session of a request with this `Cookie` header.
pub(crate) fn request(sessions: impl SessionInterface, cookies: Option<&str>) -> RequestSession {
    let view = match cookies {
        Some(cookies) => RequestView::builder().cookie_header(cookies.as_bytes()).build(),
        None => RequestView::default(),
    };
    RequestSession::new(sessions, view)
}

/// Returns the name, the value and the attributes of a `Set-Cookie` header. The order of the
/// attributes has no meaning.
pub(crate) fn parts(set_cookie: &str) -> (&str, &str, BTreeSet<&str>) {
    let mut parts = set_cookie.split("; ");
    let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).unwrap();
    (name, value, parts.collect())
}
