//! When a session's text is compressed, and zlib within bounds.

use std::io::{Read as _, Write as _};

#[cfg(doc)]
use session_core::SessionConfig;

use flate2::Compression as Level;
use flate2::bufread::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// The largest session that a compressed cookie may unfold to. A browser's 4 KB of ordinary text unfold to a tenth of it.
const MAX_INFLATED: u64 = 512 * 1024;
/// Of the room that a cookie has, the part above which compression is tried.
const NEAR_LIMIT: (usize, usize) = (3, 4);

/// When a cookie is compressed. Reading takes both at any setting.
///
/// Compressed text tells by its length what it repeats. So of [`SealedCookieSessions`](crate::SealedCookieSessions) the default is
/// [`Never`](Self::Never): say there that the others may be used only if no part of the session comes from whoever may also see the
/// length of the cookie.
///
/// ```
/// use session_cookie::{Compression, SecretKey, SessionConfig, SignedCookieSessions};
///
/// let key = SecretKey::generate()?;
/// let sessions = SignedCookieSessions::builder(SessionConfig::default(), &key)
///     .compression(Compression::WheneverShorter)
///     .build()?;
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Compression {
    /// When the value fills more than three quarters of the room that
    /// [`max_cookie_size`](SessionConfig::max_cookie_size) leaves, and is shorter compressed. The default: compressing
    /// costs more than all the rest of a save.
    #[default]
    NearLimit,
    /// Tried on every save, and kept if it is shorter: what Flask does.
    WheneverShorter,
    /// Not at all.
    Never,
}

impl Compression {
    /// Whether to try it on a value that has this length as it is.
    pub(crate) fn is_tried(self, length: usize, limit: Option<usize>) -> bool {
        match self {
            Self::NearLimit => limit.is_some_and(|limit| length > limit * NEAR_LIMIT.0 / NEAR_LIMIT.1),
            Self::WheneverShorter => true,
            Self::Never => false,
        }
    }
}

/// The text compressed, if that is shorter by more than the mark that says so.
pub(crate) fn deflate(text: &str) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level::default());
    let compressed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).ok()?;
    (compressed.len() + 1 < text.len()).then_some(compressed)
}

/// What was compressed; `None` for what is no zlib, and for what unfolds to too much.
pub(crate) fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    ZlibDecoder::new(bytes).take(MAX_INFLATED + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= MAX_INFLATED).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_is_kept_if_its_mark_pays_for_itself() {
        let (mut kept, mut refused) = (0, 0);
        for length in 1..200 {
            let text = format!("{}{}", "abcdefghij".repeat(3), "a".repeat(length % 20));
            let text = &text[..length.min(text.len())];
            let mut encoder = ZlibEncoder::new(Vec::new(), Level::default());
            encoder.write_all(text.as_bytes()).unwrap();
            let shorter = encoder.finish().unwrap().len() < text.len() - 1;
            assert_eq!(deflate(text).is_some(), shorter, "{text}");
            if shorter { kept += 1 } else { refused += 1 }
        }
        assert!(kept > 0 && refused > 0, "{kept} kept, {refused} refused");
    }
}
