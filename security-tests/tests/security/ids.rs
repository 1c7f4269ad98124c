//! Malformed ids reach no store, and the store holds no id that opens a session.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use session_core::{ServerSideSessions, SessionConfig, SessionInterface};
use session_memory::MemoryStore;

use crate::backends::{Server, opened, request, storing, visit};
use crate::recording::{Recording, UncheckedIds};

/// Malformed ids, of other lengths, alphabets and spellings.
fn malformed() -> Vec<Vec<u8>> {
    let id = URL_SAFE_NO_PAD.encode([0xa5; 32]);
    let with = |at: usize, byte: u8| {
        let mut cookie = id.clone().into_bytes();
        cookie[at] = byte;
        cookie
    };
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut cookies: Vec<Vec<u8>> = (0..=id.len() + 2)
        .filter(|length| *length != id.len())
        .map(|length| id.bytes().cycle().take(length).collect())
        .collect();
    let odd = (1..=255).filter(|byte| !alphabet(*byte) && !b";\n\r \t\"".contains(byte));
    cookies.extend(odd.flat_map(|byte| [0, 20, 42].map(|at| with(at, byte))));
    // The last character has two unused bits, which must be zero.
    cookies.extend(
        (b'A'..=b'Z').filter(|byte| !(byte - b'A').is_multiple_of(4)).map(|byte| with(42, byte)),
    );
    cookies.extend(["../../etc/passwd", "*", "session:1", "' OR 1=1 --", "~", "0"].map(Into::into));
    cookies.extend([format!("{id}="), format!("{id}~~"), format!("~{id}")].map(Into::into));
    cookies.push(vec![b'A'; 100_000]);
    cookies
}

/// Returns a malformed id with which the store was called.
async fn reaching(store: &Recording, sessions: &Arc<dyn SessionInterface>) -> Option<Vec<u8>> {
    for cookie in malformed() {
        let session = request(sessions, &[b"session=", &cookie[..]].concat()).session().await;
        if session.is_err() || store.calls() > 0 {
            return Some(cookie);
        }
    }
    None
}

#[actix_web::test]
async fn malformed_id_reaches_no_store() {
    for server in Server::ALL {
        let store = Recording::of(server.store().await);
        let sessions = ServerSideSessions::new(Arc::clone(&store), SessionConfig::default());
        let reaching = reaching(&store, &(Arc::new(sessions) as _)).await;
        assert_eq!(reaching, None, "{server:?}");
        assert_eq!(store.calls(), 0);
    }
}

/// Returns whether the store got nothing that opens the session.
async fn is_useless(store: &Recording, sessions: &Arc<dyn SessionInterface>) -> bool {
    let id = visit(sessions, b"", &storing("user", "ada")).await.unwrap().unwrap();
    let cookie = format!("session={id}");
    assert_eq!(opened(sessions, cookie.as_bytes(), "user").await.as_deref(), Some("ada"));
    let raw = URL_SAFE_NO_PAD.decode(&id).unwrap_or_default();
    let hexadecimal = raw.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let forms = [id.as_bytes(), &raw, hexadecimal.as_bytes()];
    if forms.iter().any(|form| !form.is_empty() && store.has(form)) {
        return false;
    }
    for key in store.keys() {
        let as_cookie = format!("session={}", URL_SAFE_NO_PAD.encode(key.as_bytes()));
        if opened(sessions, as_cookie.as_bytes(), "user").await.is_some() {
            return false;
        }
    }
    true
}

#[actix_web::test]
async fn store_gets_nothing_that_opens_session() {
    for server in Server::ALL {
        let store = Recording::of(server.store().await);
        let sessions = ServerSideSessions::new(Arc::clone(&store), SessionConfig::default());
        assert!(is_useless(&store, &(Arc::new(sessions) as _)).await, "{server:?}");
    }
}

#[actix_web::test]
async fn unchecked_and_plain_ids_are_found() {
    let sessions = || {
        let store = Recording::of(Arc::new(MemoryStore::new()));
        let config = SessionConfig::default();
        let sessions: Arc<dyn SessionInterface> =
            Arc::new(UncheckedIds { store: Arc::clone(&store), config });
        (store, sessions)
    };
    let (store, unchecked) = sessions();
    assert!(reaching(&store, &unchecked).await.is_some());
    let (store, plain) = sessions();
    assert!(!is_useless(&store, &plain).await);
}

/// Returns whether a session opens under another cookie name.
async fn is_confused(server: Server, configure: fn(&str) -> SessionConfig) -> bool {
    let store = server.store().await;
    let sessions = |name: &str| -> Arc<dyn SessionInterface> {
        Arc::new(ServerSideSessions::new(Arc::clone(&store), configure(name)))
    };
    let value = visit(&sessions("user"), b"", &storing("user", "ada")).await.unwrap().unwrap();
    let user = format!("user={value}; admin=");
    assert!(opened(&sessions("user"), user.as_bytes(), "user").await.is_some());
    let admin = format!("admin={value}");
    opened(&sessions("admin"), admin.as_bytes(), "user").await.is_some()
}

#[actix_web::test]
async fn cookie_under_other_name_opens_nothing() {
    let named = |name: &str| SessionConfig::builder().cookie_name(name).build().unwrap();
    for server in Server::ALL {
        assert!(!is_confused(server, named).await, "{server:?}");
    }
    // A mutant: one namespace for every name.
    let mixed = |name: &str| {
        SessionConfig::builder().cookie_name(name).namespace("session").build().unwrap()
    };
    assert!(is_confused(Server::Memory, mixed).await);
}
