//! The sealed bytes. They contain the payload, a mark, and the times when the session was created
//! and its cookie was set. The payload may be compressed.
//!
//! The mark is 0 or 1 in version 1 of the format. Every version has the mark before the last 16
//! bytes, and version `n` has the marks `2 * n - 2` and `2 * n - 1`.

use std::time::{Duration, SystemTime};

use session_core::SessionConfig;
use session_core::interface::{Lifetime, Renewal, SessionDetails, saturating_add};

use crate::compression::{deflate, inflate};

const PLAIN: u8 = 0;
const ZLIB: u8 = 1;
/// The newest version that this build reads, and the version that it writes.
pub(super) const VERSION: u8 = 1;
/// The bytes after the payload: a mark and two times.
pub(super) const OVERHEAD: usize = 17;

/// The times at which a session was created and its cookie was set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Span {
    pub(super) created_at: SystemTime,
    pub(super) set_at: SystemTime,
}

impl Span {
    /// Returns the time when a session with this lifetime expires. A session that ends with the
    /// browser has the lifetime of a permanent session.
    ///
    /// With an idle timeout, the expiry has the slack of a stored record. Therefore most requests
    /// need no new cookie.
    pub(super) fn expires_at(self, config: &SessionConfig, lifetime: Lifetime) -> SystemTime {
        let lifetime = lifetime.unwrap_or(config.permanent_lifetime());
        if config.idle_timeout().is_some() {
            return config.record_expiry(lifetime, self.created_at, self.set_at);
        }
        let expires_at = saturating_add(self.set_at, lifetime);
        let limit = config.absolute_timeout().map(|limit| saturating_add(self.created_at, limit));
        limit.map_or(expires_at, |limit| limit.min(expires_at))
    }

    /// Returns the details of a session that expires at this time.
    pub(super) fn details(self, expires_at: SystemTime) -> SessionDetails {
        SessionDetails::new().with_created_at(self.created_at).with_expires_at(expires_at)
    }

    /// Returns the time when a session that is only read needs a new cookie. An idle timeout
    /// requires this cookie, regardless of the setting `refresh`.
    pub(super) fn renewal(self, config: &SessionConfig, lifetime: Lifetime) -> Renewal {
        let sealed = lifetime.unwrap_or(config.permanent_lifetime());
        let expires_at = self.expires_at(config, lifetime);
        let record = config.renewal(sealed, self.created_at, expires_at);
        if config.idle_timeout().is_some() {
            return Renewal { cookie: true, ..record };
        }
        match config.cookie_renewal(lifetime, self.set_at) {
            // A renewal cannot extend the expiry past the absolute timeout.
            _ if record == Renewal::never() => record,
            renewal => renewal,
        }
    }
}

/// Returns the bytes to seal.
pub(super) fn encode(payload: Vec<u8>, span: Span, compress: bool) -> Vec<u8> {
    let (mark, mut content) = match compress.then(|| deflate(&payload)).flatten() {
        Some(compressed) => (ZLIB, compressed),
        None => (PLAIN, payload),
    };
    content.push(mark);
    content.extend_from_slice(&milliseconds(span.created_at).to_be_bytes());
    content.extend_from_slice(&milliseconds(span.set_at).to_be_bytes());
    content
}

/// Returns the version of the format, or `None` if no version has so few bytes.
pub(super) fn version(content: &[u8]) -> Option<u8> {
    let mark = content[..content.len().checked_sub(OVERHEAD - 1)?].last()?;
    Some(mark / 2 + 1)
}

/// Reads the span, or returns `None` if [`encode`] did not write the bytes.
pub(super) fn span(content: &[u8]) -> Option<Span> {
    let (rest, set_at) = content.split_last_chunk()?;
    let (_, created_at) = rest.split_last_chunk()?;
    Some(Span { created_at: time(*created_at)?, set_at: time(*set_at)? })
}

/// Reads the payload, or returns `None` if [`encode`] did not write the bytes.
pub(super) fn text(mut content: Vec<u8>) -> Option<String> {
    let end = content.len().checked_sub(OVERHEAD)?;
    let mark = content[end];
    content.truncate(end);
    let text = match mark {
        PLAIN => content,
        ZLIB => inflate(&content)?,
        _ => return None,
    };
    String::from_utf8(text).ok()
}

/// Returns the milliseconds since 1970, rounded up, so that no session expires early.
fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

fn time(milliseconds: [u8; 8]) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(u64::from_be_bytes(milliseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_content_is_read_with_times_rounded_up() {
        let created_at = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 1);
        let span_of = Span { created_at, set_at: created_at + Duration::from_secs(3600) };
        for (text_of, compress) in [("{}", false), (&"é".repeat(100), true), ("{}", true)] {
            let content = encode(text_of.into(), span_of, compress);
            let up = Duration::from_nanos(999_999);
            let read = Span { created_at: created_at + up, set_at: span_of.set_at + up };
            assert_eq!(span(&content), Some(read));
            assert_eq!(encode(text_of.into(), read, compress), content);
            assert_eq!(text(content).as_deref(), Some(text_of));
        }
    }

    #[test]
    fn fuzzed_content_is_read_as_it_was_sealed() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let span_of = Span { created_at: at(1_700_000_000), set_at: at(1_700_000_060) };
        let texts = ["{}".to_owned(), r#"{"a":"é"}"#.into(), "a".repeat(500)];
        let samples = texts.iter().flat_map(|text| {
            [false, true].map(|compress| encode(text.clone().into_bytes(), span_of, compress))
        });
        fuzzing::Fuzz::new("sealed content", samples).memory(2 * 1024 * 1024).run(|input| {
            let (span_read, text_read) = (span(input), text(input.to_vec()));
            let (Some(span_read), Some(text_read)) = (span_read, text_read) else { return false };
            let again = encode(text_read.clone().into_bytes(), span_read, false);
            assert_eq!((span(&again), text(again)), (Some(span_read), Some(text_read)));
            true
        });
    }

    #[test]
    fn other_content_is_refused() {
        let content = encode(
            "{}".into(),
            Span { created_at: SystemTime::UNIX_EPOCH, set_at: SystemTime::UNIX_EPOCH },
            false,
        );
        for length in 0..OVERHEAD {
            assert_eq!(text(content[..length].to_vec()), None);
        }
        for (mark, bytes) in [(PLAIN, &[0xff][..]), (ZLIB, b"{}")] {
            let mut content = bytes.to_vec();
            content.push(mark);
            content.extend_from_slice(&[0; 16]);
            assert_eq!(version(&content), Some(1));
            assert_eq!(text(content), None, "{mark}");
        }
        assert_eq!((span(&[0; 15]), version(&[0; 16])), (None, None));
    }

    /// Samples of version 1. Every later build must read them.
    #[test]
    fn content_of_version_1_is_read_and_written() {
        let times = b"\x00\x00\x01\x8b\xcf\xe5\x64\x18\x00\x00\x01\x8b\xcf\xe5\x68\x7b";
        let plain = [&b"{\"a\":1}\x00"[..], times].concat();
        // zlib of `{}`, stored without compression.
        let deflated = b"\x78\x01\x01\x02\x00\xfd\xff\x7b\x7d\x01\x75\x00\xf9";
        let compressed = [deflated, &b"\x01"[..], times].concat();
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        let sealed = Span { created_at: at(1_699_999_999_000), set_at: at(1_700_000_000_123) };
        assert_eq!(encode(b"{\"a\":1}".to_vec(), sealed, false), plain);
        for (content, text_of) in [(plain, "{\"a\":1}"), (compressed, "{}")] {
            assert_eq!((version(&content), span(&content)), (Some(1), Some(sealed)));
            assert_eq!(text(content).as_deref(), Some(text_of));
        }
    }

    #[test]
    fn mark_of_content_has_version() {
        for (mark, version_of) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (255, 128)] {
            let content = [&b"{}"[..], &[mark], &[9; 16]].concat();
            assert_eq!(version(&content), Some(version_of));
        }
    }
}
