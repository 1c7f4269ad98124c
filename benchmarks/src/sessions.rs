//! The session contents of all contestants, and functions that create this project's sessions.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use session_core::request::{RequestSession, RequestView};
use session_core::store::StoreKey;
use session_core::{OutagePolicy, SessionConfig, SessionInterface};
use sha2::{Digest as _, Sha256};

/// 70 bytes, as in an application with a login. The session is not permanent. In a signed cookie,
/// every request that reads a permanent session renews it, as in Flask, and no peer does this.
pub const SMALL: &str = r#"{"theme":"light","user_id":42,"csrf":"3q2-7wAAEjRWeJq83vASNFZ4mrzeJg"}"#;

/// 300 bytes: a login, a cart and a few preferences.
pub const LARGE: &str = r#"{"theme":"light","user_id":42,"csrf":"3q2-7wAAEjRWeJq83vASNFZ4mrzeJg","name":"Ada Lovelace","email":"ada@example.com","language":"en-GB","cart":[{"product":17,"quantity":2},{"product":4,"quantity":1},{"product":99,"quantity":12}],"last_seen":"2023-11-14T22:13:20Z","referrer":"/mail/inbox/today/42x"}"#;

/// Returns the session with another number of two digits.
pub fn small(number: u64) -> String {
    SMALL.replace("42", &two_digits(number).to_string())
}

/// Returns the session as a map, for peers that store one.
pub fn map(number: u64) -> HashMap<String, Value> {
    serde_json::from_str(&small(number)).expect("the session is JSON")
}

pub fn two_digits(number: u64) -> u64 {
    10 + number % 90
}

/// Returns a request with this session cookie, or without one.
pub fn request(interface: &Arc<dyn SessionInterface>, cookie: Option<&str>) -> RequestSession {
    let header = cookie.map(|cookie| format!("session={cookie}")).unwrap_or_default();
    let view = RequestView::builder()
        .cookie_header(header.as_bytes())
        .host("example.com")
        .path("/")
        .build();
    RequestSession::with_shared(Arc::clone(interface), view, OutagePolicy::Refuse)
}

/// Creates a session and returns the value of its cookie.
pub async fn create(interface: &Arc<dyn SessionInterface>) -> String {
    create_owned(interface, None).await
}

pub async fn create_owned(interface: &Arc<dyn SessionInterface>, owner: Option<&str>) -> String {
    let request = request(interface, None);
    let session = request.session().await.expect("a session opens");
    for (key, value) in map(42) {
        session.insert(&key, value).expect("a session accepts a value");
    }
    if let Some(owner) = owner {
        session.log_in(owner, None).await.expect("a user logs in");
    }
    let headers = request.commit().await.into_result().expect("a session is saved");
    let cookie = headers.set_cookie().expect("a new session sets a cookie");
    let value = cookie.split(';').next().and_then(|pair| pair.split_once('='));
    value.expect("a cookie has a value").1.to_owned()
}

/// Returns the key under which a server-side session is stored.
pub fn store_key(cookie: &str) -> StoreKey {
    let id = URL_SAFE_NO_PAD.decode(cookie).expect("an id is base64");
    let hash = Sha256::new().chain_update(id).chain_update(SessionConfig::default().namespace());
    StoreKey::from_bytes(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_have_sizes_of_their_names() {
        for number in 0..200 {
            assert_eq!(small(number).len(), 70);
        }
        assert_eq!(LARGE.len(), 300);
    }
}
