//! Mutated values, flash messages, UUIDs, base64 and dates, as Flask writes them.

use std::time::SystemTime;

use fuzzing::Fuzz;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Any, Bytes, DateTime, Markup, Tuple, Uuid, date, flash, keep_unchanged};
use crate::flask::{decode, encode};

const VALUES: [&str; 8] = [
    r#"{"user":42,"name":"\u00e9\ud83d\ude00","on":[true,null,-1.5e3]}"#,
    r#"{" t":[1,{" b":"aGk="},{" m":"<b>"}]}"#,
    r#"{" u":"00112233445566778899aabbccddeeff"}"#,
    r#"{" d":"Tue, 14 Nov 2023 22:13:20 GMT"}"#,
    r#"{" di":{" t__":[{" di":{" m__":"x"}}]}}"#,
    r#"[{" t":["message","hello"]},{" t":["error",{" m":"<i>"}]}]"#,
    "340282366920938463463374607431768211455",
    "\"plain\"",
];
const WORDS: [&str; 20] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    " ",
    "\\",
    "\\u0020",
    "\\ud800",
    "\" t\"",
    "\" di\"",
    "\" m\"",
    "{\" t\":[",
    "{\" di\":{\"",
    "NaN",
    "-",
    "1e999",
    "é",
];

#[test]
fn fuzzed_tagged_value_is_value_or_error() {
    Fuzz::new("tagged value", VALUES).words(&WORDS).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        for read in [
            is_read::<Value>,
            is_read::<Bytes>,
            is_read::<Uuid>,
            is_read::<Markup>,
            is_read::<DateTime>,
            is_read::<Tuple<(String, Value)>>,
        ] {
            read(text);
        }
        let Ok(any) = decode::<Any>(text) else { return false };
        if let Ok(written) = encode(&any) {
            assert_eq!(decode::<Any>(&written).unwrap(), any, "{written}");
        }
        true
    });
}

#[test]
fn fuzzed_value_is_kept_by_update() {
    Fuzz::new("value before an update", VALUES).words(&WORDS).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let Ok(value) = decode::<Value>(text) else {
            keep_unchanged(text, "[1]".into());
            return false;
        };
        let Ok(written) = encode(&value) else { return false };
        let kept = keep_unchanged(text, written);
        assert_eq!(decode::<Value>(&kept).unwrap(), value, "{kept}");
        true
    });
}

#[test]
fn fuzzed_flashes_are_list_or_error() {
    Fuzz::new("flash messages", VALUES).words(&WORDS).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let Ok(messages) = flash::parse(text) else { return false };
        let taken: Vec<_> = messages.into_iter().map(|(_, message)| message).collect();
        assert_eq!(flash::without(Some(text), &taken).unwrap(), None);
        true
    });
}

#[test]
fn fuzzed_date_is_time_or_nothing() {
    let samples = [
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "Thu, 01 Jan 1903 00:00:00 GMT",
        "Sun, 29 Feb 2004 23:59:60 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ];
    Fuzz::new("date", samples).words(&["Feb", "29", "1969", "0000", "GMT", ", "]).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let time: Option<SystemTime> = date::parse(text);
        assert!(time.is_none_or(|time| date::parse(&date::format(time)) == Some(time)));
        time.is_some()
    });
}

#[test]
fn fuzzed_uuid_and_bytes_are_value_or_nothing() {
    let samples =
        ["{urn:uuid:00112233-4455-6677-8899-aabbccddeeff}", "00112233445566778899aabbccddeeff"];
    Fuzz::new("uuid", samples).words(&["urn:", "uuid:", "-", "{", "é"]).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let uuid = Uuid::parse(text);
        assert!(uuid.is_none_or(|uuid| Uuid::parse(&uuid.to_string()) == Some(uuid)));
        uuid.is_some()
    });
    Fuzz::new("bytes", ["aGk=", "aGkhIQ==", "", "+/+/"]).words(&["=", "\n", "é"]).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        Bytes::parse(text.into()).is_some_and(|bytes| bytes.as_slice().len() <= text.len())
    });
}

fn is_read<T: DeserializeOwned>(text: &str) -> bool {
    decode::<T>(text).is_ok()
}
