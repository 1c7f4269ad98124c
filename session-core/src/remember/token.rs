//! The token in the cookie.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;
use sha2::{Digest as _, Sha256};

use crate::csrf::{Keys, random};
use crate::error::Error;
use crate::store::StoreKey;

const CONTENT: usize = 28;
const LENGTH: usize = CONTENT + 32;

/// The name of a series.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct SeriesId([u8; 16]);

impl SeriesId {
    pub(super) fn generate() -> Result<Self, Error> {
        random().map(Self)
    }

    pub(super) fn store_key(self) -> StoreKey {
        let mut hash = Sha256::new();
        hash.update(b"remember-me series\0");
        hash.update(self.0);
        StoreKey::from_bytes(hash.finalize().into())
    }
}

/// A token: the series, the number of older generations of tokens, and a random number that
/// distinguishes the token from others of its generation.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct Token {
    pub(super) series: SeriesId,
    pub(super) count: u32,
    pub(super) nonce: u64,
}

impl Token {
    pub(super) fn generate(series: SeriesId, count: u32) -> Result<Self, Error> {
        Ok(Self { series, count, nonce: u64::from_be_bytes(random()?) })
    }

    /// Returns the token in the value of a cookie with this name, or `None` if the value is forged.
    pub(super) fn read(value: &str, name: &str, keys: &Keys) -> Option<Self> {
        let mut bytes = [0; LENGTH + 2];
        if URL_SAFE_NO_PAD.decode_slice(value, &mut bytes).ok()? != LENGTH {
            return None;
        }
        let (content, signature) = bytes[..LENGTH].split_at(CONTENT);
        let parts = [name.as_bytes(), content];
        if !keys.macs("remember", &parts).any(|mac| mac.verify_slice(signature).is_ok()) {
            return None;
        }
        let (series, content) = content.split_first_chunk()?;
        let (count, nonce) = content.split_first_chunk()?;
        let (count, nonce) =
            (u32::from_be_bytes(*count), u64::from_be_bytes(*nonce.first_chunk()?));
        Some(Self { series: SeriesId(*series), count, nonce })
    }

    pub(super) fn value(self, name: &str, keys: &Keys) -> String {
        let (count, nonce) = (self.count.to_be_bytes(), self.nonce.to_be_bytes());
        let content = [&self.series.0[..], &count, &nonce].concat();
        let mac = keys.macs("remember", &[name.as_bytes(), &content]).next();
        let signature = mac.map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
        URL_SAFE_NO_PAD.encode([&content[..], &signature].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretKey;

    #[test]
    fn forged_token_is_refused() {
        let keys = Keys::new(&SecretKey::generate().unwrap()).unwrap();
        let token = Token::generate(SeriesId::generate().unwrap(), 7).unwrap();
        let value = token.value("a-remember", &keys);
        assert!(Token::read(&value, "a-remember", &keys) == Some(token));
        assert!(Token::read(&value, "b-remember", &keys).is_none());
        let others = Keys::new(&SecretKey::generate().unwrap()).unwrap();
        assert!(Token::read(&value, "a-remember", &others).is_none());
        for at in 0..value.len() - 1 {
            let mut forged = value.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(Token::read(&forged, "a-remember", &keys).is_none(), "character {at}");
        }
        for forged in ["", "AAAA", &value[1..], &format!("{value}AA")] {
            assert!(Token::read(forged, "a-remember", &keys).is_none(), "{forged}");
        }
    }

    #[test]
    fn fuzzed_remember_token_is_genuine_or_refused() {
        let key = SecretKey::new((1..=32).collect::<Vec<u8>>()).unwrap();
        let keys = Keys::new(&key).unwrap();
        let tokens = [0, 1, u32::MAX].map(|count| Token {
            series: SeriesId([7; 16]),
            count,
            nonce: u64::from(count) << 8,
        });
        let values = tokens.map(|token| token.value("a-remember", &keys));
        let fuzz = fuzzing::Fuzz::new("remember-me token", &values);
        fuzz.words(&["=", "_", "é"]).run(|input| {
            let Ok(text) = std::str::from_utf8(input) else { return false };
            let token = Token::read(text, "a-remember", &keys);
            let genuine = values.iter().position(|value| value == text);
            assert!(token == genuine.map(|at| tokens[at]));
            token.is_some()
        });
    }
}
