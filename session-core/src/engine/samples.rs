//! Samples of records of version 1. Every later build must read them, and must write them until a
//! newer version is enabled.

use std::time::{Duration, SystemTime};

use super::content::{self, Content, ENDED_SESSION, Head, Nonce, Nonces, Proof};
use super::lineage::Lineage;
use super::version;
use crate::login::Login;
use crate::store::StoreKey;

const VISITOR: &str = "010207070707070707070606060606060606080808080808080808080808080808080000018b\
                       cfe5687b0000000005274661007b22c3a9223a317d";
/// With a predecessor, the mark of a repeated creation, and a login with a stamp.
const OWNED: &str = "010207070707070707070606060606060606080808080808080808080808080808080000018b\
                     cfe5687b000000000527466107090909090909090909090909090909090909090909090909090909\
                     09090909090000018bcfe564180002c3a97b22c3a9223a317d";
const WITHOUT_STAMP: &str = "010207070707070707070606060606060606080808080808080808080808080808080000\
                             018bcfe5687b0000000005274661040000018bcfe56418ffff7b7d";
const TOMBSTONE: &str = "02010909090909090909090909090909090909090909090909090909090909090909";
const ENDED: &str = "03";
const SERIES: &str = "047b22636f756e74223a307d";

#[test]
fn sessions_of_version_1_are_read_and_written() {
    let (at, key) = (SystemTime::UNIX_EPOCH, StoreKey::from_bytes([9; 32]));
    let login = Login::new("ada", at + Duration::from_secs(1_699_999_999));
    let visitor = Head {
        nonces: Nonces::default().with(Nonce([6; 8])).with(Nonce([7; 8])),
        lineage: Lineage([8; 16]),
        written_at: at + Duration::from_millis(1_700_000_000_123),
        kept_for: Duration::from_millis(86_460_001),
        predecessor: None,
        is_retried: false,
        proof: None,
    };
    let without_stamp = Head { proof: Some(Proof::of(&login)), ..visitor.clone() };
    let owned = Head {
        predecessor: Some(key),
        is_retried: true,
        proof: Some(Proof::of(&login.with_stamp(Some("é")))),
        ..visitor.clone()
    };
    for (sample, head, payload) in [
        (VISITOR, visitor, r#"{"é":1}"#),
        (OWNED, owned, r#"{"é":1}"#),
        (WITHOUT_STAMP, without_stamp, "{}"),
    ] {
        let written =
            content::session(&head, payload.len(), |bytes| bytes.extend(payload.as_bytes()));
        assert_eq!(written, bytes_of(sample));
        assert_eq!(content::decode(written), Some(Content::Session(head, payload.to_owned())));
    }
}

#[test]
fn markers_of_version_1_are_read_and_written() {
    let successor = StoreKey::from_bytes([9; 32]);
    let tombstone = content::tombstone(&successor, true);
    assert_eq!(tombstone, bytes_of(TOMBSTONE));
    let read = content::decode(tombstone);
    assert_eq!(read, Some(Content::Tombstone { successor, follow: true }));
    assert_eq!(ENDED_SESSION, bytes_of(ENDED));
    assert_eq!(content::decode(bytes_of(ENDED)), Some(Content::Ended));
    assert_eq!(content::decode(bytes_of(SERIES)), Some(Content::Series));
}

#[test]
fn samples_of_version_1_are_readable() {
    for sample in [VISITOR, OWNED, WITHOUT_STAMP, TOMBSTONE, ENDED, SERIES] {
        assert!(version::check(&bytes_of(sample)).is_ok());
    }
}

fn bytes_of(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks(2);
    digits.map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap()).collect()
}
