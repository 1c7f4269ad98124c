//! Signatures and timestamps of itsdangerous' `TimestampSigner`, with the key derivation of Flask
//! or of Starlette.

use std::fmt;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use session_core::config::SecretKey;
use session_core::{Error, ErrorKind};
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use crate::base64url::SHORT;

/// The length of the longest signature (SHA-512), in bytes and in base64.
const LONGEST: usize = 64;
const LONGEST_TEXT: usize = 88;

/// The hash function of the signature: `digest_method` of Flask's `SecureCookieSessionInterface`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Digest {
    /// Flask's default.
    #[default]
    Sha1,
    /// `staticmethod(hashlib.sha256)` in Flask.
    Sha256,
    /// `staticmethod(hashlib.sha512)` in Flask.
    Sha512,
}

/// A signer of cookies. The current key signs, and all keys verify. Each key is derived once, and
/// stored as an HMAC that has processed the key.
#[derive(Clone)]
pub(crate) struct Signer {
    keys: Keys,
}

#[derive(Clone)]
enum Keys {
    Sha1(Vec<Hmac<Sha1>>),
    Sha256(Vec<Hmac<Sha256>>),
    Sha512(Vec<Hmac<Sha512>>),
}

/// Asserts that the states of the hash functions are overwritten when they are dropped. HMAC has no
/// other state.
const _: () = {
    const fn is_overwritten<T: ZeroizeOnDrop>() {}
    is_overwritten::<Sha1>();
    is_overwritten::<Sha256>();
    is_overwritten::<Sha512>();
};

/// The reason why a value is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refused {
    /// None of the keys signed the value.
    Signature,
    /// One of the keys signed the value, but the value has no valid timestamp.
    Timestamp,
}

macro_rules! with_keys {
    ($keys:expr, $bound:ident => $body:expr) => {
        match $keys {
            Keys::Sha1($bound) => $body,
            Keys::Sha256($bound) => $body,
            Keys::Sha512($bound) => $body,
        }
    };
}

impl Signer {
    pub(crate) fn new(key: &SecretKey, salt: &[u8], digest: Digest) -> Result<Self, Error> {
        macro_rules! derived {
            ($hash:ty) => {
                key.verifying_keys()
                    .map(|key| {
                        let mut derivation = Hmac::<$hash>::new_from_slice(key)?;
                        derivation.update(salt);
                        let mut derived = derivation.finalize().into_bytes();
                        let signer = Hmac::<$hash>::new_from_slice(&derived);
                        derived.as_mut_slice().zeroize();
                        signer
                    })
                    .collect::<Result<Vec<_>, _>>()
            };
        }
        let keys = match digest {
            Digest::Sha1 => derived!(Sha1).map(Keys::Sha1),
            Digest::Sha256 => derived!(Sha256).map(Keys::Sha256),
            Digest::Sha512 => derived!(Sha512).map(Keys::Sha512),
        };
        let unusable = |error| {
            Error::new(ErrorKind::Configuration, "secret key cannot be used").with_source(error)
        };
        Ok(Self { keys: keys.map_err(unusable)? })
    }

    /// Returns the signer of itsdangerous with its default key derivation, `django-concat`.
    pub(crate) fn concatenated(key: &SecretKey, salt: &[u8]) -> Result<Self, Error> {
        let derived = key.verifying_keys().map(|key| {
            let mut derivation = Sha1::new();
            for part in [salt, b"signer", key] {
                derivation.update(part);
            }
            let mut derived = derivation.finalize();
            let signer = Hmac::<Sha1>::new_from_slice(&derived);
            derived.as_mut_slice().zeroize();
            signer
        });
        let unusable = |error| {
            Error::new(ErrorKind::Configuration, "secret key cannot be used").with_source(error)
        };
        Ok(Self { keys: Keys::Sha1(derived.collect::<Result<_, _>>().map_err(unusable)?) })
    }

    /// Appends `.timestamp.signature` to a payload.
    pub(crate) fn sign(&self, value: &mut Vec<u8>, now: SystemTime) {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let bytes = seconds.to_be_bytes();
        let leading = bytes.iter().take_while(|byte| **byte == 0).count();
        let mut buffer = [0; LONGEST_TEXT];
        value.push(b'.');
        value.extend_from_slice(encode(&bytes[leading..], &mut buffer));
        with_keys!(&self.keys, keys => {
            let mut mac = keys[0].clone();
            mac.update(value);
            value.push(b'.');
            value.extend_from_slice(encode(&mac.finalize().into_bytes(), &mut buffer));
        });
    }

    /// Returns the number of bytes that a timestamp before 2106 and a signature add to a payload.
    pub(crate) fn overhead(&self) -> usize {
        let signature = match &self.keys {
            Keys::Sha1(_) => 27,
            Keys::Sha256(_) => 43,
            Keys::Sha512(_) => 86,
        };
        ".aaaaaa.".len() + signature
    }

    /// Returns the payload of a signed value, and the time of the signature.
    pub(crate) fn verify<'a>(&self, value: &'a str) -> Result<(&'a str, SystemTime), Refused> {
        let (signed, signature) = split_last(value).ok_or(Refused::Signature)?;
        if !self.is_genuine(signed, signature.as_bytes()) {
            // The last character of an equal signature may have other unused bits.
            let (mut bytes, mut text) = ([0; LONGEST + 2], [0; LONGEST_TEXT]);
            let length =
                SHORT.decode_slice(signature, &mut bytes).map_err(|_| Refused::Signature)?;
            if length > LONGEST || !self.is_genuine(signed, encode(&bytes[..length], &mut text)) {
                return Err(Refused::Signature);
            }
        }
        let (payload, timestamp) = split_last(signed).ok_or(Refused::Timestamp)?;
        Ok((payload, parse_timestamp(timestamp).ok_or(Refused::Timestamp)?))
    }

    /// Returns whether one of the keys created this signature. Comparing the base64 texts avoids
    /// decoding the signature of the cookie.
    fn is_genuine(&self, signed: &str, signature: &[u8]) -> bool {
        let mut buffer = [0; LONGEST_TEXT];
        with_keys!(&self.keys, keys => keys.iter().any(|key| {
            let mut mac = key.clone();
            mac.update(signed.as_bytes());
            is_same(encode(&mac.finalize().into_bytes(), &mut buffer), signature)
        }))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("keys", &with_keys!(&self.keys, keys => keys.len()))
            .finish_non_exhaustive()
    }
}

/// Compares two texts in constant time, eight bytes at a time.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let pairs = words.iter().zip(other_words);
    pairs
        .map(|(word, other)| u64::from_ne_bytes(*word).ct_eq(&u64::from_ne_bytes(*other)))
        .fold(rest.ct_eq(other_rest), |same, word| same & word)
        .into()
}

/// Splits a text at its last dot.
fn split_last(text: &str) -> Option<(&str, &str)> {
    let dot = memchr::memrchr(b'.', text.as_bytes())?;
    Some((&text[..dot], &text[dot + 1..]))
}

/// Encodes up to [`LONGEST`] bytes in base64.
fn encode<'a>(bytes: &[u8], buffer: &'a mut [u8; LONGEST_TEXT]) -> &'a [u8] {
    let length = SHORT.encode_slice(bytes, buffer).unwrap_or(0);
    &buffer[..length]
}

/// Reads big-endian seconds, which may have leading zeros.
fn parse_timestamp(text: &str) -> Option<SystemTime> {
    let mut buffer = [0; 16];
    let length = SHORT.decode_slice(text, &mut buffer).ok()?;
    let seconds = buffer[..length]
        .iter()
        .try_fold(0_u64, |seconds, byte| Some(seconds.checked_mul(256)? + u64::from(*byte)))?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

#[cfg(test)]
impl Signer {
    /// Signs a payload with any text as its timestamp.
    pub(crate) fn sign_parts(&self, payload: &str, timestamp: &str) -> String {
        let signed = format!("{payload}.{timestamp}");
        let mut buffer = [0; LONGEST_TEXT];
        let signature = with_keys!(&self.keys, keys => {
            let mut mac = keys[0].clone();
            mac.update(signed.as_bytes());
            encode(&mac.finalize().into_bytes(), &mut buffer)
        });
        format!("{signed}.{}", String::from_utf8_lossy(signature))
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::time::Instant;

    use super::*;

    #[test]
    fn texts_with_any_bit_changed_are_not_same() {
        for length in 0..90 {
            let text = vec![b'a'; length];
            assert!(is_same(&text, &text.clone()));
            assert!(!is_same(&text, &vec![b'a'; length + 1]));
            for (at, bit) in (0..length).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut other = text.clone();
                other[at] ^= 1 << bit;
                assert!(!is_same(&text, &other), "bit {bit} of byte {at} of {length}");
            }
        }
    }

    /// Returns whether the time of a comparison does not depend on the position of the difference.
    fn is_constant_time(compare: fn(&[u8], &[u8]) -> bool) -> bool {
        let text = vec![b'a'; 1 << 20];
        let [early, late] = [0, text.len() - 1].map(|at| {
            let mut other = text.clone();
            other[at] = b'b';
            let times = (0..20).map(|_| {
                let begun = Instant::now();
                assert!(!compare(black_box(&text), black_box(&other)));
                begun.elapsed()
            });
            times.min().unwrap()
        });
        early * 4 > late
    }

    #[test]
    fn signature_is_compared_in_constant_time() {
        assert!(is_constant_time(is_same));
    }

    #[test]
    fn comparison_that_ends_at_first_difference_is_found() {
        assert!(!is_constant_time(|one, other| one == other));
        assert!(!is_constant_time(|one, other| one.iter().eq(other)));
    }
}
