//! Base64url without padding, with vector instructions on processors that have them.

use std::sync::LazyLock;

use base64::Engine as _;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use base64::engine::GeneralPurpose as Base64;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::Simd as Base64;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

/// Accepts exactly one text for each sequence of bytes.
const STRICT_CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_allow_trailing_bits(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);
/// Ignores the unused bits of the last character, as Python does.
const CONFIG: GeneralPurposeConfig = STRICT_CONFIG.with_decode_allow_trailing_bits(true);

pub(crate) static BASE64: LazyLock<Base64> = LazyLock::new(|| engine(CONFIG));
pub(crate) static STRICT: LazyLock<Base64> = LazyLock::new(|| engine(STRICT_CONFIG));

/// Returns the base64 length of this many bytes.
pub(crate) fn length(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// Replaces the bytes by their base64. A buffer with room for both needs no allocation.
pub(crate) fn encode_in_place(bytes: &mut Vec<u8>) {
    let decoded = bytes.len();
    bytes.resize(decoded + length(decoded), 0);
    let (source, target) = bytes.split_at_mut(decoded);
    let written = BASE64.encode_slice(source, target).unwrap_or(0);
    bytes.drain(..decoded);
    bytes.truncate(written);
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn engine(config: GeneralPurposeConfig) -> Base64 {
    Base64::url_safe(config)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn engine(config: GeneralPurposeConfig) -> Base64 {
    Base64::new(&base64::alphabet::URL_SAFE, config)
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
    fn strict_refuses_second_spelling() {
        assert_eq!(STRICT.decode("Bw").unwrap(), [7]);
        for other in ["Bx", "Bw==", "Bw=", "B/", "B"] {
            assert!(STRICT.decode(other).is_err(), "{other}");
        }
        assert_eq!(BASE64.decode("Bx").unwrap(), [7]);
    }
}
