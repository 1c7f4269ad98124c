//! Signs any payload as itsdangerous does, including one that no session can have written.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use session_cookie::{Compression, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::ManualClock;
use sha1::Sha1;

pub(crate) const NOW: u64 = 1_700_000_000;
const SECRET: &str = "secret-key";

/// Returns an interface without a size limit that accepts the cookies of [`sign`].
pub(crate) fn sessions(compression: Compression) -> SignedCookieSessions {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    let config =
        SessionConfig::builder().clock(ManualClock::at(now)).max_cookie_size(0).build().unwrap();
    let key = SecretKey::with_any_length(SECRET).unwrap();
    SignedCookieSessions::builder(config, &key).compression(compression).build().unwrap()
}

/// Signs an encoded payload and returns the cookie value.
pub(crate) fn sign(payload: &str) -> String {
    let signed = format!("{payload}.{}", base64(&NOW.to_be_bytes()[4..]));
    let key = authenticate(SECRET.as_bytes(), b"cookie-session");
    let signature = base64(&authenticate(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn authenticate(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
