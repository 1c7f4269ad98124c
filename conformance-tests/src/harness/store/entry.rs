//! The records that the checks write, with functions that show and compare them.

use std::time::{Duration, SystemTime};

use session_core::store::{NewRecord, Record};

/// The number of bytes that a message shows of each end of a payload.
const SHOWN: usize = 24;

const MILLISECOND: Duration = Duration::from_millis(1);

const SECOND: Duration = Duration::from_secs(1);

/// A record to write.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) payload: Vec<u8>,
    pub(crate) created_at: SystemTime,
    pub(crate) expires_at: SystemTime,
    pub(crate) owner: Option<String>,
}

/// A kind of record that a store may treat differently. A rule is checked with each kind for which
/// it may fail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Plain,
    Owned,
    Empty,
    Large,
    /// A record that is longer than the sessions of the checks, and shorter than a large record.
    Middling,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::Owned, Self::Empty, Self::Large];

    /// The kinds for rules of functions that make several calls.
    pub(crate) const LENGTHS: [Self; 2] = [Self::Plain, Self::Middling];

    /// The kinds for rules that do not depend on the payload.
    pub(crate) const SMALL: [Self; 2] = [Self::Plain, Self::Owned];
}

impl Entry {
    /// Returns a record that expires in an hour. The text distinguishes records that are not empty.
    pub(crate) fn new(kind: Kind, text: &str, now: SystemTime) -> Self {
        let payload = match kind {
            Kind::Plain | Kind::Owned => text.as_bytes().to_vec(),
            Kind::Empty => Vec::new(),
            Kind::Large => text.bytes().cycle().take(20_000).collect(),
            Kind::Middling => text.bytes().cycle().take(5_000).collect(),
        };
        let owner = (kind == Kind::Owned).then(|| "ada".to_owned());
        Self { payload, created_at: now, expires_at: now + Duration::from_hours(1), owner }
    }

    pub(crate) fn plain(text: &str, now: SystemTime) -> Self {
        Self::new(Kind::Plain, text, now)
    }

    pub(crate) fn with_payload(payload: impl Into<Vec<u8>>, now: SystemTime) -> Self {
        Self { payload: payload.into(), ..Self::plain("", now) }
    }

    #[must_use]
    pub(crate) fn owned_by(self, owner: &str) -> Self {
        Self { owner: Some(owner.to_owned()), ..self }
    }

    #[must_use]
    pub(crate) fn expiring_at(self, expires_at: SystemTime) -> Self {
        Self { expires_at, ..self }
    }

    pub(crate) fn as_new(&self) -> NewRecord<'_> {
        NewRecord::new(&self.payload, self.created_at, self.expires_at)
            .owned_by(self.owner.as_deref())
    }

    /// Returns the first field that differs, as expected and as loaded.
    pub(crate) fn difference(&self, record: &Record) -> Option<(String, String)> {
        if self.payload != record.payload() {
            let (expected, seen) = (describe(&self.payload), describe(record.payload()));
            let same = self
                .payload
                .iter()
                .zip(record.payload())
                .take_while(|(one, other)| one == other)
                .count();
            let place = if self.payload.len() > 2 * SHOWN {
                format!(", which differs from byte {same}")
            } else {
                String::new()
            };
            return Some((format!("payload {expected}"), format!("payload {seen}{place}")));
        }
        if self.owner.as_deref() != record.owner() {
            return Some((
                format!("owner {:?}", self.owner),
                format!("owner {:?}", record.owner()),
            ));
        }
        if difference(self.created_at, record.created_at()) >= MILLISECOND {
            return Some((
                time("created at", self.created_at),
                time("created at", record.created_at()),
            ));
        }
        let late = record.expires_at().duration_since(self.expires_at);
        if !late.is_ok_and(|late| late < MILLISECOND) {
            let expected =
                time("expires at", self.expires_at) + ", to the millisecond and never earlier";
            let cause = cause(self.expires_at, record.expires_at());
            return Some((expected, time("expires at", record.expires_at()) + cause));
        }
        None
    }

    /// Returns whether the record is equal, except for fractions of a second in its times.
    pub(crate) fn is_roughly(&self, record: &Record) -> bool {
        let is_near = |one, other| difference(one, other) < SECOND;
        self.payload == record.payload()
            && self.owner.as_deref() == record.owner()
            && is_near(self.created_at, record.created_at())
            && is_near(self.expires_at, record.expires_at())
    }
}

/// Returns a payload for messages: short text, or the length and the ends.
pub(crate) fn describe(payload: &[u8]) -> String {
    if payload.len() <= 2 * SHOWN {
        return format!("\"{}\"", payload.escape_ascii());
    }
    let (head, tail) = (&payload[..SHOWN], &payload[payload.len() - SHOWN..]);
    format!("of {} bytes, \"{}\" … \"{}\"", payload.len(), head.escape_ascii(), tail.escape_ascii())
}

/// Returns a time for messages, in seconds and nanoseconds of Unix time.
pub(crate) fn time(label: &str, time: SystemTime) -> String {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => format!("{label} {}.{:09} s", since.as_secs(), since.subsec_nanos()),
        Err(before) => format!("{label} {:?} before 1970", before.duration()),
    }
}

/// Returns the likely rounding of a time by a store, for messages.
fn cause(given: SystemTime, seen: SystemTime) -> &'static str {
    let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (given, seen) = (since(given), since(seen));
    if seen.subsec_nanos() == 0 && given.as_secs().abs_diff(seen.as_secs()) <= 1 {
        ": it is stored in whole seconds"
    } else if given.as_millis() == seen.as_millis() && seen < given {
        ": it was rounded down to the millisecond"
    } else {
        ""
    }
}

fn difference(one: SystemTime, other: SystemTime) -> Duration {
    one.duration_since(other).unwrap_or_else(|earlier| earlier.duration())
}
