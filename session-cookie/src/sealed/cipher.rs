//! Sealing: AES-256-GCM-SIV with keys that are derived for this purpose only. The namespace is
//! authenticated with the content.

use std::fmt;

use aes_gcm_siv::aead::AeadInOut as _;
use aes_gcm_siv::{Aes256GcmSiv, KeyInit as _, Nonce, Tag};
use base64::Engine as _;
use hkdf::Hkdf;
use session_core::config::SecretKey;
use session_core::{Error, ErrorKind};
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::base64url::{self, STRICT};

/// The HKDF info of the keys. No signing key is derived with this info. The number is the version
/// of the format.
const PURPOSE: &[u8] = b"session-cookie sealed 1";
const NONCE: usize = 12;
const TAG: usize = 16;

/// A cipher of cookies. The current key seals, and all keys open. Each key is derived once.
#[derive(Clone)]
pub(super) struct Cipher {
    keys: Vec<Aes256GcmSiv>,
}

/// Asserts that the keys and the states of the key derivation are overwritten on drop.
const _: () = {
    const fn is_overwritten<T: ZeroizeOnDrop>() {}
    is_overwritten::<aes::Aes256>();
    is_overwritten::<Sha256>();
};

impl Cipher {
    /// The number of bytes that sealing adds before the base64 encoding.
    pub(super) const OVERHEAD: usize = TAG + NONCE;

    pub(super) fn new(key: &SecretKey) -> Result<Self, Error> {
        let derived = key.verifying_keys().map(|key| {
            let mut derived = Zeroizing::new([0; 32]);
            Hkdf::<Sha256>::new(None, key).expand(PURPOSE, &mut *derived)?;
            Ok(Aes256GcmSiv::new((&*derived).into()))
        });
        let unusable = |error: hkdf::InvalidLength| {
            Error::new(ErrorKind::Configuration, "secret key cannot be used").with_source(error)
        };
        Ok(Self { keys: derived.collect::<Result<_, _>>().map_err(unusable)? })
    }

    /// Returns the length of a cookie that seals this many bytes.
    pub(super) fn sealed_length(bytes: usize) -> usize {
        base64url::length(bytes + Self::OVERHEAD)
    }

    /// Returns the cookie value: the ciphertext, the tag and the nonce, in base64.
    pub(super) fn seal(&self, mut content: Vec<u8>, namespace: &str) -> Result<String, Error> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| {
            let message = "cannot read random bytes from the operating system";
            Error::new(ErrorKind::Unavailable, message).with_source(error)
        })?;
        let nonce = Nonce::from(nonce);
        let tag = self.keys[0]
            .encrypt_inout_detached(&nonce, namespace.as_bytes(), content.as_mut_slice().into())
            .map_err(|_| Error::new(ErrorKind::TooLarge, "session is too large to be sealed"))?;
        content.extend_from_slice(&tag);
        content.extend_from_slice(&nonce);
        base64url::encode_in_place(&mut content);
        String::from_utf8(content).map_err(|error| {
            Error::new(ErrorKind::Backend, "sealed session is not text").with_source(error)
        })
    }

    /// Returns the content of a cookie of this namespace, or `None` if none of the keys sealed it.
    pub(super) fn open(&self, cookie: &str, namespace: &str) -> Option<Vec<u8>> {
        let mut content = STRICT.decode(cookie).ok()?;
        let (rest, nonce) = content.split_last_chunk_mut::<NONCE>()?;
        let (sealed, tag) = rest.split_last_chunk_mut::<TAG>()?;
        let (nonce, tag, length) = (Nonce::from(*nonce), Tag::from(*tag), sealed.len());
        // A failed decryption leaves the ciphertext unchanged for the next key.
        let opened = self.keys.iter().any(|key| {
            key.decrypt_inout_detached(&nonce, namespace.as_bytes(), (&mut *sealed).into(), &tag)
                .is_ok()
        });
        content.truncate(length);
        opened.then_some(content)
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cipher").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}
