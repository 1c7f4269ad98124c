//! The record of a series.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::RECORD_KIND;

/// The time for which a token is accepted after its successor was used.
const PARALLEL: Duration = Duration::from_secs(60);

/// A series as it is stored. The owner is a field of the record.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Series {
    pub(super) stamp: Option<String>,
    /// The generation of the newest tokens.
    pub(super) count: u32,
    /// The time of the first use of a token of the previous generation, in milliseconds.
    advanced_at: u64,
    /// The nonce of that token.
    used: u64,
    /// The handle of the last session, which the login or a token created.
    pub(super) session: Option<String>,
}

/// The validity of a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Worth {
    Newest,
    Previous,
    Stolen,
    /// The token is newer than the record, which is from a backup.
    Unknown,
}

impl Series {
    pub(super) fn new(stamp: Option<&str>, session: Option<String>) -> Self {
        Self { stamp: stamp.map(str::to_owned), session, ..Self::default() }
    }

    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let (&kind, json) = payload.split_first()?;
        if kind == RECORD_KIND { serde_json::from_slice(json).ok() } else { None }
    }

    pub(super) fn payload(&self) -> Vec<u8> {
        let mut bytes = vec![RECORD_KIND];
        bytes.extend(serde_json::to_vec(self).unwrap_or_default());
        bytes
    }

    pub(super) fn worth(&self, count: u32, nonce: u64, now: SystemTime) -> Worth {
        let is_parallel =
            since_1970(now) <= self.advanced_at.saturating_add(milliseconds(PARALLEL));
        match self.count.checked_sub(count) {
            None => Worth::Unknown,
            Some(0) => Worth::Newest,
            Some(1) if nonce == self.used || is_parallel => Worth::Previous,
            Some(2) if is_parallel => Worth::Previous,
            Some(_) => Worth::Stolen,
        }
    }

    /// Returns the series after one of its newest tokens was used.
    pub(super) fn advanced(&self, nonce: u64, now: SystemTime) -> Self {
        let (count, advanced_at) = (self.count.saturating_add(1), since_1970(now));
        Self { count, advanced_at, used: nonce, ..self.clone() }
    }
}

fn since_1970(time: SystemTime) -> u64 {
    milliseconds(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previous_token_is_valid_until_successor_was_used() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(3600);
        let year = Duration::from_secs(365 * 24 * 3600);
        let series = Series::new(None, None);
        assert_eq!(series.worth(0, 5, start + year), Worth::Newest);
        assert_eq!(series.worth(1, 5, start), Worth::Unknown);

        // Token 0 was used, and the response with token 1 may be lost.
        let series = series.advanced(5, start);
        assert_eq!(series.worth(0, 5, start + year), Worth::Previous);
        assert_eq!(series.worth(1, 6, start + year), Worth::Newest);
        assert_eq!(series.worth(1, 7, start + year), Worth::Newest);

        // Token 1 was used. Token 0 and another token 1 are valid for one minute longer.
        let series = Series::read(&series.advanced(6, start + year).payload()).unwrap();
        let used_at = start + year;
        for (count, nonce) in [(0, 5), (1, 7)] {
            assert_eq!(series.worth(count, nonce, used_at + PARALLEL), Worth::Previous);
            let late = used_at + PARALLEL + Duration::from_millis(1);
            assert_eq!(series.worth(count, nonce, late), Worth::Stolen);
        }
        assert_eq!(series.worth(1, 6, used_at + year), Worth::Previous);

        let series = series.advanced(8, used_at);
        assert_eq!(series.worth(0, 5, used_at), Worth::Stolen);
        assert_eq!(series.worth(1, 6, used_at), Worth::Previous);
    }

    /// A sample of version 1.
    const SAMPLE: &[u8] =
        b"\x04{\"stamp\":\"s1\",\"count\":1,\"advanced_at\":1700000000123,\"used\":5,\"session\":\"h\"}";

    #[test]
    fn series_of_version_1_is_read_and_written() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let series = Series::new(Some("s1"), Some("h".to_owned())).advanced(5, now);
        assert_eq!(series.payload(), SAMPLE);
        assert_eq!(Series::read(SAMPLE).map(|series| series.payload()).as_deref(), Some(SAMPLE));
    }

    #[test]
    fn record_of_other_kind_is_not_series() {
        for payload in [&b""[..], b"\x01{}", b"{}", b"\x04", b"\x04[1]"] {
            assert!(Series::read(payload).is_none(), "{payload:?}");
        }
    }

    #[test]
    fn fuzzed_series_is_written_as_it_was_read() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let series = Series::new(Some("é1"), Some("a-handle".to_owned()));
        let samples = [series.payload(), series.advanced(u64::MAX, now).payload()];
        let words = ["\u{4}", "{", "}", "\"", ":", ",", "null", "\"count\":", "4294967295", "-1"];
        fuzzing::Fuzz::new("series", samples).words(&words).run(|input| {
            let Some(series) = Series::read(input) else { return false };
            let payload = series.payload();
            assert_eq!(Series::read(&payload).map(|again| again.payload()), Some(payload));
            for (count, nonce) in [(0, 0), (series.count, 1), (u32::MAX, u64::MAX)] {
                let worth = series.worth(count, nonce, now);
                assert_eq!(worth == Worth::Unknown, count > series.count);
            }
            true
        });
    }
}
