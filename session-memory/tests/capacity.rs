//! A full store: a fresh login succeeds, and who was not seen for the longest time goes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use session_core::{OnOutage, OwnerIndex as _, RequestSession, RequestView, SessionConfig, SessionInterface};
use session_memory::{MemorySessions, MemoryStore};

const CAPACITY: u64 = 50;

async fn request(sessions: &Arc<dyn SessionInterface>, cookie: &str, owner: Option<&str>) -> Option<String> {
    let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
    let request = RequestSession::with_shared(Arc::clone(sessions), view, OnOutage::Refuse);
    let session = request.session().await.unwrap();
    if let Some(owner) = owner {
        session.set_owner(owner).unwrap();
    }
    let headers = request.commit().await.unwrap();
    headers.set_cookie().map(|header| header.split(';').next().unwrap().to_owned())
}

async fn is_alive(sessions: &Arc<dyn SessionInterface>, cookie: &str) -> bool {
    let view = RequestView::builder().cookie_header(cookie.as_bytes()).build();
    let request = RequestSession::with_shared(Arc::clone(sessions), view, OnOutage::Refuse);
    !request.session().await.unwrap().is_new()
}

#[tokio::test]
async fn a_fresh_login_always_succeeds_and_the_least_recently_used_session_goes() {
    let store = MemoryStore::with_capacity(CAPACITY);
    let sessions: Arc<dyn SessionInterface> =
        Arc::new(MemorySessions::with_store(store.clone(), SessionConfig::default()));
    let mut cookies = Vec::new();
    for n in 0..CAPACITY {
        cookies.push(request(&sessions, "", Some(&format!("user-{n}"))).await.unwrap());
        store.len();
    }
    // The first of them comes by again, so that the second is the one that was not seen for the longest time.
    assert!(is_alive(&sessions, &cookies[0]).await);
    for n in 0..10 {
        let cookie = request(&sessions, "", Some("late")).await.unwrap();
        assert_eq!(store.len(), CAPACITY);
        assert!(is_alive(&sessions, &cookie).await, "login {n} vanished");
    }
    assert!(is_alive(&sessions, &cookies[0]).await);
    for (n, cookie) in cookies.iter().enumerate().skip(1) {
        assert_eq!(is_alive(&sessions, cookie).await, n > 10, "session {n}");
    }
    assert!(store.keys_of("user-1").await.unwrap().is_empty(), "the index keeps what was evicted");
    assert_eq!(store.keys_of("late").await.unwrap().len(), 10);

    let evicted = &cookies[1];
    let fresh = request(&sessions, evicted, Some("user-1")).await.unwrap();
    assert_ne!(&fresh, evicted, "an evicted id was adopted");
}
