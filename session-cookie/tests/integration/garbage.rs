//! Cookies that no browser should send. Nothing panics, and a forged cookie opens a fresh session.
//! A signed cookie keeps all readable keys.
use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::Compression as Level;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;
use session_cookie::{Compression, Digest, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::flask::{Bytes, DateTime, Markup, Uuid};
use session_core::interface::state_of;
use session_core::request::{RequestSession, RequestView};
use session_core::{Error, ErrorKind, ManualClock, Session};

use crate::itsdangerous::{NOW, base64, sessions, sign};
use crate::support::{at, parts, request};

/// Reads a key as some type.
type Read = fn(&Session, &str) -> Result<(), Error>;

/// The largest payload that a compressed cookie may have.
const MAX_INFLATED: usize = 512 * 1024;

#[tokio::test]
async fn truncated_cookie_is_fresh_session() {
    for (sessions, cookie, _) in cookies().await {
        for length in 0..cookie.len() {
            assert!(
                is_fresh(&open(&sessions, &cookie.as_bytes()[..length]).await),
                "{length} of {cookie}"
            );
        }
        assert!(!is_fresh(&open(&sessions, cookie.as_bytes()).await), "{cookie}");
    }
}

#[tokio::test]
async fn flipped_bit_is_fresh_session_unless_signature_ignores_it() {
    let mut harmless = 0;
    for (sessions, cookie, unused_bits) in cookies().await {
        let last = cookie.len() - 1;
        for (index, bit) in (0..=last).flat_map(|index| (0..8).map(move |bit| (index, bit))) {
            let mut flipped = cookie.clone().into_bytes();
            flipped[index] ^= 1 << bit;
            let used = |byte: u8| sextet(byte).map(|sextet| sextet >> unused_bits);
            let same_signature =
                index == last && used(flipped[index]) == used(cookie.as_bytes()[index]);
            let session = open(&sessions, &flipped).await;
            assert_eq!(
                !is_fresh(&session),
                same_signature,
                "bit {bit} of byte {index} of {cookie}"
            );
            harmless += usize::from(same_signature);
        }
    }
    assert!(
        harmless > 0,
        "no cookie here ends in a character whose neighbours stand for the same signature"
    );
}

#[tokio::test]
async fn decompression_bomb_is_fresh_session_and_largest_is_read() {
    for (length, fresh) in
        [(MAX_INFLATED, false), (MAX_INFLATED + 1, true), (32 * MAX_INFLATED, true)]
    {
        let json = format!("{{\"a\":\"{}\"}}", "x".repeat(length - r#"{"a":""}"#.len()));
        let cookie = sign(&format!(".{}", base64(&deflated(json.as_bytes()))));
        assert_eq!(
            is_fresh(&open(&sessions(Compression::Never), cookie.as_bytes()).await),
            fresh,
            "{length} bytes"
        );
    }
}

#[tokio::test]
async fn odd_value_fails_for_its_key_and_is_written_back_unchanged() {
    let (digits, deep) =
        ("9".repeat(5000), format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)));
    let deep_tags = format!("{}1{}", r#"{" t":["#.repeat(10_000), "]}".repeat(10_000));
    let odd: [(&str, Read); 16] = [
        ("NaN", read::<f64>),
        ("-Infinity", read::<f64>),
        ("1e999", read::<f64>),
        (&digits, read::<u64>),
        (&digits, read::<f64>),
        (&digits, read::<Value>),
        (r#""\ud800""#, read::<String>),
        (r#"{"\udfff":1}"#, read::<Value>),
        (&deep, read::<Value>),
        (&deep_tags, read::<Value>),
        (r#"{" b":"YQ"}"#, read::<Bytes>),
        (r#"{" u":"1234"}"#, read::<Uuid>),
        (r#"{" m":7}"#, read::<Markup>),
        (r#"{" di":{}}"#, read::<Value>),
        (r#"{" di":{" t__":NaN}}"#, read::<Value>),
        ("[1,}", read::<Value>),
    ];
    for (raw, read) in odd {
        let shown = &raw[..raw.len().min(40)];
        let json = format!(r#"{{"before":"a","odd":{raw},"after":[1, 2]}}"#);
        let request = request(
            sessions(Compression::Never),
            Some(&format!("session={}", sign(&base64(json.as_bytes())))),
        );
        let session = request.session().await.unwrap();
        assert_eq!(session.keys(), ["before", "odd", "after"], "{shown}");
        assert_eq!(read(&session, "odd").unwrap_err().kind(), ErrorKind::Value, "{shown}");
        assert_eq!(session.get::<String>("before").unwrap().unwrap(), "a", "{shown}");
        assert_eq!(session.get::<Vec<u8>>("after").unwrap().unwrap(), [1, 2], "{shown}");

        session.insert("new", true).unwrap();
        let headers = request.commit().await.into_result().unwrap();
        let payload = parts(headers.set_cookie().unwrap()).1.split('.').next().unwrap();
        let written = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        assert_eq!(
            written,
            format!(r#"{{"before":"a","odd":{raw},"after":[1, 2],"new":true}}"#),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn odd_flags_and_flashes_leave_other_keys_readable() {
    for raw in ["NaN", r#""\ud800""#, "1e999", r#"[{" t":[1]}]"#, r#"{" di":[]}"#] {
        let json = format!(r#"{{"_permanent":{raw},"_flashes":{raw},"a":1}}"#);
        let session =
            open(&sessions(Compression::Never), sign(&base64(json.as_bytes())).as_bytes()).await;
        assert!(session.is_permanent(), "{raw}");
        let taken =
            session.take_flashes().map(|flashes| flashes.len()).map_err(|error| error.kind());
        assert!(matches!(taken, Ok(0) | Err(ErrorKind::Value)), "{raw}: {taken:?}");
        assert_eq!(session.get::<u8>("a").unwrap(), Some(1), "{raw}");
    }
}

#[test]
fn test_signer_matches_flask() {
    let cookie = "eyJ1c2VyX2lkIjo0Mn0.ZVPxAA.w8-OD2mSNaGouDpydiAUxPqksM0";
    assert_eq!(sign(&base64(br#"{"user_id":42}"#)), cookie);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_header_is_fresh_session(header in proptest::collection::vec(any::<u8>(), 0..400)) {
        run(async {
            let request = with_header(&sessions(Compression::Never), &header);
            assert!(is_fresh(&request.session().await.unwrap()));
            assert_eq!(request.commit().await.into_result().unwrap().set_cookie(), None);
        });
    }

    #[test]
    fn cookie_like_text_is_fresh_session(cookie in "[A-Za-z0-9_.=+/\"; -]{0,200}") {
        assert!(is_fresh(&run(open(&sessions(Compression::Never), cookie.as_bytes()))));
    }

    #[test]
    fn signed_text_is_usable_session(payload in "[.A-Za-z0-9_=+/é -]{0,80}") {
        run(work_with(&payload));
    }

    #[test]
    fn signed_bytes_are_usable_session(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        run(async {
            work_with(&base64(&bytes)).await;
            work_with(&format!(".{}", base64(&bytes))).await;
            work_with(&format!(".{}", base64(&deflated(&bytes)))).await;
        });
    }

    #[test]
    fn any_value_leaves_other_key_readable(value in json_crumbs(), key in json_crumbs()) {
        run(async {
            for json in [format!(r#"{{"odd":{value},"ok":1}}"#), format!(r#"{{"{key}":{value},"ok":1}}"#)] {
                let session = work_with(&base64(json.as_bytes())).await;
                assert!(session.is_new() || session.get::<u8>("ok").unwrap() == Some(1), "{json}");
            }
            work_with(&base64(value.as_bytes())).await;
        });
    }
}

/// Pieces of JSON in any order, mostly of Flask's tags.
fn json_crumbs() -> impl Strategy<Value = String> {
    let crumbs = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        " ",
        "\" t\"",
        "\" di\"",
        "\" b\"",
        "\" d\"",
        "\"t__\"",
        "{\" t\":[",
        "{\" di\":{\"",
        "]}",
        "}}",
        "\\",
        "\\u0020",
        "\\ud800",
        "\\udc00",
        "_permanent",
        "_flashes",
        "1",
        "-",
        "0",
        "e9",
        ".",
        "NaN",
        "null",
        "true",
        "\"\"",
        "é",
        "$session::bytes",
    ];
    proptest::collection::vec(proptest::sample::select(crumbs.to_vec()), 0..12)
        .prop_map(|crumbs| crumbs.concat())
}

/// Reads a signed payload in every way, changes it, and checks that the response has its values.
async fn work_with(payload: &str) -> Session {
    let request =
        request(sessions(Compression::Never), Some(&format!("session={}", sign(payload))));
    let session = request.session().await.unwrap();
    let untouched = state_of(&session).payload();
    for key in session.keys() {
        for read in [
            read::<Value>,
            read::<Bytes>,
            read::<Uuid>,
            read::<DateTime>,
            read::<Markup>,
            read::<Vec<f64>>,
        ] {
            let _ = read(&session, &key);
        }
    }
    assert_eq!(state_of(&session).payload(), untouched);
    let _ = session.take_flashes();
    let _ = session.flash("message");
    session.insert("new", 1).unwrap();
    let expected = session.keys();

    let headers = request.commit().await.into_result().unwrap();
    let reopened =
        open(&sessions(Compression::Never), parts(headers.set_cookie().unwrap()).1.as_bytes())
            .await;
    assert_eq!(reopened.keys(), expected, "{payload}");
    assert_eq!(state_of(&reopened).payload(), state_of(&session).payload(), "{payload}");
    session
}

/// Valid cookies, each with its interface and the number of unused bits in its signature.
async fn cookies() -> Vec<(SignedCookieSessions, String, u32)> {
    let kinds = [
        (Digest::Sha1, Compression::Never, 2),
        (Digest::Sha1, Compression::WheneverShorter, 2),
        (Digest::Sha256, Compression::Never, 2),
        (Digest::Sha512, Compression::Never, 4),
    ];
    let mut cookies = Vec::new();
    for (digest, compression, unused_bits) in kinds {
        let config = SessionConfig::builder().clock(ManualClock::at(at(NOW))).build().unwrap();
        let key = SecretKey::with_any_length("secret-key").unwrap();
        let builder =
            SignedCookieSessions::builder(config, &key).digest(digest).compression(compression);
        let sessions = builder.build().unwrap();
        let request = request(sessions.clone(), None);
        request.session().await.unwrap().insert("user", "ada ada ada ada ada ada").unwrap();
        let headers = request.commit().await.into_result().unwrap();
        let cookie = parts(headers.set_cookie().unwrap()).1.to_owned();
        assert_eq!(
            cookie.starts_with('.'),
            compression == Compression::WheneverShorter,
            "{cookie}"
        );
        cookies.push((sessions, cookie, unused_bits));
    }
    cookies
}

/// Returns the six bits of a base64url character.
fn sextet(byte: u8) -> Option<usize> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    alphabet.iter().position(|char| *char == byte)
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read<T: DeserializeOwned>(session: &Session, key: &str) -> Result<(), Error> {
    session.get::<T>(key).map(drop)
}

fn is_fresh(session: &Session) -> bool {
    session.is_new() && session.is_empty()
}

async fn open(sessions: &SignedCookieSessions, cookie: &[u8]) -> Session {
    with_header(sessions, &[b"session=", cookie].concat()).session().await.unwrap()
}

fn with_header(sessions: &SignedCookieSessions, header: &[u8]) -> RequestSession {
    RequestSession::new(sessions.clone(), RequestView::builder().cookie_header(header).build())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
