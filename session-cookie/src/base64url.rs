//! Base64url without padding, by vector instructions where the processor has them.

use std::sync::LazyLock;

use base64::Engine as _;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use base64::engine::GeneralPurpose as Base64;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::Simd as Base64;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

/// One text for each sequence of bytes, and no other.
const STRICT_CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_allow_trailing_bits(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);
/// Python ignores the unused bits of the last character, and so must whoever reads what Python reads.
const CONFIG: GeneralPurposeConfig = STRICT_CONFIG.with_decode_allow_trailing_bits(true);

pub(crate) static BASE64: LazyLock<Base64> = LazyLock::new(|| engine(CONFIG));
pub(crate) static STRICT: LazyLock<Base64> = LazyLock::new(|| engine(STRICT_CONFIG));

/// How long so many bytes are in base64.
pub(crate) fn length(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// Appends the base64 of these bytes.
pub(crate) fn append(bytes: &[u8], target: &mut Vec<u8>) {
    let start = target.len();
    target.resize(start + length(bytes.len()), 0);
    let written = BASE64.encode_slice(bytes, &mut target[start..]).unwrap_or(0);
    target.truncate(start + written);
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
    fn lengths_are_foretold() {
        for bytes in 0..50 {
            let mut target = b"before".to_vec();
            append(&vec![7; bytes], &mut target);
            assert_eq!(target.len(), 6 + length(bytes));
            assert_eq!(STRICT.decode(&target[6..]).unwrap(), vec![7; bytes]);
        }
    }

    #[test]
    fn strict_takes_no_second_spelling() {
        assert_eq!(STRICT.decode("Bw").unwrap(), [7]);
        for other in ["Bx", "Bw==", "Bw=", "B/", "B"] {
            assert!(STRICT.decode(other).is_err(), "{other}");
        }
        assert_eq!(BASE64.decode("Bx").unwrap(), [7]);
    }
}
