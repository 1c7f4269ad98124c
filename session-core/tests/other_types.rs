//! UUIDs and dates of other crates, stored as Flask stores them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(all(feature = "chrono", feature = "jiff", feature = "time", feature = "uuid"))]

use serde::{Deserialize, Serialize};
use session_core::flask::{self, with};
use session_core::interface::{Opened, state_of};
use session_core::{ErrorKind, Session};

const SECONDS: i64 = -2_114_380_800;
const DATE: &str = r#"{" d":"Thu, 01 Jan 1903 00:00:00 GMT"}"#;
const UUID: &str = r#"{" u":"12345678123456781234567812345678"}"#;

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct All {
    #[serde(with = "with::uuid")]
    uuid: uuid::Uuid,
    #[serde(with = "with::chrono")]
    chrono: chrono::DateTime<chrono::Utc>,
    #[serde(with = "with::jiff")]
    jiff: jiff::Timestamp,
    #[serde(with = "with::time")]
    time: time::OffsetDateTime,
    #[serde(with = "with::uuid::option")]
    maybe_uuid: Option<uuid::Uuid>,
    #[serde(with = "with::chrono::option")]
    maybe_chrono: Option<chrono::DateTime<chrono::Utc>>,
    #[serde(with = "with::jiff::option")]
    maybe_jiff: Option<jiff::Timestamp>,
    #[serde(with = "with::time::option")]
    maybe_time: Option<time::OffsetDateTime>,
}

fn all() -> All {
    let uuid = uuid::Uuid::from_u128(0x1234_5678_1234_5678_1234_5678_1234_5678);
    let chrono = chrono::DateTime::from_timestamp(SECONDS, 0).unwrap();
    let jiff = jiff::Timestamp::from_second(SECONDS).unwrap();
    let time = time::OffsetDateTime::from_unix_timestamp(SECONDS).unwrap();
    All {
        uuid,
        chrono,
        jiff,
        time,
        maybe_uuid: Some(uuid),
        maybe_chrono: Some(chrono),
        maybe_jiff: None,
        maybe_time: None,
    }
}

fn session(payload: &str) -> Session {
    Opened::from_payload(payload).unwrap().into_session()
}

#[test]
fn fields_have_flasks_form_and_are_read_again() {
    let session = session("{}");
    session.insert("all", all()).unwrap();
    let expected = format!(
        r#"{{"all":{{"uuid":{UUID},"chrono":{DATE},"jiff":{DATE},"time":{DATE},"maybe_uuid":{UUID},"maybe_chrono":{DATE},"maybe_jiff":null,"maybe_time":null}}}}"#
    );
    assert_eq!(state_of(&session).payload(), expected);
    assert_eq!(session.get::<All>("all").unwrap(), Some(all()));
}

#[test]
fn types_convert_into_flasks_types_and_back() {
    let All { uuid, chrono, jiff, time, .. } = all();
    let session = session("{}");
    session.insert("uuid", flask::Uuid::from(uuid)).unwrap();
    session.insert("chrono", flask::DateTime::from(chrono)).unwrap();
    session.insert("jiff", flask::DateTime::from(jiff)).unwrap();
    let zoned = jiff.to_zoned(jiff::tz::TimeZone::UTC);
    session.insert("zoned", flask::DateTime::from(&zoned)).unwrap();
    session.insert("time", flask::DateTime::from(time)).unwrap();
    let expected =
        format!(r#"{{"uuid":{UUID},"chrono":{DATE},"jiff":{DATE},"zoned":{DATE},"time":{DATE}}}"#);
    assert_eq!(state_of(&session).payload(), expected);
    assert_eq!(uuid::Uuid::from(session.get::<flask::Uuid>("uuid").unwrap().unwrap()), uuid);
    let date = || session.get::<flask::DateTime>("time").unwrap().unwrap();
    assert_eq!(chrono::DateTime::try_from(date()).unwrap(), chrono);
    assert_eq!(jiff::Timestamp::try_from(date()).unwrap(), jiff);
    assert_eq!(time::OffsetDateTime::try_from(date()).unwrap(), time);
}

#[test]
fn text_other_than_date_is_error_or_none() {
    #[derive(Deserialize)]
    struct Strict {
        #[serde(rename = "at", with = "with::time")]
        _at: time::OffsetDateTime,
    }
    #[derive(Deserialize)]
    struct Lenient {
        #[serde(with = "with::time::option")]
        at: Option<time::OffsetDateTime>,
    }
    let session = session(r#"{"v":{"at":{" d":"soon"}},"d":{" d":"soon"}}"#);
    assert!(session.get::<Strict>("v").is_err_and(|error| error.kind() == ErrorKind::Value));
    assert_eq!(session.get::<Lenient>("v").unwrap().unwrap().at, None);
    let date: flask::DateTime = session.get("d").unwrap().unwrap();
    assert_eq!(jiff::Timestamp::try_from(date).unwrap_err().kind(), ErrorKind::Value);
}
