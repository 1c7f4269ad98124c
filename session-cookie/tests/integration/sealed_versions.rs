//! The versions of sealed cookies: samples of version 1, and cookies of a newer build.
use aes_gcm_siv::aead::AeadInOut as _;
use aes_gcm_siv::{Aes256GcmSiv, KeyInit as _, Nonce, Tag};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use session_cookie::{SealedCookieSessions, SecretKey, SessionConfig};
use session_core::request::{Committed, RequestSession, RequestView};
use session_core::{ErrorKind, ManualClock, OutagePolicy, Session};
use sha2::Sha256;

use crate::support::{at, parts, request};

const SECRET: &str = "a-test-secret-7Qd0pXw4ZrLk9Vm2Bn8Ys5Tc1";
/// The content of a session that was created at 1,700,000,000 seconds and saved a minute later.
const CONTENT: &[u8] =
    b"{\"n\":1}\x00\x00\x00\x01\x8b\xcf\xe5\x68\x00\x00\x00\x01\x8b\xcf\xe6\x52\x60";
/// The same content, sealed.
const COOKIE: &str = "vzEMP_CB8Xb-Ii5co0FEm69NC5nZFBrZgbsjYeUuhMvoKEz376ZWJwcHBwcHBwcHBwcHBw";

fn sessions() -> SealedCookieSessions {
    let clock = ManualClock::at(at(1_700_000_060));
    let config = SessionConfig::builder().clock(clock).build().unwrap();
    SealedCookieSessions::new(config, &SecretKey::new(SECRET).unwrap()).unwrap()
}

fn cipher() -> Aes256GcmSiv {
    let mut key = [0; 32];
    let derived = hkdf::Hkdf::<Sha256>::new(None, SECRET.as_bytes());
    derived.expand(b"session-cookie sealed 1", &mut key).unwrap();
    Aes256GcmSiv::new(&key.into())
}

fn seal(content: &[u8]) -> String {
    let (mut sealed, nonce) = (content.to_vec(), Nonce::from([7; 12]));
    let buffer = sealed.as_mut_slice().into();
    let tag = cipher().encrypt_inout_detached(&nonce, b"session", buffer).unwrap();
    BASE64_URL_SAFE_NO_PAD.encode([&sealed[..], &tag, &nonce].concat())
}

fn unseal(cookie: &str) -> Vec<u8> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cookie).unwrap();
    let (rest, nonce) = bytes.split_last_chunk::<12>().unwrap();
    let (sealed, tag) = rest.split_last_chunk::<16>().unwrap();
    let (mut content, nonce, tag) = (sealed.to_vec(), Nonce::from(*nonce), Tag::from(*tag));
    let buffer = content.as_mut_slice().into();
    cipher().decrypt_inout_detached(&nonce, b"session", buffer, &tag).unwrap();
    content
}

fn open(cookie: &str) -> RequestSession {
    request(sessions(), Some(&format!("session={cookie}")))
}

/// Returns the content in another version, whose first byte after the payload is the mark.
fn content_with_mark(mark: u8) -> Vec<u8> {
    let mut content = CONTENT.to_vec();
    let position = content.len() - 17;
    content[position] = mark;
    content
}

#[tokio::test]
async fn sealed_cookie_of_version_1_is_read() {
    assert_eq!(seal(CONTENT), COOKIE);
    let session = open(COOKIE).session().await.unwrap();
    assert_eq!(session.get::<u64>("n").unwrap(), Some(1));
    assert_eq!(session.details().created_at(), Some(at(1_700_000_000)));
}

#[tokio::test]
async fn sealed_cookie_is_written_in_version_1() {
    let request = open(COOKIE);
    request.session().await.unwrap().insert("n", 1).unwrap();
    let headers = request.commit().await.into_result().unwrap();
    let (_, cookie, _) = parts(headers.set_cookie().unwrap());
    assert_eq!(unseal(cookie), CONTENT);
}

#[tokio::test]
async fn newer_sealed_cookie_is_unavailable_and_stays() {
    for mark in [2, 3, 4, 255] {
        let request = open(&seal(&content_with_mark(mark)));
        let error = request.session().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.is_newer_format(), "{error}");
        let Committed { headers, .. } = request.commit().await;
        assert_eq!(headers.set_cookie(), None);
    }
}

#[tokio::test]
async fn anonymous_request_keeps_newer_sealed_cookie() {
    let cookies = format!("session={}", seal(&content_with_mark(2)));
    let view = RequestView::builder().cookie_header(cookies.as_bytes()).build();
    let shared = std::sync::Arc::new(sessions());
    let request = RequestSession::with_shared(shared, view, OutagePolicy::Anonymous);
    let session = request.session().await.unwrap();
    assert!(session.is_anonymous());
    session.insert("n", 2).unwrap();
    assert_eq!(request.commit().await.into_result().unwrap().set_cookie(), None);
}

#[tokio::test]
async fn newer_content_of_other_key_is_fresh_session() {
    let mut cookie = seal(&content_with_mark(2));
    cookie.replace_range(..1, "-");
    let session: Session = open(&cookie).session().await.unwrap();
    assert!(session.is_new());
}
