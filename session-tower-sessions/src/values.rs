//! The values of a session as tower-sessions represents them, and the changes between two states.

use std::collections::HashMap;

use serde_json::Value;
use session_core::{Error, Session};

pub(crate) type Values = HashMap<String, Value>;

/// Returns the values that are JSON. Other values, such as a NaN that Flask wrote, stay unchanged
/// in the session.
pub(crate) fn of(session: &Session) -> Values {
    let value = |key: String| match session.get(&key) {
        Ok(Some(value)) => Some((key, value)),
        Ok(None) | Err(_) => None,
    };
    session.keys().into_iter().filter_map(value).collect()
}

/// Changes the keys whose values differ between two states. Other keys stay as they are, so that a
/// concurrent request can change them.
pub(crate) fn apply(session: &Session, before: &Values, after: &Values) -> Result<(), Error> {
    for (key, value) in after {
        if before.get(key) != Some(value) {
            session.insert(key, value)?;
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        session.discard(key)?;
    }
    Ok(())
}
