//! Sessions in cookies: the newest key signs, and no weaker form of a cookie opens.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use session_core::config::SecretKey;
use session_core::interface::{OpenContext, Opened, Save, Saved};
use session_core::{Error, ServerSideSessions, SessionConfig, SessionInterface, async_trait};
use session_encrypted::EncryptedStore;

use crate::backends::{InCookie, Server, opened, storing, visit};

type Make<'a> = &'a dyn Fn(&SecretKey) -> Arc<dyn SessionInterface>;

/// Returns whether an application that rotated its key opens sessions of the old key, and writes
/// sessions that the old key does not open. `rotated` combines the new key and the old one.
async fn newest_key_writes(
    make: Make<'_>,
    rotated: fn(SecretKey, &SecretKey) -> SecretKey,
) -> bool {
    let (old, new) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
    let both = make(&rotated(new.clone(), &old));
    let (old, new) = (make(&old), make(&new));
    let open = async |sessions: &Arc<dyn SessionInterface>, value: &str| {
        opened(sessions, format!("session={value}").as_bytes(), "user").await.is_some()
    };
    let write = async |sessions| visit(sessions, b"", &storing("user", "ada")).await.unwrap();
    let (before, after) = (write(&old).await.unwrap(), write(&both).await.unwrap());
    open(&both, &before).await && open(&new, &after).await && !open(&old, &after).await
}

#[actix_web::test]
async fn newest_key_signs_and_seals() {
    for kind in InCookie::ALL {
        let make = |key: &SecretKey| kind.sessions(key);
        assert!(newest_key_writes(&make, SecretKey::with_fallback).await, "{kind:?}");
        // A mutant: the order of the keys that Flask documented wrongly in CVE-2025-47278.
        let reversed = |new: SecretKey, old: &SecretKey| old.clone().with_fallback(&new);
        assert!(!newest_key_writes(&make, reversed).await, "{kind:?}");
    }
}

#[actix_web::test]
async fn newest_key_encrypts_records() {
    for server in Server::ALL {
        let store = server.store().await;
        let make = |key: &SecretKey| {
            let encrypted = EncryptedStore::new(Arc::clone(&store), key).unwrap();
            let sessions = ServerSideSessions::new(encrypted, SessionConfig::default());
            Arc::new(sessions) as Arc<dyn SessionInterface>
        };
        assert!(newest_key_writes(&make, SecretKey::with_fallback).await, "{server:?}");
        // A mutant: the other order.
        let reversed = |new: SecretKey, old: &SecretKey| old.clone().with_fallback(&new);
        assert!(!newest_key_writes(&make, reversed).await, "{server:?}");
    }
}

/// Cookies that an attacker can forge without the key.
fn weaker_forms(genuine: &[String]) -> Vec<String> {
    let json = r#"{"user":"ada"}"#;
    let (url, plain) = (URL_SAFE_NO_PAD.encode(json), STANDARD.encode(json));
    let mut forms = vec![json.replace('"', "%22"), url.clone(), plain.clone()];
    for payload in [url, plain] {
        for end in ["", ".", "..", ".ZVPxAA", ".ZVPxAA.", ".ZVPxAA.AAAA", ".none.none"] {
            forms.push(format!("{payload}{end}"));
        }
        forms.push(format!("{payload}.ZVPxAA.{}", "A".repeat(27)));
    }
    for cookie in genuine {
        let parts: Vec<_> = cookie.split('.').collect();
        forms.extend((1..parts.len()).map(|end| parts[..end].join(".")));
        forms.push(parts[0].to_owned() + ".");
        // The last character of a signature has bits that are not used.
        forms.extend((0..cookie.len() - 1).map(|at| {
            let mut changed = cookie.clone().into_bytes();
            changed[at] = if changed[at] == b'B' { b'C' } else { b'B' };
            String::from_utf8(changed).unwrap()
        }));
    }
    forms.retain(|form| !genuine.contains(form));
    forms
}

/// Returns a cookie that opened a session and should not.
async fn accepted(sessions: &Arc<dyn SessionInterface>, others: &[String]) -> Option<String> {
    let genuine = visit(sessions, b"", &storing("user", "ada")).await.unwrap().unwrap();
    let header = |value: &str| format!("session={value}").into_bytes();
    assert!(opened(sessions, &header(&genuine), "user").await.is_some());
    for form in weaker_forms(&[genuine]).iter().chain(others) {
        if opened(sessions, &header(form), "user").await.is_some() {
            return Some(form.clone());
        }
    }
    None
}

/// Returns a cookie of each other kind, signed or sealed with the same key.
async fn of_other_kinds(kind: InCookie, key: &SecretKey) -> Vec<String> {
    let mut cookies = Vec::new();
    for other in InCookie::ALL.into_iter().filter(|other| *other != kind) {
        let cookie = visit(&other.sessions(key), b"", &storing("user", "ada")).await;
        cookies.push(cookie.unwrap().unwrap());
    }
    cookies
}

#[actix_web::test]
async fn weaker_form_of_cookie_opens_nothing() {
    let key = SecretKey::generate().unwrap();
    for kind in InCookie::ALL {
        let others = of_other_kinds(kind, &key).await;
        assert_eq!(accepted(&kind.sessions(&key), &others).await, None, "{kind:?}");
    }
}

/// A mutant: reads cookies that are not sealed as plain base64, as if they were old.
#[derive(Debug)]
struct WithOldFormat(Arc<dyn SessionInterface>);

#[async_trait]
impl SessionInterface for WithOldFormat {
    fn config(&self) -> &SessionConfig {
        self.0.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        let opened = self.0.open(context).await?;
        let old = context.cookie().and_then(|cookie| URL_SAFE_NO_PAD.decode(cookie).ok());
        match old.and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(payload) if opened.is_new() => Opened::from_payload(payload).or(Ok(opened)),
            _ => Ok(opened),
        }
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        self.0.save(save).await
    }
}

#[actix_web::test]
async fn fallback_decoder_is_found() {
    let key = SecretKey::generate().unwrap();
    for kind in InCookie::ALL {
        let mutant: Arc<dyn SessionInterface> = Arc::new(WithOldFormat(kind.sessions(&key)));
        assert!(accepted(&mutant, &[]).await.is_some(), "{kind:?}");
    }
}
