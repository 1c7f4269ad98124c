//! Base64url without padding, by vector instructions where the processor has them.

use std::sync::LazyLock;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use base64::engine::GeneralPurpose as Base64;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::Simd as Base64;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

/// Python ignores the unused bits of the last character, and so must whoever reads what Python reads.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);

pub(crate) static BASE64: LazyLock<Base64> = LazyLock::new(engine);

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn engine() -> Base64 {
    Base64::url_safe(CONFIG)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn engine() -> Base64 {
    Base64::new(&base64::alphabet::URL_SAFE, CONFIG)
}
