//! Mutated ids, positions and records. If a decoder accepts an input, encoding the result returns
//! the same bytes.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fuzzing::Fuzz;

use super::content::{self, Content, ENDED_SESSION, Head, Nonce, Nonces, Proof};
use super::id::SessionId;
use super::lineage::Lineage;
use super::owners::parse_position;
use crate::login::Login;
use crate::store::StoreKey;

#[test]
fn fuzzed_id_has_one_spelling() {
    let id = SessionId::generate().unwrap();
    let samples = [id.to_cookie(), id.to_unconfirmed_cookie(), "_".repeat(43), "A".repeat(43)];
    Fuzz::new("session id", samples).words(&["~", "=", "+", "é"]).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let (id, unconfirmed) = (SessionId::parse(text), SessionId::parse_unconfirmed(text));
        assert!(id.is_none() || unconfirmed.is_none());
        assert!(id.is_none_or(|id| id.to_cookie() == text));
        assert!(unconfirmed.is_none_or(|id| id.to_unconfirmed_cookie() == text));
        id.is_some() || unconfirmed.is_some()
    });
}

#[test]
fn fuzzed_position_is_key_or_error() {
    let samples = [[0; 32], [0xff; 32]].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    Fuzz::new("position of a page", samples).run(|input| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        let key = parse_position(text);
        assert!(
            key.as_ref().is_ok_and(|key| URL_SAFE_NO_PAD.encode(key.as_bytes()) == text)
                || key.is_err()
        );
        key.is_ok()
    });
}

#[test]
fn fuzzed_record_is_content_or_nothing() {
    Fuzz::new("record of the engine", records()).run(|input| {
        let content = content::decode(input.to_vec());
        let encoded = match &content {
            Some(Content::Session(head, payload)) => encode(head, payload),
            Some(Content::Tombstone { successor, follow }) => {
                content::tombstone(successor, *follow)
            }
            Some(Content::Ended) => ENDED_SESSION.to_vec(),
            Some(Content::Series) => {
                assert!(content::is_series(input));
                return true;
            }
            None => return false,
        };
        assert_eq!(content::decode(encoded), content);
        true
    });
}

fn records() -> Vec<Vec<u8>> {
    let key = StoreKey::from_bytes([9; 32]);
    let written_at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    let nonces = Nonces::default().with(Nonce::next().unwrap()).with(Nonce::next().unwrap());
    let plain = Head {
        nonces,
        lineage: Lineage([8; 16]),
        written_at,
        kept_for: Duration::from_secs(24 * 3600),
        predecessor: None,
        is_retried: false,
        proof: None,
    };
    let login = Login::new("ada", written_at).with_stamp(Some("é1"));
    let owned = Head { proof: Some(Proof::of(&login)), predecessor: Some(key), ..plain.clone() };
    vec![
        encode(&plain, r#"{"é":1}"#),
        encode(&owned, r#"{"a":1}"#),
        content::tombstone(&key, true),
        content::tombstone(&key, false),
        ENDED_SESSION.to_vec(),
        [&[4][..], br#"{"a":1}"#].concat(),
    ]
}

fn encode(head: &Head, payload: &str) -> Vec<u8> {
    content::session(head, payload.len(), |bytes| bytes.extend_from_slice(payload.as_bytes()))
}
