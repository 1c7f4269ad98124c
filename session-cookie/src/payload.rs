//! The payload of a signed cookie: base64url, behind a dot if it is compressed.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use flate2::Compression as Level;
use flate2::bufread::ZlibDecoder;
use flate2::write::ZlibEncoder;

use crate::base64url::BASE64;

/// The largest session that a compressed cookie may unfold to. A browser's 4 KB of ordinary text unfold to a tenth of it.
const MAX_INFLATED: u64 = 512 * 1024;

/// The text behind a payload whose signature was verified; `None` if it is none.
pub(crate) fn decode(payload: &str) -> Option<String> {
    let bytes = match payload.strip_prefix('.') {
        Some(compressed) => inflate(&decode_base64(compressed)?)?,
        None => decode_base64(payload)?,
    };
    String::from_utf8(bytes).ok()
}

/// How long `text` is as a payload that is not compressed.
pub(crate) fn encoded_length(text: &str) -> usize {
    (text.len() * 4).div_ceil(3)
}

/// Appends `text` as a payload.
pub(crate) fn encode(text: &str, target: &mut Vec<u8>) {
    encode_base64(text.as_bytes(), target);
}

/// Appends `text` as a compressed payload, if that is shorter.
pub(crate) fn encode_compressed(text: &str, target: &mut Vec<u8>) -> bool {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level::default());
    let Ok(compressed) = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()) else { return false };
    // Flask's rule: the dot in front must pay for itself.
    if compressed.len() + 1 >= text.len() {
        return false;
    }
    target.push(b'.');
    encode_base64(&compressed, target);
    true
}

fn encode_base64(bytes: &[u8], target: &mut Vec<u8>) {
    let start = target.len();
    target.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = BASE64.encode_slice(bytes, &mut target[start..]).unwrap_or(0);
    target.truncate(start + written);
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    if let Ok(bytes) = BASE64.decode(text) {
        return Some(bytes);
    }
    // Python passes over every other character and takes both alphabets; what was signed is read as Python reads it.
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

fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    ZlibDecoder::new(bytes).take(MAX_INFLATED + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= MAX_INFLATED).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_is_kept_if_the_dot_pays_for_itself() {
        let (mut kept, mut refused) = (0, 0);
        for length in 1..200 {
            let text = format!("{}{}", "abcdefghij".repeat(3), "a".repeat(length % 20));
            let text = &text[..length.min(text.len())];
            let mut encoder = ZlibEncoder::new(Vec::new(), Level::default());
            encoder.write_all(text.as_bytes()).unwrap();
            let shorter = encoder.finish().unwrap().len() < text.len() - 1;
            assert_eq!(encode_compressed(text, &mut Vec::new()), shorter, "{text}");
            if shorter { kept += 1 } else { refused += 1 }
        }
        assert!(kept > 0 && refused > 0, "{kept} kept, {refused} refused");
    }

    #[test]
    fn lengths_are_foretold() {
        for length in 0..50 {
            let text = "x".repeat(length);
            let mut target = Vec::new();
            encode(&text, &mut target);
            assert_eq!(target.len(), encoded_length(&text));
        }
    }
}
