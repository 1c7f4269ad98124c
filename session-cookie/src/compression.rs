//! The conditions for compressing a payload, and zlib with a limit on the decompressed size.

use std::io::{Read as _, Write as _};

#[cfg(doc)]
use session_core::SessionConfig;

use flate2::Compression as Level;
use flate2::bufread::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// The largest payload that a compressed cookie may have. A cookie of 4 KB, the limit of browsers,
/// decompresses to about a tenth of this size if it contains ordinary text.
const MAX_INFLATED: u64 = 512 * 1024;
/// The fraction of the size limit above which compression is tried.
const NEAR_LIMIT: (usize, usize) = (3, 4);

/// The setting that selects the cookies to compress. With every setting, compressed and
/// uncompressed cookies are read.
///
/// The length of compressed text reveals repetitions in the text. Therefore
/// [`SealedCookieSessions`](crate::SealedCookieSessions) uses [`Never`](Self::Never) by default.
/// Use another setting for sealed cookies only if no person can both choose a value and see the
/// length of the cookie.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Compression {
    /// Compresses a value that would fill more than three quarters of the space that
    /// [`max_cookie_size`](SessionConfig::max_cookie_size) leaves for it, if compression makes the
    /// value shorter. This is the default, because compressing takes longer than the rest of a
    /// save.
    #[default]
    NearLimit,
    /// Tries to compress every value, and stores the shorter form, as Flask does.
    WheneverShorter,
    /// Does not compress.
    Never,
}

impl Compression {
    /// Returns whether to try to compress a value of this length. `limit` calls a hook. Therefore
    /// `limit` is called only for [`NearLimit`](Self::NearLimit).
    pub(crate) fn is_tried(self, length: usize, limit: impl FnOnce() -> Option<usize>) -> bool {
        match self {
            Self::NearLimit => {
                limit().is_some_and(|limit| length > limit * NEAR_LIMIT.0 / NEAR_LIMIT.1)
            }
            Self::WheneverShorter => true,
            Self::Never => false,
        }
    }
}

/// Compresses the text. Returns `None` if the result, with a mark of one byte, is not shorter.
pub(crate) fn deflate(text: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Level::default());
    let compressed = encoder.write_all(text).and_then(|()| encoder.finish()).ok()?;
    (compressed.len() + 1 < text.len()).then_some(compressed)
}

/// Decompresses the bytes. Returns `None` if the bytes are not zlib data or the text is too large.
pub(crate) fn inflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    ZlibDecoder::new(bytes).take(MAX_INFLATED + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= MAX_INFLATED).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_text_is_kept_if_shorter_with_its_mark() {
        let (mut kept, mut refused) = (0, 0);
        for length in 1..200 {
            let text = format!("{}{}", "abcdefghij".repeat(3), "a".repeat(length % 20));
            let text = &text[..length.min(text.len())];
            let mut encoder = ZlibEncoder::new(Vec::new(), Level::default());
            encoder.write_all(text.as_bytes()).unwrap();
            let shorter = encoder.finish().unwrap().len() < text.len() - 1;
            assert_eq!(deflate(text.as_bytes()).is_some(), shorter, "{text}");
            if shorter { kept += 1 } else { refused += 1 }
        }
        assert!(kept > 0 && refused > 0, "{kept} kept, {refused} refused");
    }
}
