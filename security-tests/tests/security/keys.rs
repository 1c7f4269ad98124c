//! Weak keys are refused, and the key protects contents and names.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use session_cookie::{SealedCookieSessions, SignedCookieSessions};
use session_core::config::SecretKey;
use session_core::request::{RequestSession, RequestView};
use session_core::store::SessionStore;
use session_core::{OutagePolicy, ServerSideSessions, SessionConfig, SessionInterface};
use session_encrypted::EncryptedStore;
use session_memory::MemoryStore;

use crate::backends::{InCookie, Server, storing, visit};
use crate::recording::Recording;

/// Returns a weak key that a constructor accepts.
fn accepted(is_accepted: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let mut weak: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0; 32],
        vec![b'a'; 64],
        b"secret-key".to_vec(),
        (1..=31).collect(),
        b"abcde".repeat(7),
        b"0123456789abcdef".repeat(2),
        b"password12345678".repeat(4),
    ];
    // From the documentation of Flask.
    weak.push(b"192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf".to_vec());
    weak.into_iter().find(|key| is_accepted(key))
}

#[test]
fn weak_key_is_refused() {
    assert_eq!(accepted(|key| SecretKey::new(key).is_ok()), None);
    assert!(SecretKey::new((1..=32).collect::<Vec<u8>>()).is_ok());
}

/// Mutants: a check of the length only, and one that counts different bytes.
#[test]
fn constructor_that_accepts_weak_key_is_found() {
    let different = |key: &[u8]| key.iter().collect::<std::collections::HashSet<_>>().len();
    assert!(accepted(|_| true).is_some());
    assert!(accepted(|key| key.len() >= 32).is_some());
    assert!(accepted(|key| key.len() >= 32 && different(key) >= 6).is_some());
}

/// Returns whether a cookie hides its contents, and opens only under its own name.
async fn is_sealed(make: impl Fn(&str) -> Arc<dyn SessionInterface>) -> bool {
    let (one, other) = (make("one"), make("other"));
    let value = visit(&one, b"", &storing("user", "secret-text")).await.unwrap().unwrap();
    let parts = value.split('.').flat_map(|part| {
        [URL_SAFE_NO_PAD.decode(part), STANDARD.decode(part)].into_iter().flatten()
    });
    let is_visible = |bytes: Vec<u8>| bytes.windows(11).any(|window| window == b"secret-text");
    if parts.into_iter().any(is_visible) || value.contains("secret-text") {
        return false;
    }
    let view = RequestView::builder().cookie_header(format!("other={value}").as_bytes()).build();
    let request = RequestSession::with_shared(other, view, OutagePolicy::Refuse);
    request.session().await.unwrap().is_new()
}

#[actix_web::test]
async fn sealed_cookie_hides_contents_and_keeps_its_name() {
    let key = SecretKey::generate().unwrap();
    let named = |name: &str| SessionConfig::builder().cookie_name(name).build().unwrap();
    let sealed = |name: &str| -> Arc<dyn SessionInterface> {
        Arc::new(SealedCookieSessions::new(named(name), &key).unwrap())
    };
    assert!(is_sealed(sealed).await);
    // A mutant: a cookie that is only signed.
    let signed = |name: &str| -> Arc<dyn SessionInterface> {
        let config = SessionConfig::builder().cookie_name(name).namespace("session").build();
        Arc::new(SignedCookieSessions::new(config.unwrap(), &key).unwrap())
    };
    assert!(!is_sealed(signed).await);
    // A mutant: a name that is not authenticated.
    assert!(!is_sealed(|_| sealed("other")).await);
}

/// Returns whether a store gets neither the values of a session nor the names of its keys.
async fn hides(
    store: Arc<Recording>,
    wrap: impl FnOnce(Arc<Recording>) -> Arc<dyn SessionStore>,
) -> bool {
    let sessions = ServerSideSessions::new(wrap(Arc::clone(&store)), SessionConfig::default());
    let sessions: Arc<dyn SessionInterface> = Arc::new(sessions);
    visit(&sessions, b"", &storing("user", "secret-text")).await.unwrap().unwrap();
    store.calls() > 0 && !store.has(b"secret-text") && !store.has(b"user")
}

#[actix_web::test]
async fn encrypted_record_hides_contents() {
    let key = SecretKey::generate().unwrap();
    for server in Server::ALL {
        let store = Recording::of(server.store().await);
        let encrypted = |store| Arc::new(EncryptedStore::new(store, &key).unwrap()) as _;
        assert!(hides(store, encrypted).await, "{server:?}");
    }
    // A mutant: a store that does not encrypt.
    assert!(!hides(Recording::of(Arc::new(MemoryStore::new())), |store| store as _).await);
}

#[actix_web::test]
async fn cookie_of_other_key_opens_nothing() {
    for kind in InCookie::ALL {
        let [one, other] = [(); 2].map(|()| kind.sessions(&SecretKey::generate().unwrap()));
        let value = visit(&one, b"", &storing("user", "ada")).await.unwrap().unwrap();
        let header = format!("session={value}");
        let opened = crate::backends::opened(&other, header.as_bytes(), "user").await;
        assert_eq!(opened, None, "{kind:?}");
    }
}
