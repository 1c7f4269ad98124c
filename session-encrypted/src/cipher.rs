//! AES-256-GCM-SIV with keys that are derived for this purpose only. The key of the record and its
//! owner are authenticated with the payload.

use aes_gcm_siv::aead::AeadInOut as _;
use aes_gcm_siv::{Aes256GcmSiv, KeyInit as _, Nonce, Tag};
use hkdf::Hkdf;
use session_core::config::SecretKey;
use session_core::store::StoreKey;
use session_core::{Error, ErrorKind};
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// The HKDF info of the keys. No other key is derived with this info.
const PURPOSE: &[u8] = b"session-encrypted 1";
/// The first byte of each payload of version 1.
const FORMAT: u8 = 1;
/// The first bytes of a payload of a later version. The number of the version follows. No record of
/// the engine begins with these bytes. Therefore a payload without encryption is not mistaken for a
/// payload of a later version.
const MARK: [u8; 3] = *b"\xffen";
const NONCE: usize = 12;
const TAG: usize = 16;
pub(crate) const OVERHEAD: usize = 1 + TAG + NONCE;

/// A cipher of payloads. The current key encrypts, and all keys decrypt. Each key is derived once.
#[derive(Clone)]
pub(crate) struct Cipher {
    keys: Vec<Aes256GcmSiv>,
}

/// Asserts that the keys and the states of the key derivation are overwritten when they are
/// dropped.
const _: () = {
    const fn is_overwritten<T: ZeroizeOnDrop>() {}
    is_overwritten::<aes::Aes256>();
    is_overwritten::<Sha256>();
};

impl Cipher {
    pub(crate) fn new(key: &SecretKey) -> Result<Self, Error> {
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

    /// Returns the format, the ciphertext, the tag and the nonce.
    pub(crate) fn seal(
        &self,
        payload: &[u8],
        key: &StoreKey,
        owner: Option<&str>,
    ) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| {
            let message = "cannot read random bytes from the operating system";
            Error::new(ErrorKind::Unavailable, message).with_source(error)
        })?;
        let nonce = Nonce::from(nonce);
        let mut sealed = Vec::with_capacity(payload.len() + OVERHEAD);
        sealed.push(FORMAT);
        sealed.extend_from_slice(payload);
        let tag = self.keys[0]
            .encrypt_inout_detached(&nonce, &bound(key, owner), (&mut sealed[1..]).into())
            .map_err(|_| Error::new(ErrorKind::TooLarge, "session is too large to be encrypted"))?;
        sealed.extend_from_slice(&tag);
        sealed.extend_from_slice(&nonce);
        Ok(sealed)
    }

    /// Fails if a newer build encrypted the payload.
    pub(crate) fn check_version(sealed: &[u8]) -> Result<(), Error> {
        match sealed.strip_prefix(&MARK) {
            Some([version, ..]) if *version > FORMAT => Err(Error::newer_format(format!(
                "encrypted session record has version {version} of the format, and this build \
                 reads up to version {FORMAT}; deploy the newer build again"
            ))),
            _ => Ok(()),
        }
    }

    /// Returns the payload, or `None` if none of the keys encrypted it for this record.
    pub(crate) fn open(
        &self,
        sealed: &[u8],
        key: &StoreKey,
        owner: Option<&str>,
    ) -> Option<Vec<u8>> {
        let (rest, nonce) = sealed.strip_prefix(&[FORMAT])?.split_last_chunk::<NONCE>()?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG>()?;
        let (nonce, tag, bound) = (Nonce::from(*nonce), Tag::from(*tag), bound(key, owner));
        let mut payload = ciphertext.to_vec();
        // A failed decryption leaves the ciphertext unchanged for the next key.
        let opened = self.keys.iter().any(|cipher| {
            let buffer = payload.as_mut_slice().into();
            cipher.decrypt_inout_detached(&nonce, &bound, buffer, &tag).is_ok()
        });
        opened.then_some(payload)
    }
}

/// Returns the data that is authenticated with a payload. The key has a fixed length. The byte
/// after the key distinguishes a record without an owner from a record with an empty owner.
fn bound(key: &StoreKey, owner: Option<&str>) -> Vec<u8> {
    let mut bound = key.as_bytes().to_vec();
    bound.push(u8::from(owner.is_some()));
    bound.extend_from_slice(owner.unwrap_or_default().as_bytes());
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzzed_payload_is_what_was_sealed_or_refused() {
        let secret = SecretKey::new((1..=32).collect::<Vec<u8>>()).unwrap();
        let cipher = Cipher::new(&secret).unwrap();
        let key = StoreKey::from_bytes([9; 32]);
        let payloads = [&b""[..], b"payload", &[7; 300]];
        let samples = payloads.map(|payload| cipher.seal(payload, &key, Some("ada")).unwrap());
        fuzzing::Fuzz::new("encrypted payload", &samples).run(|input| {
            let opened = cipher.open(input, &key, Some("ada"));
            assert_eq!(opened.is_some(), samples.iter().any(|sample| sample == input));
            assert!(opened.as_ref().is_none_or(|opened| payloads.contains(&opened.as_slice())));
            opened.is_some_and(|_| cipher.open(input, &key, None).is_none())
        });
    }
}
