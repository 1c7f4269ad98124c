//! The payload of a signed cookie: base64url, with a dot in front if it is compressed.

use base64::Engine as _;

use crate::base64url::{self, BASE64};
use crate::compression::{deflate, inflate};

/// Returns the text of a payload whose signature was verified, or `None` if it has none.
pub(crate) fn decode(payload: &str) -> Option<String> {
    let bytes = match payload.strip_prefix('.') {
        Some(compressed) => inflate(&decode_base64(compressed)?)?,
        None => decode_base64(payload)?,
    };
    String::from_utf8(bytes).ok()
}

/// Appends `text` as a payload.
pub(crate) fn encode(text: &str, target: &mut Vec<u8>) {
    base64url::append(text.as_bytes(), target);
}

/// Appends `text` as a compressed payload and returns `true`. Returns `false` and appends nothing
/// if that is not shorter.
pub(crate) fn encode_compressed(text: &str, target: &mut Vec<u8>) -> bool {
    let Some(compressed) = deflate(text.as_bytes()) else { return false };
    target.push(b'.');
    base64url::append(&compressed, target);
    true
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if let Ok(bytes) = BASE64.decode(text) {
        return Some(bytes);
    }
    // Python skips other characters and accepts both alphabets. A signed payload must be read
    // alike.
    let lenient: String = text
        .chars()
        .filter_map(|char| match char {
            '+' => Some('-'),
            '/' => Some('_'),
            'A'..='Z' | 'a'..='z' | '0'..='9' | '-' | '_' => Some(char),
            _ => None,
        })
        .collect();
    BASE64.decode(lenient).ok()
}
