//! Mutated cookies and their parts. A forged cookie never opens a session. If a decoder accepts an
//! input, the result can be encoded and decoded to the same value.

use std::time::{Duration, SystemTime};

use fuzzing::Fuzz;
use session_core::request::{RequestSession, RequestView};
use session_core::{ManualClock, SessionInterface};

use crate::base64url::{BASE64, STRICT};
use crate::compression::{deflate, inflate};
use crate::payload;
use crate::signer::{Digest, Refused, Signer};
use crate::{Compression, SealedCookieSessions, SecretKey, SessionConfig, SignedCookieSessions};
use base64::Engine as _;

const PAYLOADS: [&str; 4] = [
    r#"{"user_id":42}"#,
    r#"{"_login":["ada",1700000000123,"stamp"],"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#,
    r#"{"_permanent":true,"_flashes":[{" t":["message","h\u00e9"]}],"b":{" b":"aGk="}}"#,
    "{}",
];
const WORDS: [&str; 10] = [".", "=", "+", "/", "-", "_", "é", "e30", ".eJ", "\0"];
/// The memory for a text of 512 KiB, whose buffer grows by doubling.
const INFLATING: u64 = 3 * 1024 * 1024;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// Returns a key with a fallback, because verification must also try the fallback.
fn keys() -> SecretKey {
    let key = |first: u8| (first..first + 32).collect::<Vec<u8>>();
    SecretKey::new(key(1)).unwrap().with_fallback(&SecretKey::new(key(100)).unwrap())
}

#[test]
fn fuzzed_base64_is_read_as_python_reads_it() {
    let mut samples = vec![String::new()];
    samples.extend(PAYLOADS.map(|text| STRICT.encode(text)));
    samples.extend(PAYLOADS.map(|text| base64::prelude::BASE64_STANDARD.encode(text)));
    Fuzz::new("base64", samples).words(&WORDS).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        if let Ok(bytes) = STRICT.decode(text) {
            assert_eq!(STRICT.encode(&bytes), text, "two texts for the same bytes");
            assert_eq!(BASE64.decode(text).as_ref(), Ok(&bytes));
        }
        let plain = payload::decode_plain(text);
        if let Some(plain) = &plain {
            let encoded = String::from_utf8(payload::encode_plain(plain)).unwrap();
            assert_eq!(payload::decode_plain(&encoded).as_ref(), Some(plain));
        }
        let url = payload::decode(text).filter(|_| !text.starts_with('.'));
        if let Some(url) = &url {
            let mut encoded = url.clone().into_bytes();
            payload::encode(&mut encoded, false);
            assert!(encoded.len() <= text.len());
            let encoded = String::from_utf8(encoded).unwrap();
            assert_eq!(payload::decode(&encoded).as_ref(), Some(url));
        }
        plain.is_some() || url.is_some()
    });
}

#[test]
fn fuzzed_zlib_has_bounded_text() {
    let texts = ["a".repeat(1000), "abcd".repeat(64), "x".repeat(8 * 1024), "é".repeat(40)];
    let samples = texts.map(|text| deflate(text.as_bytes()).unwrap());
    Fuzz::new("zlib", samples).memory(INFLATING).run(|input| {
        let text = inflate(input);
        assert!(text.as_ref().is_none_or(|text| text.len() <= 512 * 1024));
        let cookie = format!(".{}", STRICT.encode(input));
        let text = text.and_then(|text| String::from_utf8(text).ok());
        assert_eq!(payload::decode(&cookie), text);
        text.is_some()
    });
}

#[test]
fn fuzzed_token_is_what_was_signed_or_refused() {
    let signers = [
        Signer::new(&keys(), b"cookie-session", Digest::Sha1).unwrap(),
        Signer::concatenated(&keys(), b"itsdangerous.Signer").unwrap(),
    ];
    for signer in signers {
        let tokens: Vec<_> = PAYLOADS.iter().map(|text| token(&signer, text)).collect();
        let signed: Vec<_> = tokens.iter().map(|token| token.rsplit_once('.').unwrap().0).collect();
        Fuzz::new("token", &tokens).words(&WORDS).run(|input| {
            let Ok(text) = std::str::from_utf8(input) else { return false };
            let Ok((payload, signed_at)) = signer.verify(text) else { return false };
            let (part, signature) = text.rsplit_once('.').unwrap();
            let at = signed.iter().position(|signed| *signed == part);
            let genuine = tokens[at.expect("a forged token")].rsplit_once('.').unwrap().1;
            assert_eq!(BASE64.decode(signature), BASE64.decode(genuine));
            assert_eq!(signed_at, now());
            assert!(part.starts_with(payload));
            true
        });
    }
}

fn token(signer: &Signer, text: &str) -> String {
    let mut value = text.as_bytes().to_vec();
    payload::encode(&mut value, false);
    signer.sign(&mut value, now());
    String::from_utf8(value).unwrap()
}

#[test]
fn fuzzed_timestamp_is_time_or_refused() {
    let signer = Signer::new(&keys(), b"cookie-session", Digest::Sha1).unwrap();
    let samples = ["ZVPxAA", "", "AA", "____________", "_____w", "AAAAAGVT8QA"];
    Fuzz::new("timestamp", samples).words(&WORDS).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let token = signer.sign_parts("e30", text);
        match signer.verify(&token) {
            Ok((payload, time)) => {
                let mut again = payload.as_bytes().to_vec();
                signer.sign(&mut again, time);
                let again = String::from_utf8(again).unwrap();
                assert_eq!(signer.verify(&again).map(|(_, time)| time), Ok(time));
                true
            }
            Err(refused) => {
                assert_eq!(refused, Refused::Timestamp, "the signature is valid");
                false
            }
        }
    });
}

#[test]
fn fuzzed_signed_cookie_is_session_or_fresh() {
    let builder = SignedCookieSessions::builder(config(), &keys());
    let sessions = builder.compression(Compression::WheneverShorter).build().unwrap();
    fuzz_cookie("signed cookie", &sessions, INFLATING);
}

#[test]
fn fuzzed_starlette_cookie_is_session_or_fresh() {
    let sessions = SignedCookieSessions::starlette(config(), &keys()).unwrap();
    fuzz_cookie("Starlette cookie", &sessions, 64 * 1024);
}

#[test]
fn fuzzed_sealed_cookie_is_session_or_fresh() {
    let builder = SealedCookieSessions::builder(config(), &keys());
    let sessions = builder.compression(Compression::WheneverShorter).build().unwrap();
    fuzz_cookie("sealed cookie", &sessions, INFLATING);
}

fn config() -> SessionConfig {
    SessionConfig::builder().clock(ManualClock::at(now())).build().unwrap()
}

/// Checks that a cookie opens only a stored session, with exactly the stored values.
fn fuzz_cookie(name: &'static str, sessions: &(impl SessionInterface + Clone), memory: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let texts = ["a", &"b".repeat(300), "é<&>\u{1f600}"];
    let cookies = texts.map(|text| {
        let request = RequestSession::new(sessions.clone(), RequestView::default());
        runtime.block_on(async {
            request.session().await.unwrap().insert("text", text).unwrap();
            let headers = request.commit().await.into_result().unwrap();
            let header = headers.set_cookie().unwrap();
            header.split(';').next().unwrap().strip_prefix("session=").unwrap().to_owned()
        })
    });
    Fuzz::new(name, cookies).words(&WORDS).memory(memory).run(|input| {
        let header = [b"session=", input].concat();
        let view = RequestView::builder().cookie_header(&header).build();
        let request = RequestSession::new(sessions.clone(), view);
        let session = runtime.block_on(request.session()).unwrap();
        if session.is_new() {
            assert!(session.is_empty());
            return false;
        }
        let text: String = session.get("text").unwrap().unwrap();
        assert!(session.keys().len() == 1 && texts.contains(&text.as_str()), "a forged session");
        true
    });
}
