//! The most expensive requests that a client can send. The test checks the memory that each needs
//! besides the request itself. It prints the time too:
//! `cargo test --release --test bounded_memory -- --nocapture`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/itsdangerous.rs"]
mod itsdangerous;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Instant;

use flate2::Compression as Level;
use flate2::bufread::ZlibDecoder;
use flate2::write::ZlibEncoder;
use session_cookie::{Compression, SealedCookieSessions, SecretKey, SessionConfig};
use session_core::SessionInterface;
use session_core::request::{RequestSession, RequestView};

use itsdangerous::{base64, sessions, sign};

/// The memory that one request may use to open, change and save its session.
const LIMIT: u64 = 8 << 20;
/// The largest `Cookie` header.
const HEADER: usize = 1 << 20;
/// The largest payload that a compressed cookie may have.
const MAX_INFLATED: usize = 512 * 1024;

/// A name, a `Cookie` header, and the number of keys of its session if the cookie is valid.
type Case = (&'static str, String, Option<usize>);

#[test]
fn request_uses_at_most_eight_megabytes() {
    let mut over = Vec::new();
    let signed_cookies: Arc<dyn SessionInterface> =
        Arc::new(sessions(Compression::WheneverShorter));
    let to_signed = forged().into_iter().chain(many_cookies()).chain(signed()).chain(compressed());
    let cases = to_signed.map(|case| (&signed_cookies, case));
    let sealed_cookies: Arc<dyn SessionInterface> = Arc::new(sealed());
    for (sessions, (name, header, keys)) in
        cases.chain(to_sealed().into_iter().map(|case| (&sealed_cookies, case)))
    {
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        let request = RequestSession::new(Arc::clone(sessions), view);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (started, mut opened) = (Instant::now(), None);
        let used = allocation_counter::measure(|| {
            runtime.block_on(async {
                let session = request.session().await.unwrap();
                opened = Some((started.elapsed(), session.is_new(), session.keys().len()));
                session.insert("visits", 1).unwrap();
                request.commit().await.into_result().unwrap();
            });
        });
        let (open, is_new, length) = opened.unwrap();
        let (all, peak) = (started.elapsed(), used.bytes_max >> 10);
        println!(
            "{name}: {} KiB of header, {peak} KiB, {open:.1?} to open, {all:.1?} in all",
            header.len() >> 10
        );
        assert_eq!((is_new, length), (keys.is_none(), keys.unwrap_or(0)), "{name}");
        if used.bytes_max >= LIMIT {
            over.push(format!("{name}: {peak} KiB"));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}

fn forged() -> Vec<Case> {
    let long = "A".repeat(HEADER - 50);
    vec![
        ("one forged value", format!("session={long}"), None),
        ("nothing but dots", format!("session={}", ".".repeat(HEADER - 50)), None),
        ("a long payload", format!("session={long}.ZVPxAA.w8-OD2mSNaGouDpydiAUxPqksM0"), None),
        ("a long signature", format!("session=e30.ZVPxAA.{long}"), None),
        ("a long timestamp", format!("session=e30.{long}.w8-OD2mSNaGouDpydiAUxPqksM0"), None),
    ]
}

fn to_sealed() -> Vec<Case> {
    let zeros = "A".repeat(HEADER - 50);
    vec![
        ("one forged value, to be opened", format!("session={zeros}"), None),
        ("what is no base64, to be opened", format!("session={zeros}."), None),
        ("nothing but dots, to be opened", format!("session={}", ".".repeat(HEADER - 50)), None),
    ]
}

/// Sealed cookies of any size, with a retired key that is tried too.
fn sealed() -> SealedCookieSessions {
    let config = SessionConfig::builder().max_cookie_size(0).build().unwrap();
    let key = SecretKey::generate().unwrap().with_fallback(&SecretKey::generate().unwrap());
    SealedCookieSessions::builder(config, &key)
        .compression(Compression::WheneverShorter)
        .build()
        .unwrap()
}

fn many_cookies() -> Vec<Case> {
    let genuine = format!("session={}", sign(&base64(br#"{"a":1}"#)));
    vec![
        ("a million empty cookies", format!("{}{genuine}", ";".repeat(1_000_000)), Some(1)),
        ("a million tiny cookies", format!("{}{genuine}", "a=;".repeat(1_000_000)), Some(1)),
        ("a million tiny cookies and none of ours", "a=;".repeat(1_000_000), None),
        (
            "many cookies of almost our name",
            format!("{}{genuine}", "session;".repeat(HEADER / 8)),
            Some(1),
        ),
    ]
}

/// Signed payloads that no application would write.
fn signed() -> Vec<Case> {
    let room = HEADER / 4 * 3 - 100;
    let (distinct, distinct_keys) = object(room, |key, index| write!(key, "{index:x}").unwrap());
    let (equal, _) = object(room, |_, _| ());
    let (escaped, escaped_keys) = object(room, |key, index| {
        write!(key, "\\u{:04x}\\u{:04x}", index & 0xffff, index >> 16).unwrap();
    });
    let (twofold, _) =
        object(room, |key, index| key.push_str(if index % 2 == 0 { "a" } else { "\\u0061" }));
    let half = room / 2 - 10;
    let payloads = [
        ("one long text", format!("{{\"a\":\"{}\"}}", "x".repeat(room - 10)), Some(1)),
        ("one text of quotes", format!("{{\"a\":\"{}\"}}", "\\\"".repeat(half)), Some(1)),
        ("one number", format!("{{\"a\":{}}}", "9".repeat(room - 10)), Some(1)),
        ("one deep value", format!("{{\"a\":{}{}}}", "[".repeat(half), "]".repeat(half)), Some(1)),
        ("as many keys as fit", distinct, Some(distinct_keys)),
        ("one key again and again", equal, Some(1)),
        ("as many escaped keys as fit", escaped, Some(escaped_keys)),
        ("one key in two spellings", twofold, Some(1)),
        ("an object without an end", format!("{{{}", "\"a\":0,".repeat(room / 6 - 1)), None),
        ("a list", format!("[{}0]", "0,".repeat(half)), None),
    ];
    let header = |json: String| format!("session={}", sign(&base64(json.as_bytes())));
    payloads.into_iter().map(|(name, json, keys)| (name, header(json), keys)).collect()
}

fn compressed() -> Vec<Case> {
    let (distinct, distinct_keys) =
        object(MAX_INFLATED, |key, index| write!(key, "{index:x}").unwrap());
    let (equal, _) = object(MAX_INFLATED, |_, _| ());
    let text = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_INFLATED - 8));
    let payloads = [
        ("as many keys as unfold", deflated(&distinct), Some(distinct_keys)),
        ("one key that unfolds again and again", deflated(&equal), Some(1)),
        ("one text that unfolds", deflated(&text), Some(1)),
        ("a bomb that fills the header", bomb(HEADER / 4 * 3 - 100), None),
    ];
    let header = |bytes: Vec<u8>| format!("session={}", sign(&format!(".{}", base64(&bytes))));
    payloads.into_iter().map(|(name, bytes, keys)| (name, header(bytes), keys)).collect()
}

/// Returns an object of almost this many bytes with the shortest values and with keys by their
/// index, and the number of keys.
fn object(room: usize, write_key: impl Fn(&mut String, usize)) -> (String, usize) {
    let (mut json, mut keys) = ("{".to_owned(), 0);
    while json.len() + 20 < room {
        json.push_str(if keys == 0 { "\"" } else { ",\"" });
        write_key(&mut json, keys);
        json.push_str("\":0");
        keys += 1;
    }
    json.push('}');
    (json, keys)
}

fn deflated(text: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// This many compressed bytes, each of which decompresses to nearly a thousand: one flushed block,
/// repeated.
fn bomb(length: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level::best());
    encoder.flush().unwrap();
    let mut bomb = encoder.get_ref().clone();
    encoder.write_all(" ".repeat(1 << 20).as_bytes()).unwrap();
    encoder.flush().unwrap();
    let block = encoder.get_ref()[bomb.len()..].to_vec();
    while bomb.len() + block.len() < length {
        bomb.extend_from_slice(&block);
    }
    let mut unfolded = Vec::new();
    ZlibDecoder::new(&*bomb).take(2 * MAX_INFLATED as u64).read_to_end(&mut unfolded).unwrap();
    assert_eq!(unfolded.len(), 2 * MAX_INFLATED);
    bomb
}
