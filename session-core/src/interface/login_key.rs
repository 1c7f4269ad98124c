//! The login inside a payload, for backends that store nothing else, such as cookies.

use std::time::{Duration, SystemTime};

use crate::session::Login;
use crate::session::keys::LOGIN;
use crate::session::stored::StoredData;
use crate::session::values::Values;

/// Writes the values with the login: owner, milliseconds since 1970, and the stamp or null.
pub(super) fn with_login<R>(stored: &StoredData, write: impl FnOnce(&Values) -> R) -> R {
    let Some(login) = &stored.login else { return write(stored.values()) };
    let mut values = stored.values().clone();
    values.insert(LOGIN, &encode(login));
    write(&values)
}

/// Moves the login from the payload to the session.
pub(super) fn take_login(stored: &mut StoredData) {
    let Some(raw) = stored.values().get(LOGIN) else { return };
    stored.login = decode(raw);
    stored.values_mut().remove(LOGIN);
}

fn encode(login: &Login) -> String {
    let since = login.authenticated_at().duration_since(SystemTime::UNIX_EPOCH);
    let milliseconds = u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
    serde_json::json!([login.owner(), milliseconds, login.stamp()]).to_string()
}

fn decode(raw: &str) -> Option<Login> {
    let (owner, milliseconds, stamp): (String, u64, Option<String>) =
        serde_json::from_str(raw).ok()?;
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))?;
    Some(Login::new(&owner, at).with_stamp(stamp.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &str) -> StoredData {
        let mut stored = StoredData::new(Values::parse(payload.into()).unwrap(), None);
        take_login(&mut stored);
        stored
    }

    #[test]
    fn login_in_payload_is_read_and_written() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        for stamp in [None, Some("é\"")] {
            let login = Login::new("ada\\", at).with_stamp(stamp);
            let values = Values::parse(r#"{"n": 1}"#.into()).unwrap();
            let stored = StoredData::new(values, Some(login.clone()));
            let stored = read(&with_login(&stored, Values::to_payload));
            assert_eq!(stored.login, Some(login));
            assert_eq!(stored.values().to_payload(), r#"{"n":1}"#);
        }
    }

    #[test]
    fn other_value_under_key_of_login_is_dropped() {
        for raw in ["1", r#""ada""#, r#"["ada"]"#, r#"["ada",-1,null]"#, r#"{"ada":1}"#, "null"] {
            let stored = read(&format!(r#"{{"_login":{raw},"n":1}}"#));
            assert_eq!(stored.login, None, "{raw}");
            assert_eq!(stored.values().to_payload(), r#"{"n":1}"#);
        }
    }
}
