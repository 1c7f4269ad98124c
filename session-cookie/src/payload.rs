//! The payload of a signed cookie: base64url, with a dot in front if it is compressed.

use base64::Engine as _;
use base64::engine::GeneralPurposeConfig;
use base64::engine::general_purpose::GeneralPurpose;

use crate::base64url;
use crate::compression::{deflate, inflate};

/// Ordinary base64 that ignores the unused bits of the last character, as Python does.
const PLAIN: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Returns the text of a payload whose signature was verified. Returns `None` if the payload is not
/// encoded text.
pub(crate) fn decode(payload: &str) -> Option<String> {
    let bytes = match payload.strip_prefix('.') {
        Some(compressed) => inflate(&decode_base64(compressed)?)?,
        None => decode_base64(payload)?,
    };
    String::from_utf8(bytes).ok()
}

/// Returns the text of a payload in ordinary base64, as Starlette writes it.
pub(crate) fn decode_plain(payload: &str) -> Option<String> {
    // Python skips other characters and requires the padding.
    let text: String = payload
        .chars()
        .filter(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '/' | '='))
        .collect();
    String::from_utf8(PLAIN.decode(text).ok()?).ok()
}

/// Returns `text` in ordinary base64.
pub(crate) fn encode_plain(text: &str) -> Vec<u8> {
    PLAIN.encode(text).into_bytes()
}

/// Replaces the text by its payload, which is compressed if `compress` is set and compression makes
/// the payload shorter.
pub(crate) fn encode(text: &mut Vec<u8>, compress: bool) {
    let Some(mut compressed) = compress.then(|| deflate(text)).flatten() else {
        return base64url::encode_in_place(text);
    };
    base64url::encode_in_place(&mut compressed);
    text.clear();
    text.push(b'.');
    text.extend_from_slice(&compressed);
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if let Some(bytes) = base64url::decode(text) {
        return Some(bytes);
    }
    // Python skips other characters and accepts both alphabets. A signed payload must be read
    // in the same way.
    let lenient: String = text
        .chars()
        .filter_map(|char| match char {
            '+' => Some('-'),
            '/' => Some('_'),
            'A'..='Z' | 'a'..='z' | '0'..='9' | '-' | '_' => Some(char),
            _ => None,
        })
        .collect();
    base64url::decode(&lenient)
}
