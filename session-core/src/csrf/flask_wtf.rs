//! The tokens of Flask-WTF: `URLSafeTimedSerializer(key, salt="wtf-csrf-token")` of itsdangerous
//! over the secret in the session.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::refused::Reason;
use super::secret::random;
use crate::config::{SecretKey, is_overwritten};
use crate::error::{Error, ErrorKind};

const SALT: &[u8] = b"wtf-csrf-token";
/// Flask-WTF's `WTF_CSRF_TIME_LIMIT`.
const LIFETIME: Duration = Duration::from_secs(3600);
/// The time by which the clock of the signing server may be ahead.
const TOLERANCE: Duration = Duration::from_secs(60);

/// The state of HMAC after each key, the current key first.
pub(super) struct FlaskWtf {
    keys: Vec<Hmac<Sha1>>,
}

/// Asserts that the state of the hash function is overwritten when it is dropped. HMAC has no other
/// state.
const _: () = is_overwritten::<Sha1>();

/// Returns the signing key of a secret key. The signing key is overwritten when it is dropped.
fn derive(key: &[u8]) -> Zeroizing<[u8; 20]> {
    let mut derivation = Sha1::new();
    for part in [SALT, b"signer", key] {
        derivation.update(part);
    }
    let mut derived = Zeroizing::new([0; 20]);
    derivation.finalize_into((&mut *derived).into());
    derived
}

impl FlaskWtf {
    pub(super) fn new(key: &SecretKey) -> Result<Self, Error> {
        let keys = key.verifying_keys().map(|key| Hmac::<Sha1>::new_from_slice(&*derive(key)));
        let keys = keys.collect::<Result<_, _>>().map_err(|error| {
            Error::new(ErrorKind::Configuration, "secret key cannot be used").with_source(error)
        })?;
        Ok(Self { keys })
    }

    /// Returns a new secret in the form of Flask-WTF: 40 hexadecimal digits.
    pub(super) fn secret() -> Result<String, Error> {
        let (one, other) = (u128::from_be_bytes(random()?), u32::from_be_bytes(random()?));
        Ok(format!("{one:032x}{other:08x}"))
    }

    /// Returns whether a secret needs no escapes in JSON.
    pub(super) fn is_secret(secret: &str) -> bool {
        !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    pub(super) fn token(&self, secret: &str, now: SystemTime) -> String {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let bytes = seconds.to_be_bytes();
        let leading = bytes.iter().take_while(|byte| **byte == 0).count();
        let timestamp = URL_SAFE_NO_PAD.encode(&bytes[leading..]);
        let signed = format!("{}.{timestamp}", payload(secret));
        let mac = self.macs(&signed).next().map(|mac| mac.finalize().into_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.unwrap_or_default()))
    }

    /// Checks a token against the secret in the session.
    pub(super) fn check(&self, token: &str, secret: &str, now: SystemTime) -> Result<(), Reason> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Reason::InvalidToken)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Reason::InvalidToken)?;
        if !self.macs(signed).any(|mac| mac.verify_slice(&signature).is_ok()) {
            return Err(Reason::InvalidToken);
        }
        // The signature is valid, so a difference reveals nothing that the client does not have.
        let (actual, timestamp) = signed.rsplit_once('.').ok_or(Reason::InvalidToken)?;
        let signed_at = parse_timestamp(timestamp).ok_or(Reason::InvalidToken)?;
        if actual != payload(secret) {
            return Err(Reason::InvalidToken);
        }
        let is_old = now.duration_since(signed_at).is_ok_and(|age| age > LIFETIME);
        let is_early = signed_at.duration_since(now).is_ok_and(|ahead| ahead > TOLERANCE);
        if is_old || is_early { Err(Reason::ExpiredToken) } else { Ok(()) }
    }

    fn macs(&self, signed: &str) -> impl Iterator<Item = Hmac<Sha1>> {
        self.keys.iter().map(move |key| {
            let mut mac = key.clone();
            mac.update(signed.as_bytes());
            mac
        })
    }
}

/// Returns the secret as itsdangerous serializes it. Compression never makes the hexadecimal digits
/// shorter.
fn payload(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("\"{secret}\""))
}

fn parse_timestamp(text: &str) -> Option<SystemTime> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() <= 8)?;
    let seconds = bytes.iter().fold(0_u64, |seconds, byte| seconds << 8 | u64::from(*byte));
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use zeroize::ZeroizeOnDrop;

    use super::*;

    #[test]
    fn derived_key_is_overwritten_when_it_is_dropped() {
        fn is_overwritten<T: ZeroizeOnDrop>(_: &T) {}
        is_overwritten(&derive(b"key"));
    }

    #[test]
    fn token_is_valid_for_hour_and_minute_before() {
        let tokens = FlaskWtf::new(&SecretKey::generate().unwrap()).unwrap();
        let secret = FlaskWtf::secret().unwrap();
        assert!(secret.len() == 40 && FlaskWtf::is_secret(&secret));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let token = tokens.token(&secret, now);
        let second = Duration::from_secs(1);
        for (time, result) in [
            (now, Ok(())),
            (now + LIFETIME, Ok(())),
            (now + LIFETIME + second, Err(Reason::ExpiredToken)),
            (now - TOLERANCE, Ok(())),
            (now - TOLERANCE - second, Err(Reason::ExpiredToken)),
        ] {
            assert_eq!(tokens.check(&token, &secret, time), result);
        }
        let others = FlaskWtf::new(&SecretKey::generate().unwrap()).unwrap();
        assert_eq!(others.check(&token, &secret, now), Err(Reason::InvalidToken));
        let other = FlaskWtf::secret().unwrap();
        assert_eq!(tokens.check(&token, &other, now), Err(Reason::InvalidToken));
        for forged in ["", ".", "..", &token[1..], &token.replace('.', "")] {
            assert_eq!(tokens.check(forged, &secret, now), Err(Reason::InvalidToken), "{forged}");
        }
    }
}
