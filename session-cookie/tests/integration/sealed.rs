//! Sealed cookies: accepted and refused cookies, and the information that a cookie reveals.
use aes_gcm_siv::aead::AeadInOut as _;
use aes_gcm_siv::{Aes256GcmSiv, KeyInit as _, Nonce};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use proptest::prelude::*;
use session_cookie::{
    Compression, Digest, SealedCookieSessions, SecretKey, SessionConfig, SignedCookieSessions,
};
use session_core::request::{RequestSession, RequestView};
use session_core::{
    Error, ErrorKind, ManualClock, OversizePolicy, Session, SessionConfigBuilder, SessionInterface,
};
use sha2::Sha256;

use crate::support::{at, parts, request};

const NOW: u64 = 1_700_000_000;
const SECRET: &str = "a-test-secret-7Qd0pXw4ZrLk9Vm2Bn8Ys5Tc1";

#[test]
fn sealed_cookie_is_read_by_other_instance() {
    let session = open(&sealed(), &cookie(&sealed(), |session| session.insert("card", "4111")));
    assert_eq!(session.get::<String>("card").unwrap().unwrap(), "4111");
    assert!(!session.is_new() && !session.is_modified());
}

#[test]
fn flipped_bit_is_fresh_session() {
    let genuine = cookie(&sealed(), |session| session.insert("n", 1));
    for (index, bit) in (0..genuine.len()).flat_map(|index| (0..8).map(move |bit| (index, bit))) {
        let mut flipped = genuine.clone().into_bytes();
        flipped[index] ^= 1 << bit;
        let view = RequestView::builder().cookie_header(&[b"session=", &*flipped].concat()).build();
        let session = run(RequestSession::new(sealed(), view).session()).unwrap();
        assert!(is_fresh(&session), "bit {bit} of byte {index}");
    }
    assert!(!is_fresh(&open(&sealed(), &genuine)));
}

#[test]
fn truncated_or_extended_cookie_is_fresh_session() {
    let genuine = cookie(&sealed(), |session| session.insert("n", 1));
    for length in 0..genuine.len() {
        assert!(is_fresh(&open(&sealed(), &genuine[..length])), "the first {length}");
        assert!(length == 0 || is_fresh(&open(&sealed(), &genuine[length..])), "all but {length}");
    }
    for more in ["A", "AA", "AAA", "AAAA", "=", "==", ".", &genuine] {
        assert!(is_fresh(&open(&sealed(), &format!("{genuine}{more}"))), "{more} behind");
        assert!(is_fresh(&open(&sealed(), &format!("{more}{genuine}"))), "{more} in front");
    }
}

#[test]
fn sealed_cookie_opens_only_in_its_namespace() {
    let opened = |builder, name: &str| {
        let genuine = cookie(&sealed(), |session| session.insert("role", "guest"));
        let header = format!("{name}={genuine}");
        let view = RequestView::builder().cookie_header(header.as_bytes()).build();
        !is_fresh(&run(RequestSession::new(sessions(builder, SECRET), view).session()).unwrap())
    };
    for other in ["admin", "Session", "session2", "s"] {
        assert!(!opened(config().cookie_name(other), other), "{other}");
    }
    assert!(!opened(config().namespace("admin"), "session"));
    for name in ["session", "__Host-session", "__Secure-session"] {
        assert!(opened(config().cookie_secure(true).cookie_name(name), name), "{name}");
    }
    assert!(opened(config().cookie_name("id").namespace("session"), "id"));
}

#[test]
fn signed_and_sealed_cookies_are_not_interchangeable() {
    let signed = |digest| {
        let builder = SignedCookieSessions::builder(
            config().build().unwrap(),
            &SecretKey::new(SECRET).unwrap(),
        );
        builder.digest(digest).build().unwrap()
    };
    let of_sealed = cookie(&sealed(), |session| session.insert("n", 1));
    for digest in [Digest::Sha1, Digest::Sha256, Digest::Sha512] {
        let of_signed = cookie(&signed(digest), |session| session.insert("n", 1));
        assert!(is_fresh(&open(&sealed(), &of_signed)), "{digest:?}");
        assert!(is_fresh(&open(&sealed(), &of_signed.replace('.', ""))), "{digest:?} without dots");
        for part in of_signed.split('.') {
            assert!(is_fresh(&open(&sealed(), part)), "{digest:?}: {part}");
            assert!(
                is_fresh(&open(&signed(digest), &of_signed.replacen(part, &of_sealed, 1))),
                "{digest:?}: {part}"
            );
        }
        assert!(is_fresh(&open(&signed(digest), &of_sealed)), "{digest:?}");
    }
}

/// Because of HKDF, no salt of the application makes the signing key equal to the sealing key.
#[test]
fn sealing_key_is_neither_secret_nor_signing_key() {
    let authenticate = |key: &[u8], message: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(message);
        <[u8; 32]>::from(mac.finalize().into_bytes())
    };
    let purpose = b"session-cookie sealed 1";
    let first_block = [&purpose[..], &[1]].concat();
    let sealing = authenticate(&authenticate(&[0; 32], SECRET.as_bytes()), &first_block);
    assert!(!is_fresh(&open(&sealed(), &sealed_by(sealing))), "the key is derived like this");
    let others = [
        <[u8; 32]>::try_from(&SECRET.as_bytes()[..32]).unwrap(),
        authenticate(SECRET.as_bytes(), b"cookie-session"),
        authenticate(SECRET.as_bytes(), purpose),
        authenticate(SECRET.as_bytes(), &first_block),
        authenticate(&[0; 32], SECRET.as_bytes()),
    ];
    for (index, other) in others.into_iter().enumerate() {
        assert!(is_fresh(&open(&sealed(), &sealed_by(other))), "{index}");
    }
}

#[test]
fn retired_key_opens_and_current_key_seals() {
    let (retired, older) =
        ("retired-0123456789-0123456789-0123456789", "older-0123456789-0123456789-0123456789");
    let current = "current-0123456789-0123456789-0123456789";
    let key = |key| SecretKey::new(key).unwrap();
    let rotated = key(current).with_fallback(&key(older)).with_fallback(&key(retired));
    let rotated = SealedCookieSessions::new(config().build().unwrap(), &rotated).unwrap();
    let visits = |sessions: &SealedCookieSessions, cookie: &str| {
        open(sessions, cookie).get::<u64>("visits").unwrap()
    };
    let (only_retired, only_current) = (sessions(config(), retired), sessions(config(), current));

    let old = cookie(&only_retired, |session| session.insert("visits", 1));
    assert_eq!((visits(&rotated, &old), visits(&only_current, &old)), (Some(1), None));
    let new = changed(&rotated, &old, |session| session.insert("visits", 2));
    assert_eq!((visits(&only_current, &new), visits(&only_retired, &new)), (Some(2), None));
}

#[test]
fn sealed_cookie_reveals_nothing_and_is_unique() {
    let value = "Jd4wMv8sRb2yLt7pGc9q";
    let make = || cookie(&sealed(), |session| session.insert("secret", value));
    let (one, other) = (make(), make());
    let bytes = |cookie: &str| BASE64_URL_SAFE_NO_PAD.decode(cookie).unwrap();
    assert_eq!(one.len(), other.len());
    for part in [&b"secret"[..], b"Jd4wMv", b"{\"", &NOW.to_be_bytes()[4..]] {
        assert!(!bytes(&one).windows(part.len()).any(|window| window == part), "{part:?}");
    }
    let alike =
        bytes(&one).iter().zip(bytes(&other)).filter(|(one, other)| **one == *other).count();
    assert!(alike < bytes(&one).len() / 4, "{alike} bytes of {} alike", bytes(&one).len());
}

#[test]
fn sealed_cookie_is_compressed_only_if_configured() {
    let noise: String = (0..2500_u32)
        .map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 24) as u8 % 26))
        .collect();
    let length = |compression: Option<Compression>, text: &str| {
        let builder = SealedCookieSessions::builder(
            config().build().unwrap(),
            &SecretKey::new(SECRET).unwrap(),
        );
        let sessions = compression
            .map_or(builder.clone(), |compression| builder.compression(compression))
            .build();
        let sessions = sessions.unwrap();
        let cookie = cookie(&sessions, |session| session.insert("text", text));
        assert_eq!(open(&sealed(), &cookie).get::<String>("text").unwrap().unwrap(), text);
        cookie.len()
    };
    let repeated = "a".repeat(noise.len());
    assert_eq!(length(None, &repeated), length(None, &noise));
    assert_eq!(length(Some(Compression::Never), &repeated), length(None, &noise));
    for compression in [Compression::NearLimit, Compression::WheneverShorter] {
        assert!(length(Some(compression), &repeated) < 200, "{compression:?}");
    }
    assert_eq!(length(Some(Compression::NearLimit), &repeated[..100]), length(None, &noise[..100]));
    assert!(
        length(Some(Compression::WheneverShorter), &repeated[..100]) < length(None, &noise[..100])
    );
}

#[test]
fn oversize_session_is_sent_whole_or_refused_by_policy() {
    let long = |session: &Session| session.insert("text", "x".repeat(4000));
    let lenient = config().oversize(OversizePolicy::Warn);
    let sent = cookie(&sessions(lenient, SECRET), long);
    assert!(sent.len() > 4093);
    assert_eq!(open(&sealed(), &sent).get::<String>("text").unwrap().unwrap().len(), 4000);
    let refused = save(&sessions(config(), SECRET), None, long).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
}

#[test]
fn sealed_content_that_is_not_session_is_fresh_session() {
    let derived = hkdf::Hkdf::<Sha256>::new(None, SECRET.as_bytes());
    let mut key = [0; 32];
    derived.expand(b"session-cookie sealed 1", &mut key).unwrap();
    for (text, mark, fresh) in
        [(&b"{\"n\":1}"[..], 0, false), (b"[1]", 0, true), (b"\xff", 0, true), (b"{}", 1, true)]
    {
        let mut content = text.to_vec();
        content.push(mark);
        content.extend_from_slice(&[0; 8]);
        content.extend_from_slice(&u64::MAX.to_be_bytes());
        assert_eq!(open(&sealed(), &seal(&content, key)).is_new(), fresh, "{text:?} {mark}");
    }
    for length in 0..17 {
        assert!(is_fresh(&open(&sealed(), &seal(&vec![0; length], key))), "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_fresh_session(text in "[A-Za-z0-9_.=+/\"; -]{0,200}") {
        assert!(is_fresh(&open(&sealed(), &text)));
    }

    #[test]
    fn any_bytes_are_fresh_session(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        assert!(is_fresh(&open(&sealed(), &BASE64_URL_SAFE_NO_PAD.encode(bytes))));
    }

    #[test]
    fn any_session_round_trips(pairs in proptest::collection::vec((".{0,20}", ".{0,60}"), 1..6)) {
        let cookie = cookie(&sealed(), |session| pairs.iter().try_for_each(|(key, value)| session.insert(key, value)));
        let session = open(&sealed(), &cookie);
        for (key, _) in &pairs {
            let last = pairs.iter().rev().find(|(other, _)| other == key).unwrap();
            assert_eq!(&session.get::<String>(key).unwrap().unwrap(), &last.1);
        }
    }
}

fn config() -> SessionConfigBuilder {
    SessionConfig::builder().clock(ManualClock::at(at(NOW)))
}

fn sealed() -> SealedCookieSessions {
    sessions(config(), SECRET)
}

fn sessions(config: SessionConfigBuilder, key: &str) -> SealedCookieSessions {
    SealedCookieSessions::new(config.build().unwrap(), &SecretKey::new(key).unwrap()).unwrap()
}

fn open(sessions: &(impl SessionInterface + Clone), cookie: &str) -> Session {
    run(request(sessions.clone(), Some(&format!("session={cookie}"))).session()).unwrap()
}

/// Returns the cookie value in the response to a request without a cookie.
fn cookie(
    sessions: &(impl SessionInterface + Clone),
    change: impl FnOnce(&Session) -> Result<(), Error>,
) -> String {
    save(sessions, None, change).unwrap()
}

/// Returns the cookie value in the response to a request with a cookie.
fn changed(
    sessions: &SealedCookieSessions,
    cookie: &str,
    change: impl FnOnce(&Session) -> Result<(), Error>,
) -> String {
    save(sessions, Some(cookie), change).unwrap()
}

fn save(
    sessions: &(impl SessionInterface + Clone),
    cookie: Option<&str>,
    change: impl FnOnce(&Session) -> Result<(), Error>,
) -> Result<String, Error> {
    let name = sessions.config().cookie_name().to_owned();
    let request =
        request(sessions.clone(), cookie.map(|cookie| format!("{name}={cookie}")).as_deref());
    change(&run(request.session())?)?;
    Ok(parts(run(request.commit()).into_result()?.set_cookie().unwrap()).1.to_owned())
}

fn is_fresh(session: &Session) -> bool {
    session.is_new() && session.is_empty()
}

/// Seals a session in the format of this crate with this key.
fn sealed_by(key: [u8; 32]) -> String {
    let mut content = b"{\"n\":1}\0".to_vec();
    content.extend_from_slice(&(NOW * 1000).to_be_bytes());
    content.extend_from_slice(&((NOW + 1) * 1000).to_be_bytes());
    seal(&content, key)
}

fn seal(content: &[u8], key: [u8; 32]) -> String {
    let (mut sealed, nonce) = (content.to_vec(), Nonce::from([7; 12]));
    let cipher = Aes256GcmSiv::new(&key.into());
    let tag =
        cipher.encrypt_inout_detached(&nonce, b"session", sealed.as_mut_slice().into()).unwrap();
    BASE64_URL_SAFE_NO_PAD.encode([&sealed[..], &tag, &nonce].concat())
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
