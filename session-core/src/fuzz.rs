//! Mutated payloads, `Cookie` headers and headers with a session token.

use std::collections::BTreeMap;

use fuzzing::Fuzz;
use serde_json::Value;

use crate::config::SessionConfig;
use crate::cookie;
use crate::flask::is_tag;
use crate::interface::Opened;
use crate::request_view::RequestView;
use crate::session::values::Values;

const PAYLOADS: [&str; 6] = [
    r#"{"user_id":42}"#,
    r#"{"_permanent":true,"_flashes":[{" t":["message","hello"]}],"cart":[1,2]}"#,
    r#"{"a":"\u00e9\ud83d\ude00\ud800","a":NaN,"\u0061":-Infinity,"b" : [ ] }"#,
    r#"{" di":{" t__":[{"x":[[[{}]]]}]}}"#,
    r#"{"_login":["ada",1700000000123,"stamp"],"n":1}"#,
    "{}",
];
const WORDS: [&str; 16] = [
    "{", "}", "[", "]", "\"", ":", ",", " ", "\\", "\\u0061", "\\ud800", "NaN", "1", "\"a\":",
    "\" di\":", "é",
];

#[test]
fn fuzzed_payload_is_written_back_with_its_keys() {
    Fuzz::new("payload", PAYLOADS).words(&WORDS).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let strict = serde_json::from_str::<BTreeMap<String, Value>>(text);
        let Ok(values) = Values::parse(text.into()) else {
            // Flask reads an object whose only key is a tag as a value of another type.
            assert!(strict.is_err() || strict.is_ok_and(is_tagged), "JSON is refused");
            return false;
        };
        let keys: Vec<_> = values.keys().collect();
        let again = Values::parse(values.to_payload()).map(|again| again.keys().collect());
        assert_eq!(again, Ok(keys.clone()));
        if let Ok(strict) = strict
            && !strict.keys().any(|key| is_tag(key))
        {
            assert_eq!(strict.len(), keys.len());
            assert!(keys.iter().all(|key| strict.contains_key(key)));
        }
        true
    });
}

fn is_tagged(object: BTreeMap<String, Value>) -> bool {
    object.len() == 1 && object.keys().all(|key| is_tag(key))
}

#[test]
fn fuzzed_payload_with_login_has_no_login_among_values() {
    Fuzz::new("payload with a login", PAYLOADS).words(&WORDS).run(|input| {
        let Ok(text) = String::from_utf8(input.to_vec()) else { return false };
        let Ok(opened) = Opened::from_payload_with_login(text) else { return false };
        assert!(!opened.into_session().keys().contains(&"_login".to_owned()));
        true
    });
}

#[test]
fn fuzzed_cookie_header_is_split_at_semicolons() {
    let samples = [
        "session=abc.def-_; other=1",
        "a=1; session=\"quoted\"; session=second;session = third ",
        "session=; sessionx=1; xsession=2; SESSION=3; s%65ssion=4; session[]=5",
    ];
    Fuzz::new("Cookie header", samples).words(&["session", "=", ";", " ", "\"", "%65"]).run(
        |header| {
            let found: Vec<_> = cookie::values(header, "session").collect();
            let expected: Vec<_> = header.split(|byte| *byte == b';').filter_map(value).collect();
            assert_eq!(found, expected);
            !found.is_empty()
        },
    );
}

/// Returns the value of a pair whose name is exactly `session`.
fn value(pair: &[u8]) -> Option<&[u8]> {
    let at = pair.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii());
    let inside = value.len().checked_sub(1).filter(|end| *end > 0 && value[0] == b'"');
    let inside = inside.filter(|end| value[*end] == b'"').map(|end| &value[1..end]);
    (name == b"session").then(|| inside.unwrap_or(value))
}

#[test]
fn fuzzed_token_header_has_one_token_or_none() {
    let [plain, bearer] = [false, true].map(|is_bearer| {
        let config = SessionConfig::builder();
        let config = if is_bearer {
            config.bearer_token("X-Session")
        } else {
            config.token_header("X-Session")
        };
        config.build().unwrap().token().unwrap().clone()
    });
    let samples = ["Bearer AAECAw-_", "bearer  AAECAw.-_ ", "AAECAw", "Basic AAECAw", "Bearer "];
    let words = ["Bearer ", " ", ",", ";", "\"", "=", "é"];
    Fuzz::new("token header", samples).words(&words).run(|input| {
        let found = [(&plain, input), (&bearer, after_scheme(input))].map(|(header, expected)| {
            let view = RequestView::builder().cookie_header(b"session=beside").token_header(input);
            let mut view = view.build();
            let is_ambiguous = view.put_token("session", header, false);
            let token = view.cookie("session").map(str::as_bytes);
            assert!(token.is_none_or(|token| is_ambiguous && token == expected.trim_ascii()));
            assert!(token.is_none_or(|token| token.iter().all(u8::is_ascii_graphic)));
            token.is_some()
        });
        found.contains(&true)
    });
}

fn after_scheme(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    let is_bearer = value.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"bearer "));
    if is_bearer { &value[7..] } else { b"" }
}
