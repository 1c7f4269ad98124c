//! The kinds of records that the rules of observations write.

use std::time::Duration;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::values::someone;

/// The longest payload that a store must accept, unless the store declares a smaller maximum.
pub(crate) const MEGABYTE: usize = 1 << 20;

/// A length that exceeds 16 bits and the maximum length of a `BLOB` in MySQL.
const SEVENTY_THOUSAND: usize = 70_000;

/// Lengths of owners: one byte, and lengths near the limits of keys in common stores.
const OWNER_BYTES: [usize; 7] = [1, 255, 256, 511, 512, 768, 1000];

/// A kind of record.
pub(crate) struct Sample {
    pub(crate) name: String,
    payload: Vec<u8>,
    owner: Option<String>,
}

impl Sample {
    fn new(payload: (&str, Vec<u8>), owner: (&str, Option<String>)) -> Self {
        Self { name: format!("{}, {}", payload.0, owner.0), payload: payload.1, owner: owner.1 }
    }

    /// Returns a record of this kind that expires in an hour.
    pub(crate) fn entry(&self, store: &StoreUnderTest) -> Entry {
        Entry {
            owner: self.owner.clone(),
            ..Entry::with_payload(self.payload.clone(), store.now())
        }
    }

    /// Returns a record of this kind that expires this many minutes after the record of
    /// [`entry`](Self::entry).
    pub(crate) fn later(&self, store: &StoreUnderTest, minutes: u64) -> Entry {
        let entry = self.entry(store);
        let expires_at = entry.expires_at + Duration::from_mins(minutes);
        entry.expiring_at(expires_at)
    }
}

/// Returns one record of each kind: every payload without and with an owner, and every owner.
pub(crate) fn samples(store: &StoreUnderTest) -> Vec<Sample> {
    let longest = filled(limit(store), b"the longest payload. ");
    let owner = ("an owner", Some(someone("ada")));
    let longest = Sample::new(("the longest payload", longest), owner);
    few_samples(store).into_iter().chain([longest]).collect()
}

/// Returns the [`samples`] without the longest payload, for rules with many calls for each kind.
pub(crate) fn few_samples(store: &StoreUnderTest) -> Vec<Sample> {
    let mut samples = Vec::new();
    for payload in payloads(store) {
        samples.push(Sample::new((payload.0, payload.1.clone()), ("no owner", None)));
        samples.push(Sample::new(payload, ("an owner", Some(someone("ada")))));
    }
    let plain = || ("a plain payload", b"plain".to_vec());
    samples.push(Sample::new(plain(), ("the empty owner", Some(String::new()))));
    let unicode = format!("Zoë \u{1f980} e\u{301} {}", someone("\u{10ffff}"));
    samples.push(Sample::new(plain(), ("an owner with four-byte characters", Some(unicode))));
    for bytes in OWNER_BYTES {
        let owner = owner_of(bytes);
        samples.push(Sample::new(plain(), (&format!("an owner of {bytes} bytes"), Some(owner))));
    }
    samples
}

fn limit(store: &StoreUnderTest) -> usize {
    store.max_payload_bytes().unwrap_or(MEGABYTE)
}

fn payloads(store: &StoreUnderTest) -> [(&'static str, Vec<u8>); 7] {
    let every_byte: Vec<u8> = (0..=u8::MAX).rev().collect();
    let long = filled(SEVENTY_THOUSAND.min(limit(store)), &every_byte);
    [
        ("an empty payload", Vec::new()),
        ("a plain payload", b"plain".to_vec()),
        ("a payload with every byte", every_byte),
        ("a payload with blanks at its ends", b"\t blanks \r\n ".to_vec()),
        ("a payload with zeros at its ends", b"\0 zeros \0\0".to_vec()),
        ("a payload that looks like JSON", br#"{ "b":1.0,"a":1e400,"a":"\ud800" }"#.to_vec()),
        ("a payload of 70,000 bytes", long),
    ]
}

/// Returns a payload of this length whose last byte differs from the previous byte.
pub(crate) fn filled(length: usize, with: &[u8]) -> Vec<u8> {
    let mut filled = with.repeat(length / with.len() + 1);
    filled.truncate(length);
    if let Some(last) = filled.last_mut() {
        *last = b'$';
    }
    filled
}

/// Returns an owner of this many bytes. No other run uses this owner, unless the owner is very
/// short.
pub(crate) fn owner_of(bytes: usize) -> String {
    let random = format!("{:016x}", fastrand::u64(..));
    let end = &random[random.len() - bytes.min(random.len())..];
    "o".repeat(bytes - end.len()) + end
}
