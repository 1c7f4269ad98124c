//! Reads a session, from a handler and from a record of the store.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use session_core::store::Record;
use session_core::{Error, OwnerSessions, Session};

use crate::history::Snapshot;
use crate::plan::KEYS;

pub(crate) const PATH: &str = "path";
pub(crate) const MARKS: &str = "marks";
pub(crate) const COUNT: &str = "count";
pub(crate) const PERMANENT: &str = "_permanent";
pub(crate) const LABEL: &str = "_label";
const FLASHES: &str = "_flashes";

/// Reads everything in the session of a handler.
pub(crate) fn of_session(session: &Session, owners: &dyn OwnerSessions) -> Result<Snapshot, Error> {
    let mut values = BTreeMap::new();
    for key in KEYS {
        if let Some(value) = session.get::<u64>(key)? {
            values.insert(key, value);
        }
    }
    if let Some(label) = session.get::<String>(LABEL)? {
        values.insert(LABEL, label.parse().unwrap_or(u64::MAX));
    }
    if session.contains_key(PERMANENT) {
        values.insert(PERMANENT, u64::from(session.is_permanent()));
    }
    let flashes = session.get::<Vec<(String, String)>>(FLASHES)?.unwrap_or_default();
    Ok(Snapshot {
        path: session.get(PATH)?.unwrap_or_default(),
        values,
        marks: session.get(MARKS)?.unwrap_or_default(),
        count: session.get(COUNT)?.unwrap_or_default(),
        flashes: flashes.iter().map(|(_, text)| number(text)).collect(),
        owner: session.owner(),
        handle: owners.handle_of(session),
    })
}

/// Reads everything in a record; `None` if it is a tombstone, or the marker of an ended session.
///
/// The engine writes the values as JSON after a head, whose layout is its own. Only the first byte
/// distinguishes sessions from tombstones, because the key in a tombstone is random and may end in
/// `{}`.
pub(crate) fn of_record(record: &Record) -> Option<Snapshot> {
    let payload = record.payload();
    if let Some(2 | 3) = payload.first() {
        return None;
    }
    let starts = payload.iter().enumerate().filter(|(_, byte)| **byte == b'{');
    let parsed = |start: usize| serde_json::from_slice::<Map<String, Value>>(&payload[start..]);
    let json = starts.map(|(start, _)| start).find_map(|start| parsed(start).ok())?;
    let numbers = |key: &str| -> Vec<u64> {
        let list = json.get(key).and_then(Value::as_array).into_iter().flatten();
        list.map(|value| value.as_u64().unwrap_or(u64::MAX)).collect()
    };
    let mut values = BTreeMap::new();
    for key in [KEYS[0], KEYS[1], KEYS[2], LABEL, PERMANENT] {
        let value = json.get(key).map(|value| match value {
            Value::Bool(value) => u64::from(*value),
            Value::String(text) => number(text),
            value => value.as_u64().unwrap_or(u64::MAX),
        });
        values.extend(value.map(|value| (key, value)));
    }
    let flashes = json.get(FLASHES).and_then(Value::as_array).into_iter().flatten();
    Some(Snapshot {
        path: numbers(PATH),
        values,
        marks: numbers(MARKS),
        count: json.get(COUNT).and_then(Value::as_u64).unwrap_or_default(),
        flashes: flashes.map(|flash| flash[" t"][1].as_str().map_or(u64::MAX, number)).collect(),
        owner: record.owner().map(str::to_owned),
        handle: None,
    })
}

/// Returns the number in the text of a message or a label.
pub(crate) fn number(text: &str) -> u64 {
    text.parse().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use session_core::store::{NewRecord, Version};

    use super::*;

    #[test]
    fn tombstone_whose_key_looks_like_json_is_skipped() {
        let mut tombstone = [0; 34];
        tombstone[0] = 2;
        tombstone[32..].copy_from_slice(b"{}");
        let times = SystemTime::UNIX_EPOCH;
        let record = |payload| Record::new(Version::new(1), &NewRecord::new(payload, times, times));
        assert_eq!(of_record(&record(&tombstone)), None);
        assert!(of_record(&record(b"\x01head{}")).is_some());
    }
}
