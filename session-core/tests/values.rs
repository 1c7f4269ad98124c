//! Values that cannot be read again are errors when they are written.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use session_core::flask::{Bytes, Tuple};
use session_core::interface::{Opened, state_of};
use session_core::{Error, ErrorKind, Session};

fn session() -> Session {
    Opened::new().into_session()
}

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!([]), |inner, level| match level % 2 {
        0 => json!([inner]),
        _ => json!({ "[": inner }),
    })
}

/// A number in this many tuples.
struct Tuples(usize);

impl Serialize for Tuples {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.checked_sub(1) {
            Some(inner) => Tuple::new([Self(inner)]).serialize(serializer),
            None => serializer.serialize_u8(1),
        }
    }
}

fn is_refused(result: Result<(), Error>, cause: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Value);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains(cause), "{source}");
}

#[test]
fn deepest_value_is_read_and_deeper_value_is_refused() {
    let session = session();
    session.insert("v", nested(127)).unwrap();
    assert_eq!(session.get::<Value>("v").unwrap(), Some(nested(127)));
    is_refused(session.insert("v", nested(128)), "127 levels");
    is_refused(session.update("v", |_: Option<Value>| Some(nested(128))), "127 levels");
    is_refused(session.get_or_insert("w", nested(128)).map(drop), "127 levels");
    assert_eq!(session.get::<Value>("v").unwrap(), Some(nested(127)));
    assert!(!session.contains_key("w"));
}

#[test]
fn deepest_flash_message_is_read_and_deeper_one_is_refused() {
    let session = session();
    session.flash(nested(125)).unwrap();
    is_refused(session.flash(nested(126)), "127 levels");
    session.flash("other").unwrap();
    assert_eq!(session.take_flashes().unwrap().len(), 2);
}

#[test]
fn tag_is_not_level() {
    let session = session();
    session.insert("t", Tuples(127)).unwrap();
    assert!(session.get::<Value>("t").unwrap().is_some());
    is_refused(session.insert("t", Tuples(128)), "127 levels");
    let inside = (0..126).fold(json!(null), |inner, _| json!([inner]));
    session.insert("b", (inside, Bytes::from(vec![1]))).unwrap();
    assert!(session.get::<Value>("b").unwrap().is_some());
}

#[test]
fn number_that_is_not_finite_is_refused() {
    let session = session();
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        is_refused(session.insert("n", number), "NaN or infinite");
        is_refused(session.insert("n", vec![Some((1, number))]), "NaN or infinite");
        is_refused(session.insert("n", std::collections::BTreeMap::from([("k", number)])), "NaN");
        is_refused(session.update("n", move |_: Option<f64>| Some(number)), "NaN or infinite");
        is_refused(session.get_or_insert("n", number).map(drop), "NaN or infinite");
        is_refused(session.flash(number), "NaN or infinite");
    }
    is_refused(session.insert("n", f32::NAN), "NaN or infinite");
    assert!(session.is_empty() && !session.is_modified());
    session.insert("n", [f64::MAX, f64::MIN_POSITIVE, -0.0]).unwrap();
    assert_eq!(session.get("n").unwrap(), Some([f64::MAX, f64::MIN_POSITIVE, -0.0]));
}

#[test]
fn number_in_any_kind_of_type_is_refused() {
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct Newtype(f64);
    #[derive(Serialize)]
    struct Pair(f64, u8);
    #[derive(Serialize)]
    struct Fields {
        unit: Unit,
        pair: Pair,
        newtype: Newtype,
        kind: Kind,
    }
    #[derive(Serialize)]
    enum Kind {
        Unit,
        Newtype(f64),
        Tuple(u8, f64),
        Struct { number: f64 },
    }
    let fields =
        |number, kind| Fields { unit: Unit, pair: Pair(number, 1), newtype: Newtype(2.5), kind };
    let session = session();
    for kind in
        [Kind::Newtype(f64::NAN), Kind::Tuple(1, f64::NAN), Kind::Struct { number: f64::NAN }]
    {
        is_refused(session.insert("n", fields(1.5, kind)), "NaN or infinite");
    }
    is_refused(session.insert("n", fields(f64::NAN, Kind::Unit)), "NaN or infinite");
    let good = [Kind::Newtype(0.5), Kind::Tuple(1, 0.5), Kind::Struct { number: 0.5 }, Kind::Unit];
    session.insert("n", good.map(|kind| fields(1.5, kind))).unwrap();
    let pair = r#"{"unit":null,"pair":[1.5,1],"newtype":2.5,"kind":"#;
    let kinds = [r#"{"Newtype":0.5}"#, r#"{"Tuple":[1,0.5]}"#, r#"{"Struct":{"number":0.5}}"#];
    let all = kinds.into_iter().chain([r#""Unit""#]).map(|kind| format!("{pair}{kind}}}"));
    let payload = format!(r#"{{"n":[{}]}}"#, all.collect::<Vec<_>>().join(","));
    assert_eq!(state_of(&session).payload(), payload);
}

#[test]
fn type_that_hides_error_of_part_is_refused() {
    struct Hiding;
    impl Serialize for Hiding {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeSeq as _;
            let mut list = serializer.serialize_seq(None)?;
            let _ = list.serialize_element(&f64::NAN);
            list.end()
        }
    }
    is_refused(session().insert("n", Hiding), "NaN or infinite");
}

#[test]
fn update_keeps_text_of_unchanged_parts() {
    let payload = r#"{"v":{"pair":{" t":[1,2]},"big":123456789012345678901234567890,"n":1}}"#;
    let session = Opened::from_payload(payload).unwrap().into_session();
    session.update("v", |value: Option<Value>| value).unwrap();
    assert!(!session.is_modified());
    session
        .update("v", |value: Option<Value>| {
            let mut value = value?;
            value["n"] = json!(2);
            Some(value)
        })
        .unwrap();
    let expected = payload.replace(r#""n":1"#, r#""n":2"#);
    let sorted = r#"{"v":{"big":123456789012345678901234567890,"n":2,"pair":{" t":[1,2]}}}"#;
    let stored = state_of(&session).payload();
    assert!(stored == expected || stored == sorted, "{stored}");
    // The same on a newer value of another request.
    let newer = payload.replace("[1,2]", "[3]");
    let replayed = state_of(&session).changes().replay(&newer).unwrap();
    assert!(replayed.contains(r#"{" t":[3]}"#) && replayed.contains("567890,"), "{replayed}");
}

#[test]
fn json_value_that_is_read_and_inserted_is_ordinary_json() {
    let payload = r#"{"v":[{" t":[1,2]},123456789012345678901234567890]}"#;
    let session = Opened::from_payload(payload).unwrap().into_session();
    let value: Value = session.get("v").unwrap().unwrap();
    session.insert("v", value).unwrap();
    assert_eq!(state_of(&session).payload(), r#"{"v":[[1,2],1.2345678901234568e+29]}"#);
}

#[test]
fn map_with_keys_of_lists_is_refused() {
    let map = std::collections::BTreeMap::from([(vec![1], 1)]);
    is_refused(session().insert("m", map), "no JSON form");
}
