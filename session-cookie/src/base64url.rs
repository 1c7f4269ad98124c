//! Base64url without padding, with vector instructions on processors that have them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use base64::engine::GeneralPurpose as Base64;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::Simd as Base64;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A configuration that accepts exactly one text for each sequence of bytes.
const STRICT_CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_allow_trailing_bits(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);
/// A configuration that ignores the unused bits of the last character, as Python does.
const CONFIG: GeneralPurposeConfig = STRICT_CONFIG.with_decode_allow_trailing_bits(true);

pub(crate) static BASE64: LazyLock<Base64> = LazyLock::new(|| engine(CONFIG));
/// The engine for texts that are too short for vector instructions.
pub(crate) static SHORT: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);
pub(crate) static STRICT: LazyLock<Base64> = LazyLock::new(|| engine(STRICT_CONFIG));

/// The minimum number of bytes that the engine encodes with vector instructions. Padding a shorter
/// text with zeros is faster than encoding it without these instructions.
const VECTOR_ENCODE: usize = 128;
/// The number of characters that the engine decodes at once, and the minimum length of a text that
/// the engine decodes with vector instructions.
const VECTOR_DECODE: (usize, usize) = (32, 64);
/// The number of characters at the end of a text that the engine decodes separately.
const LAST: usize = 2;
/// The maximum length of a padded text. For a longer text, padding would cost more than it saves.
const PADDED_DECODE: usize = 256 + LAST;

/// Returns the base64 length of this number of bytes.
pub(crate) fn length(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// Returns the capacity with which [`encode_in_place`] needs no allocation.
pub(crate) fn capacity(bytes: usize) -> usize {
    let padded = bytes.max(VECTOR_ENCODE);
    padded + length(padded)
}

/// Replaces the bytes with their base64.
pub(crate) fn encode_in_place(bytes: &mut Vec<u8>) {
    let (encoded, padded) = (length(bytes.len()), bytes.len().max(VECTOR_ENCODE));
    bytes.resize(padded + length(padded), 0);
    let (source, target) = bytes.split_at_mut(padded);
    let written = BASE64.encode_slice(source, target).unwrap_or(0);
    let encoded = encoded.min(written);
    bytes.copy_within(padded..padded + encoded, 0);
    bytes.truncate(encoded);
}

/// Decodes a text, ignoring the unused bits of its last character.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let (step, least) = VECTOR_DECODE;
    let length = text.len();
    let padded = length.next_multiple_of(step).max(least) + LAST;
    if padded > PADDED_DECODE || length % 4 == 1 {
        return BASE64.decode(text).ok();
    }
    // `A` represents zeros, which follow the bytes of the text.
    let mut source = [b'A'; PADDED_DECODE];
    source[..length].copy_from_slice(text.as_bytes());
    let mut bytes = vec![0; padded * 3 / 4];
    BASE64.decode_slice(&source[..padded], &mut bytes).ok()?;
    bytes.truncate(length * 3 / 4);
    Some(bytes)
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn engine(config: GeneralPurposeConfig) -> Base64 {
    Base64::url_safe(config)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn engine(config: GeneralPurposeConfig) -> Base64 {
    Base64::new(&URL_SAFE, config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computed_length_is_length_of_base64() {
        for bytes in 0..50 {
            let mut target = vec![7; bytes];
            encode_in_place(&mut target);
            assert_eq!(target.len(), length(bytes));
            assert_eq!(STRICT.decode(&target).unwrap(), vec![7; bytes]);
        }
    }

    #[test]
    fn decoded_text_is_that_of_engine() {
        for length in 0..300 {
            for last in ["", "x", "_", "=", "==", "!"] {
                let text = "Ab-_9z".repeat(50)[..length].to_owned() + last;
                assert_eq!(decode(&text), BASE64.decode(&text).ok(), "{text}");
            }
        }
    }

    #[test]
    fn strict_refuses_second_spelling() {
        assert_eq!(STRICT.decode("Bw").unwrap(), [7]);
        for other in ["Bx", "Bw==", "Bw=", "B/", "B"] {
            assert!(STRICT.decode(other).is_err(), "{other}");
        }
        assert_eq!(BASE64.decode("Bx").unwrap(), [7]);
    }
}
