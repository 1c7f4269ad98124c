//! Properties of every session. The cookie preserves it unchanged, and its changes replay to the
//! same payload. No map of an application is read as one of Flask's tags.
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use session_cookie::{Compression, Digest, SecretKey, SessionConfig, SignedCookieSessions};
use session_core::flask::{Bytes, DateTime, Markup, Tuple, Uuid};
use session_core::interface::{Changes, Opened, state_of};
use session_core::request::{RequestSession, RequestView};
use session_core::{Error, ErrorKind, ManualClock, Session};

const TAGS: [&str; 6] = [" t", " di", " b", " m", " u", " d"];
/// The last second that an HTTP date can show.
const END_OF_9999: u64 = 253_402_300_799;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn session_round_trips_through_cookie(
        values in btree_map(key(), json(), 1..8), digest in digest(), compression in compression(),
    ) {
        let reopened = through_a_cookie(digest, compression, |session| {
            for (key, value) in &values {
                session.insert(key, value).unwrap();
            }
        });
        prop_assert_eq!(&reopened.keys(), &values.keys().cloned().collect::<Vec<_>>());
        for (key, value) in &values {
            prop_assert_eq!(&reopened.get::<Value>(key).unwrap().unwrap(), value, "{}", key);
        }
    }

    #[test]
    fn changes_replayed_on_original_give_session(
        original in payload(), steps in vec(step(), 0..12),
    ) {
        let session = from_payload(original.clone());
        let opened = payload_of(&session);
        for step in &steps {
            step.take(&session)?;
        }
        let changes = changes_of(&session);
        prop_assert_eq!(changes.replay(&original).unwrap(), payload_of(&session));
        prop_assert_eq!(changes.is_empty(), !session.is_modified());
        if changes.is_empty() {
            prop_assert_eq!(payload_of(&session), opened);
        }
    }

    #[test]
    fn changes_replayed_on_newer_session_keep_other_values(
        original in payload(), steps in vec(step(), 0..12),
    ) {
        let session = from_payload(original.clone());
        for step in &steps {
            step.take(&session)?;
        }
        let newer = from_payload(original);
        newer.insert("elsewhere", "é").unwrap();
        let merged = from_payload(changes_of(&session).replay(&payload_of(&newer)).unwrap());
        let cleared = steps.iter().any(|step| matches!(step, Step::Clear));
        prop_assert_eq!(merged.get::<String>("elsewhere").unwrap(), (!cleared).then(|| "é".to_owned()));
        prop_assert!(merged.discard("elsewhere").unwrap() != cleared);
        prop_assert_eq!(entries(&merged), entries(&session));
    }

    #[test]
    fn tagged_values_round_trip_as_their_types(
        bytes in vec(any::<u8>(), 0..40), html in text(), uuid in any::<[u8; 16]>(), seconds in 0..=END_OF_9999,
    ) {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let nested = BTreeMap::from([(html.clone(), (Uuid::from(uuid), DateTime::from(moment)))]);
        let session = through_a_cookie(Digest::Sha1, Compression::Never, |session| {
            session.insert("bytes", Bytes::from(bytes.clone())).unwrap();
            session.insert("markup", Markup::from(html.clone())).unwrap();
            session.insert("uuid", Uuid::from(uuid)).unwrap();
            session.insert("moment", DateTime::from(moment)).unwrap();
            session.insert("tuple", Tuple::new((seconds, html.clone(), [Bytes::from(bytes.clone())]))).unwrap();
            session.insert("nested", Tuple::new([&nested, &nested])).unwrap();
        });
        let tuple: Tuple<(u64, String, [Bytes; 1])> = session.get("tuple").unwrap().unwrap();
        prop_assert_eq!(tuple.into_inner(), (seconds, html.clone(), [Bytes::from(bytes.clone())]));
        prop_assert_eq!(session.get::<Bytes>("bytes").unwrap().unwrap().into_vec(), bytes);
        prop_assert_eq!(session.get::<Markup>("markup").unwrap().unwrap().into_string(), html);
        prop_assert_eq!(session.get::<Uuid>("uuid").unwrap().unwrap(), Uuid::from(uuid));
        prop_assert_eq!(session.get::<DateTime>("moment").unwrap().unwrap().to_system_time(), Some(moment));
        let read: [BTreeMap<String, (Uuid, DateTime)>; 2] = session.get("nested").unwrap().unwrap();
        prop_assert_eq!(read, [nested.clone(), nested]);
    }

    #[test]
    fn tag_like_map_stays_map_at_any_depth(
        layers in vec((select(&TAGS[..]), any::<bool>()), 1..30), inside in json(), key in key(),
    ) {
        let map = layers.iter().fold(inside, |inside, (tag, listed)| {
            let map = json!({ *tag: inside });
            if *listed { json!([map, "beside"]) } else { map }
        });
        let reopened = through_a_cookie(Digest::Sha1, Compression::Never, |session| {
            session.insert(&key, &map).unwrap();
            session.insert("a tuple", Tuple::new((&map, 1))).unwrap();
        });
        prop_assert_eq!(&reopened.get::<Value>(&key).unwrap().unwrap(), &map);
        prop_assert_eq!(reopened.get::<(Value, u8)>("a tuple").unwrap().unwrap(), (map, 1));
    }

    #[test]
    fn tag_like_map_is_never_read_as_tagged_type(tag in select(&TAGS[2..]), text in text()) {
        let session = through_a_cookie(Digest::Sha1, Compression::Never, |session| {
            session.insert("map", BTreeMap::from([(tag, &text)])).unwrap();
        });
        let failures = [
            session.get::<Bytes>("map").unwrap_err(),
            session.get::<Markup>("map").unwrap_err(),
            session.get::<Uuid>("map").unwrap_err(),
            session.get::<DateTime>("map").unwrap_err(),
        ];
        prop_assert!(failures.iter().all(|error| error.kind() == ErrorKind::Value));
        let map: BTreeMap<String, String> = session.get("map").unwrap().unwrap();
        prop_assert_eq!(map, BTreeMap::from([(tag.to_owned(), text)]));
    }
}

/// One action of a handler on its session.
#[derive(Clone, Debug)]
enum Step {
    Insert(String, Value),
    Discard(String),
    Append(String),
    GetOrInsert(String, Value),
    Clear,
    Flash(String),
    TakeFlashes,
    SetPermanent(bool),
}

impl Step {
    /// Runs the step. It fails only if the stored value has another type, and then changes nothing.
    fn take(&self, session: &Session) -> Result<(), TestCaseError> {
        let before = (payload_of(session), changes_of(session).len());
        let Err(error) = self.apply(session) else { return Ok(()) };
        prop_assert_eq!(error.kind(), ErrorKind::Value);
        prop_assert_eq!((payload_of(session), changes_of(session).len()), before);
        Ok(())
    }

    fn apply(&self, session: &Session) -> Result<(), Error> {
        match self {
            Self::Insert(key, value) => session.insert(key, value),
            Self::Discard(key) => session.discard(key).map(drop),
            Self::Append(key) => session.update(key, |list: Option<Vec<Value>>| {
                let mut list = list.unwrap_or_default();
                list.push(json!(list.len()));
                (list.len() < 4).then_some(list)
            }),
            Self::GetOrInsert(key, value) => session.get_or_insert(key, value.clone()).map(drop),
            Self::Clear => session.clear(),
            Self::Flash(message) => session.flash(message),
            Self::TakeFlashes => session.take_flashes().map(drop),
            Self::SetPermanent(permanent) => session.set_permanent(*permanent),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (few_keys(), json()).prop_map(|(key, value)| Step::Insert(key, value)),
        4 => few_keys().prop_map(Step::Append),
        2 => few_keys().prop_map(Step::Discard),
        2 => (few_keys(), json()).prop_map(|(key, value)| Step::GetOrInsert(key, value)),
        2 => text().prop_map(Step::Flash),
        2 => Just(Step::TakeFlashes),
        1 => Just(Step::Clear),
        1 => any::<bool>().prop_map(Step::SetPermanent),
    ]
}

/// Returns a payload as another program may have written it: with spaces, odd values, repeated
/// keys, and perhaps flash messages.
fn payload() -> impl Strategy<Value = String> {
    const ENTRIES: [&str; 11] = [
        r#""a":1"#,
        r#""a" : [ ]"#,
        r#""\u0061":{" t":[1]}"#,
        r#""b":NaN"#,
        r#""b":["x",{" b":"aGk="}]"#,
        r#"" t":[0]"#,
        r#""_permanent":true"#,
        r#""_flashes":[]"#,
        r#""_flashes":[{" t":["message","a"]},{" t":["error",{" m":"<b>"}]},["info","a"],7]"#,
        r#""_flashes":{}"#,
        r#""other":"\ud800""#,
    ];
    vec(select(&ENTRIES[..]), 0..5)
        .prop_map(|entries| if let [r#"" t":[0]"#] = entries[..] { vec![] } else { entries })
        .prop_map(|entries| format!("{{{}}}", entries.join(" , ")))
}

/// So few keys that steps change the same ones.
fn few_keys() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "é\"\n", " t", "_permanent", "_flashes"]).prop_map(str::to_owned)
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => text(),
        1 => select(&TAGS[..]).prop_map(str::to_owned),
        1 => select(vec!["_permanent", "_flashes", "t__", " t__", ""]).prop_map(str::to_owned),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no such number", |number| number.is_finite())
            .prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(key(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Any characters, including those that JSON must escape.
fn text() -> impl Strategy<Value = String> {
    let char = prop_oneof![
        any::<char>(),
        select(vec!['"', '\\', '\n', '\0', ' ', '\u{7f}', '\u{2028}', '😀'])
    ];
    vec(char, 0..12).prop_map(String::from_iter)
}

fn digest() -> impl Strategy<Value = Digest> {
    select(vec![Digest::Sha1, Digest::Sha256, Digest::Sha512])
}

fn compression() -> impl Strategy<Value = Compression> {
    select(vec![Compression::NearLimit, Compression::WheneverShorter, Compression::Never])
}

/// Returns the values of a session, independent of their order and spelling.
fn entries(session: &Session) -> BTreeMap<String, Option<Value>> {
    let entry = |key: String| (key.clone(), session.get(&key).ok().flatten());
    session.keys().into_iter().map(entry).collect()
}

fn from_payload(payload: String) -> Session {
    Opened::from_payload(payload).unwrap().into_session()
}

fn payload_of(session: &Session) -> String {
    state_of(session).payload()
}

fn changes_of(session: &Session) -> Changes {
    state_of(session).changes().clone()
}

/// Returns the session that the next request opens after one that wrote to a fresh session.
fn through_a_cookie(
    digest: Digest,
    compression: Compression,
    write: impl FnOnce(&Session),
) -> Session {
    let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let config = SessionConfig::builder().clock(clock).max_cookie_size(0).build().unwrap();
    let key = SecretKey::new("a-test-secret-7Qd0pXw4ZrLk9Vm2Bn8Ys5Tc1").unwrap();
    let builder =
        SignedCookieSessions::builder(config, &key).digest(digest).compression(compression);
    let sessions = builder.build().unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let first = RequestSession::new(sessions.clone(), RequestView::default());
        let written = first.session().await.unwrap();
        write(&written);
        let headers = first.commit().await.into_result().unwrap();
        let cookie = headers.set_cookie().unwrap().split(';').next().unwrap().as_bytes();
        let view = RequestView::builder().cookie_header(cookie).build();
        let reopened = RequestSession::new(sessions, view).session().await.unwrap();
        assert_eq!(payload_of(&reopened), payload_of(&written));
        assert!(!reopened.is_new() && !reopened.is_modified());
        reopened
    })
}
