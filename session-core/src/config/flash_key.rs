//! The signature of the cookie that contains the flash messages of visitors without a session.

use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroize as _;

use super::secret::{SecretKey, is_overwritten};
use crate::error::{Error, ErrorKind};

/// The lifetime of the cookie. It is short, because the next page is usually loaded at once.
pub(crate) const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The time by which the clock of the signing server may be ahead.
const SKEW: Duration = Duration::from_secs(60);

/// The maximum total size of the cookie's name and value, in bytes.
const MAX_SIZE: usize = 1024;

/// Separates this signature from all other signatures with the same key.
const SALT: &[u8] = b"session-core flash cookie";

/// The keys of the cookie. The current key signs, and all keys verify.
#[derive(Clone)]
pub(crate) struct FlashKey {
    keys: Vec<Hmac<Sha256>>,
}

/// Asserts that the state of the hash function is overwritten when it is dropped. HMAC has no other
/// state.
const _: () = is_overwritten::<Sha256>();

impl FlashKey {
    pub(super) fn new(key: &SecretKey) -> Result<Self, Error> {
        let derived = key.verifying_keys().map(|key| {
            let mut derivation = Hmac::<Sha256>::new_from_slice(key)?;
            derivation.update(SALT);
            let mut derived = derivation.finalize().into_bytes();
            let signer = Hmac::<Sha256>::new_from_slice(&derived);
            derived.as_mut_slice().zeroize();
            signer
        });
        let unusable = |error| {
            Error::new(ErrorKind::Configuration, "secret key cannot be used").with_source(error)
        };
        Ok(Self { keys: derived.collect::<Result<_, _>>().map_err(unusable)? })
    }

    /// Returns the value of the cookie with this name. Returns `None` if the cookie would be too
    /// large.
    pub(crate) fn sign(&self, name: &str, messages: &str, now: SystemTime) -> Option<String> {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let signed = format!("{}.{seconds}", BASE64_URL_SAFE_NO_PAD.encode(messages));
        let signature = signature(self.keys.first()?, name, &signed).finalize().into_bytes();
        let value = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
        (name.len() + 1 + value.len() <= MAX_SIZE).then_some(value)
    }

    /// Returns the messages in the cookie if one of the keys has signed the cookie and the cookie
    /// has not expired.
    pub(crate) fn verified(&self, name: &str, value: &str, now: SystemTime) -> Option<String> {
        let (signed, signature_text) = value.rsplit_once('.')?;
        let (messages, seconds) = signed.split_once('.')?;
        let given = BASE64_URL_SAFE_NO_PAD.decode(signature_text).ok()?;
        let is_signed =
            self.keys.iter().any(|key| signature(key, name, signed).verify_slice(&given).is_ok());
        if !is_signed {
            return None;
        }
        let signed_at =
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.parse().ok()?))?;
        let is_live =
            now <= signed_at.checked_add(LIFETIME)? && signed_at <= now.checked_add(SKEW)?;
        if !is_live {
            return None;
        }
        String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(messages).ok()?).ok()
    }
}

fn signature(key: &Hmac<Sha256>, name: &str, signed: &str) -> Hmac<Sha256> {
    let mut signature = key.clone();
    for part in [name, "=", signed] {
        signature.update(part.as_bytes());
    }
    signature
}

impl fmt::Debug for FlashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlashKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use fuzzing::Fuzz;

    use super::*;

    #[test]
    fn fuzzed_flash_cookie_is_genuine_or_refused() {
        let key = FlashKey::new(&SecretKey::new((1..=32).collect::<Vec<u8>>()).unwrap()).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let lists = ["[]", r#"[["message","hello"]]"#, r#"[{" t":["error","\u00e9"]}]"#];
        let cookies = lists.map(|list| key.sign("session_flash", list, now).unwrap());
        let words = [".", "=", "_", "1700000000", "+", "é"];
        Fuzz::new("flash cookie", &cookies).words(&words).run(|input| {
            let Ok(text) = std::str::from_utf8(input) else { return false };
            let messages = key.verified("session_flash", text, now);
            let genuine = cookies.iter().position(|cookie| cookie == text);
            assert_eq!(messages.as_deref(), genuine.map(|at| lists[at]));
            assert_eq!(key.verified("other_flash", text, now), None);
            messages.is_some()
        });
    }
}
