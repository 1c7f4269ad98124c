//! Thousands of random sessions of all of Flask's types, from Flask to Rust and back, and from Rust
//! to Flask and back.
//!
//! Each run prints its seed. `INTEROP_SEED` repeats a run, and `INTEROP_SESSIONS` sets its length.

use std::collections::BTreeMap;

use fastrand::Rng;
use flask_interop::{Batch, Result, RustSessions, Sample, Signing};
use serde::Deserialize;
use serde_json::{Value, json};
use session_core::flask::Any;
use session_core::{ErrorKind, Session};

/// The number of sessions, unless `INTEROP_SESSIONS` sets it.
const SESSIONS: usize = 3_000;
/// A key that no random session has.
const MARKER: &str = "marker";

/// A session that Flask has created.
#[derive(Deserialize)]
struct Made {
    cookie: String,
    keys: Vec<MadeKey>,
}

#[derive(Deserialize)]
struct MadeKey {
    /// The key, with an escape for half a surrogate pair.
    shown: String,
    /// Whether JSON can hold the value.
    readable: bool,
}

#[test]
fn flask_sessions_survive_added_key_in_rust() -> Result<()> {
    let (seed, count) = (seed()?, count()?);
    let mut flask = Batch::start(Signing::default())?;
    let rust = RustSessions::new(Signing::default())?;
    let mut made = flask.ask(&json!({"do": "random", "seed": seed, "count": count}))?;
    let made: Vec<Made> = serde_json::from_value(made["sessions"].take())?;
    assert_eq!(made.len(), count);
    for (index, made) in made.iter().enumerate() {
        let context = format!("session {index} of seed {seed}");
        let ((), cookie) = rust.request(Some(&made.cookie), |session| {
            check_keys(session, &made.keys, &context);
            Ok(session.insert(MARKER, index)?)
        })?;
        let compare =
            json!({"do": "compare", "index": index, "cookie": cookie, "added": {MARKER: index}});
        assert_eq!(flask.ask(&compare)?, json!({"equal": true}), "{context}");
    }
    Ok(())
}

#[test]
fn rust_sessions_survive_save_by_flask() -> Result<()> {
    let (seed, count) = (seed()?, count()?);
    let mut random = Rng::with_seed(seed);
    let mut flask = Batch::start(Signing::default())?;
    let rust = RustSessions::new(Signing::default())?;
    for index in 0..count {
        let context = format!("session {index} of seed {seed}");
        let made = random_session(&mut random);
        let ((), cookie) = rust.request(None, |session| {
            for (key, value) in &made {
                session.insert(&**key, value)?;
            }
            Ok(())
        })?;
        let description = Sample::Dict(made.clone()).describe();
        let loaded = flask.ask(&json!({"do": "load", "cookie": cookie}))?;
        assert_eq!(loaded["session"], description, "{context}");

        let signed = flask.ask(&json!({"do": "sign", "session": loaded["session"]}))?;
        let (read, _) = rust.request(signed["cookie"].as_str(), |session| {
            let read = |key: String| {
                Ok((key.clone(), session.get::<Any>(&*key)?.map(Sample::from).into()))
            };
            session.keys().into_iter().map(read).collect()
        })?;
        assert_eq!(Sample::Dict(read), Sample::Dict(made).with_lists(), "{context}");
    }
    Ok(())
}

fn count() -> Result<usize> {
    match std::env::var("INTEROP_SESSIONS") {
        Ok(count) => Ok(count.parse()?),
        Err(_) => Ok(SESSIONS),
    }
}

fn seed() -> Result<u64> {
    let seed = match std::env::var("INTEROP_SEED") {
        Ok(seed) => seed.parse()?,
        Err(_) => fastrand::u64(..),
    };
    println!("INTEROP_SEED={seed}");
    Ok(seed)
}

/// Checks that the session has Flask's keys, and that each value that JSON supports can be read.
fn check_keys(session: &Session, made: &[MadeKey], context: &str) {
    let sorted = |mut keys: Vec<String>| {
        keys.sort_unstable();
        keys
    };
    let shown = made.iter().map(|key| key.shown.clone()).collect();
    assert_eq!(sorted(session.keys()), sorted(shown), "{context}");
    for MadeKey { shown: key, readable } in made {
        let expected = if *readable { Ok(true) } else { Err(ErrorKind::Value) };
        let found =
            session.get::<Value>(&**key).map(|value| value.is_some()).map_err(|error| error.kind());
        assert_eq!(found, expected, "{context}: {key:?}");
    }
}

fn random_session(random: &mut Rng) -> BTreeMap<String, Sample> {
    let keys = random.usize(1..8);
    (0..keys).map(|_| (format!("key {}", random_text(random)), random_sample(random, 4))).collect()
}

fn random_sample(random: &mut Rng, depth: usize) -> Sample {
    let branches = if depth > 0 { 4 } else { 0 };
    match random.u8(0..9 + branches) {
        0 => Sample::None,
        1 => Sample::Bool(random.bool()),
        2 => Sample::Int(random_int(random)),
        3 => Sample::Float(random_float(random)),
        4 => Sample::Text(random_text(random)),
        5 => Sample::Bytes(random_bytes(random)),
        6 => Sample::Markup(random_text(random)),
        7 => Sample::Uuid(random.u128(..).to_be_bytes()),
        8 => Sample::DateTime(random.u64(0..253_402_300_800)),
        9 => Sample::List(random_samples(random, depth)),
        10 => Sample::Tuple(random_samples(random, depth)),
        11 => {
            let key = random
                .choice([" t", " b", " m", " u", " d", " di", " t__", " x"])
                .unwrap_or_default();
            Sample::Dict(BTreeMap::from([(key.to_owned(), random_sample(random, depth - 1))]))
        }
        _ => {
            let samples = random_samples(random, depth);
            Sample::Dict(samples.into_iter().map(|sample| (random_text(random), sample)).collect())
        }
    }
}

fn random_samples(random: &mut Rng, depth: usize) -> Vec<Sample> {
    (0..random.usize(0..4)).map(|_| random_sample(random, depth - 1)).collect()
}

fn random_int(random: &mut Rng) -> i128 {
    let edges =
        [0, 1, -1, i128::from(i64::MIN), i128::from(i64::MAX), i128::from(u64::MAX), 1 << 53];
    match random.u8(0..4) {
        0 => edges[random.usize(0..edges.len())],
        1 => random.i64(..).into(),
        2 => random.u64(..).into(),
        _ => random.i32(-1000..1000).into(),
    }
}

fn random_float(random: &mut Rng) -> f64 {
    let any = f64::from_bits(random.u64(..));
    let edges = [0.0, -0.0, 0.1, 1e16, f64::MAX, f64::MIN_POSITIVE, 5e-324];
    match random.u8(0..3) {
        0 if any.is_finite() => any,
        1 => edges[random.usize(0..edges.len())],
        _ => f64::from(random.i32(-100_000..100_000)) / 100.0,
    }
}

fn random_text(random: &mut Rng) -> String {
    let alphabet: Vec<char> =
        "abcXYZ09 _-.\"\\/<&'>\0\n\r\t\u{8}\u{c}\u{1f}\u{7f}äßé日本語\u{2028}\u{feff}😀🦀"
            .chars()
            .collect();
    (0..random.usize(0..12)).map(|_| alphabet[random.usize(0..alphabet.len())]).collect()
}

fn random_bytes(random: &mut Rng) -> Vec<u8> {
    (0..random.usize(0..40)).map(|_| random.u8(..)).collect()
}
