//! What is sealed: the session's text, perhaps compressed, and behind it when the session began and when it ends.

use std::time::{Duration, SystemTime};

use session_core::SessionConfig;

use crate::compression::{deflate, inflate};

const PLAIN: u8 = 0;
const ZLIB: u8 = 1;
/// A mark and two times.
pub(super) const OVERHEAD: usize = 17;
/// The most that a renewal for the idle timeout may be late.
const SLACK: Duration = Duration::from_mins(1);
/// 9999-12-31T23:59:59Z, the last second that a cookie's `Expires` can show.
const END_OF_TIME: Duration = Duration::from_secs(253_402_300_799);

/// When a session began, and when its cookie ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Span {
    pub(super) created_at: SystemTime,
    pub(super) expires_at: SystemTime,
}

impl Span {
    /// The span of a cookie that is made now. With an idle timeout the end has a slack, which spares most requests a cookie.
    pub(super) fn new(
        config: &SessionConfig,
        lifetime: Option<Duration>,
        created_at: SystemTime,
        now: SystemTime,
    ) -> Self {
        let life = life(config, lifetime);
        let slack = if config.idle_timeout().is_some() { (life / 10).min(SLACK) } else { Duration::ZERO };
        Self { created_at, expires_at: end(config, life.saturating_add(slack), created_at, now) }
    }

    /// Whether the cookie lives as long as one that is made now must.
    pub(super) fn suffices(&self, config: &SessionConfig, lifetime: Option<Duration>, now: SystemTime) -> bool {
        self.expires_at >= end(config, life(config, lifetime), self.created_at, now)
    }

    /// At the very moment of its end, a session has not expired.
    pub(super) fn is_over(&self, config: &SessionConfig, now: SystemTime) -> bool {
        now > self.expires_at || config.absolute_timeout().is_some_and(|limit| now > add(self.created_at, limit))
    }
}

/// The bytes to seal.
pub(super) fn encode(text: String, span: Span, compress: bool) -> Vec<u8> {
    let (mark, mut content) = match compress.then(|| deflate(&text)).flatten() {
        Some(compressed) => (ZLIB, compressed),
        None => (PLAIN, text.into_bytes()),
    };
    content.push(mark);
    content.extend_from_slice(&milliseconds(span.created_at).to_be_bytes());
    content.extend_from_slice(&milliseconds(span.expires_at).to_be_bytes());
    content
}

/// When the session began and ends; `None` if this was never sealed by us.
pub(super) fn span(content: &[u8]) -> Option<Span> {
    let (rest, expires_at) = content.split_last_chunk()?;
    let (_, created_at) = rest.split_last_chunk()?;
    Some(Span { created_at: time(*created_at)?, expires_at: time(*expires_at)? })
}

/// The session's text.
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

fn life(config: &SessionConfig, lifetime: Option<Duration>) -> Duration {
    let life = lifetime.unwrap_or_else(|| config.permanent_lifetime());
    config.idle_timeout().map_or(life, |idle| life.min(idle))
}

fn end(config: &SessionConfig, life: Duration, created_at: SystemTime, now: SystemTime) -> SystemTime {
    let end = add(now, life);
    config.absolute_timeout().map_or(end, |limit| end.min(add(created_at, limit)))
}

fn add(time: SystemTime, duration: Duration) -> SystemTime {
    let last = SystemTime::UNIX_EPOCH + END_OF_TIME;
    time.checked_add(duration).map_or(last, |sum| sum.min(last))
}

/// Milliseconds since 1970, rounded up, so that no session ends before its time.
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
    fn what_is_written_is_read_and_times_are_rounded_up() {
        let created_at = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 1);
        let span_of = Span { created_at, expires_at: created_at + Duration::from_hours(1) };
        for (text_of, compress) in [("{}", false), (&"é".repeat(100), true), ("{}", true)] {
            let content = encode(text_of.to_owned(), span_of, compress);
            let up = Duration::from_nanos(999_999);
            let read = Span { created_at: created_at + up, expires_at: span_of.expires_at + up };
            assert_eq!(span(&content), Some(read));
            assert_eq!(encode(text_of.to_owned(), read, compress), content);
            assert_eq!(text(content).as_deref(), Some(text_of));
        }
    }

    #[test]
    fn what_was_not_written_is_not_read() {
        let content = encode(
            "{}".to_owned(),
            Span { created_at: SystemTime::UNIX_EPOCH, expires_at: SystemTime::UNIX_EPOCH },
            false,
        );
        for length in 0..OVERHEAD {
            assert_eq!(text(content[..length].to_vec()), None);
        }
        for (mark, bytes) in [(2, &b"{}"[..]), (PLAIN, &[0xff]), (ZLIB, b"{}")] {
            let mut content = bytes.to_vec();
            content.push(mark);
            content.extend_from_slice(&[0; 16]);
            assert_eq!(text(content), None, "{mark}");
        }
        assert_eq!(span(&[0; 15]), None);
    }
}
