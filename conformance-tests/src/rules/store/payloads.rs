//! Rules of payloads: their bytes and their length.

use std::time::Duration;

use session_core::ErrorKind;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, describe};
use crate::harness::store::limits::whole_or_refused;
use crate::harness::store::samples::{MEGABYTE, filled};
use crate::macros::rules;
use crate::report::Checked;

rules! {
    ($) pub(crate) const PAYLOADS, macro __store_payloads, for StoreUnderTest;

    /// A payload is stored unchanged. It may contain every byte value and need not be valid UTF-8.
    ///
    /// Store the payload in a binary column or value (`BLOB`, `BYTEA`, a byte array). Pass the
    /// payload to the driver as bytes, never as text. If the store compresses payloads, mark each
    /// compressed record in a separate field.
    async fn payload_with_any_byte_is_unchanged(store) {
        // Another rule checks spaces and zeros at the ends.
        let upwards: Vec<u8> = (b'a'..=u8::MAX).chain(0..b'a').chain(*b"a").collect();
        let downwards: Vec<u8> = upwards.iter().rev().copied().collect();
        for payload in [&upwards, &downwards] {
            is_kept(store, payload).await?;
        }
        for payload in [
            &b"one\xfftwo"[..],
            b"overlong \xc0\xaf",
            b"a surrogate \xed\xa0\x80",
            b"cut off \xe2\x82",
            b"a lone \x80 in the middle",
            b"one\r\ntwo\rthree\nfour",
            b"\xef\xbb\xbfa byte order mark",
            b"\x78\x9clike zlib",
            b"\x1f\x8blike gzip",
            b"\x28\xb5\x2f\xfdlike zstd",
            b"\x04\x22\x4d\x18like lz4",
            b"data:;base64,AAAA",
            "e\u{301} and \u{e9} and \u{1f980}".as_bytes(),
        ] {
            is_kept(store, payload).await?;
        }
        Ok(())
    }

    /// Spaces, line ends and zero bytes at the start and the end of a payload are stored.
    ///
    /// Do not use a fixed-length column, which pads or trims the payload. Do not use a text type,
    /// in which a zero byte ends the text. Do not trim the data that you read.
    async fn blanks_and_zeros_at_ends_are_unchanged(store) {
        for payload in [&b"one "[..], b" one", b"one\r\n", b"\tone", b"\0one", b"one\0\0", b"   ", b"\0\0\0", b"\0"] {
            is_kept(store, payload).await?;
        }
        Ok(())
    }

    /// A payload that looks like JSON is stored byte for byte. This includes spaces, the order of
    /// keys, duplicate keys, escapes, and numbers outside the range of floats.
    ///
    /// Do not use a JSON column (`JSON`, `JSONB`) and do not parse the payload. A payload is bytes.
    async fn json_payload_is_unchanged(store) {
        for payload in [
            r#"{"b":1,"a":2}"#,
            r#"{ "a" : [ 1 ,2 ] }"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1e400}"#,
            r#"{"a":-0.0,"b":1.0,"c":1E2,"d":123456789012345678901234567890,"e":0.1000}"#,
            r#"{"a":"\u00e9 \/ é \ud83e\udd80"}"#,
            r#"{"a":"a lone \ud800"}"#,
            r#"{"a":NaN}"#,
            r#"{"a":null,"":{}}"#,
            "null",
            "007",
        ] {
            is_kept(store, payload.as_bytes()).await?;
        }
        Ok(())
    }

    /// `create` and `replace` accept a payload of 1 MiB and store all of it. A store with a smaller
    /// maximum accepts a payload of the maximum length. It rejects a payload that is one byte
    /// longer with an error of kind `TooLarge`, and changes nothing.
    ///
    /// Choose a type that is large enough (`MEDIUMBLOB`, not `BLOB`) and raise the limits of driver
    /// and server. Otherwise set `max_payload = ..` in the suite, document the limit, and compare
    /// the length before you write. Never truncate a payload.
    async fn largest_payload_is_stored_whole(store) {
        let largest = letters(store.max_payload_bytes().unwrap_or(MEGABYTE));
        is_kept(store, &largest).await?;
        if store.max_payload_bytes().is_some() {
            is_refused(store, &letters(largest.len() + 1)).await?;
        }
        Ok(())
    }

    /// A payload that replaces a longer or a shorter payload is stored with its own length.
    ///
    /// Write the payload with its length. Do not write over the old bytes.
    async fn payload_of_other_length_leaves_no_rest(store) {
        let key = store.key();
        let mut version = store.create(&key, &Entry::with_payload(letters(5000), store.now())).await?;
        for length in LENGTHS {
            let entry = Entry::with_payload(letters(length), store.now());
            version = store.replaced(&key, version, &entry).await?;
            store.expect_at(&key, version.clone(), &entry).await?;
        }
        Ok(())
    }

    /// Payloads of each short length, and of the lengths around each power of two, are stored
    /// completely.
    ///
    /// Store the length in a field that is large enough. Do not give a value of this field a
    /// special meaning. A length field of variable size, a block or a page must not lose a byte at
    /// its limit.
    async fn payload_of_every_length_is_unchanged(store) {
        let most = store.max_payload_bytes().unwrap_or(MEGABYTE);
        let limits = (9..=20).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1]);
        let (key, longest) = (store.key(), letters(most));
        let mut version = store.create(&key, &Entry::plain("", store.now())).await?;
        for length in (0..=40).chain(126..=130).chain(254..=258).chain(limits).filter(|length| *length <= most) {
            let entry = Entry::with_payload(&longest[..length], store.now());
            version = store.replaced(&key, version, &entry).await?;
            store.expect_at(&key, version.clone(), &entry).await?;
        }
        store.removed(&key, version).await
    }

    /// A payload above the size that every store must accept is stored completely. Otherwise the
    /// call fails with an error of kind `TooLarge` and changes nothing.
    ///
    /// Compare the length with your limit before you write. Never truncate a payload because a
    /// column, a buffer or a length field is too small.
    async fn payload_beyond_maximum_is_whole_or_refused(store) {
        let most = store.max_payload_bytes().unwrap_or(MEGABYTE);
        for bytes in [most + 1, 2 * most + 1] {
            let payload = filled(bytes, b"beyond the maximum. ");
            let entry = Entry::with_payload(payload, store.now());
            whole_or_refused(store, &format!("a payload of {bytes} bytes"), &entry, &[ErrorKind::TooLarge]).await?;
        }
        Ok(())
    }

    /// Payloads of the same length that differ in one byte, at any position, are different
    /// payloads.
    ///
    /// If equal payloads are stored once, compare all bytes, or a cryptographic hash of all bytes.
    /// A checksum, or a comparison of only the length and the ends, can confuse the sessions of two
    /// users.
    async fn payloads_that_differ_in_one_byte_are_different(store) {
        for length in [40, 300, 20_000] {
            let first = Entry::with_payload(letters(length), store.now());
            for place in [0, length / 3, length / 2, length - 1] {
                let mut payload = first.payload.clone();
                payload[place] ^= 1;
                let second = Entry { payload, ..first.clone() };
                let (one, other) = (store.key(), store.key());
                let version = store.create(&one, &first).await?;
                store.create(&other, &second).await?;
                store.expect_at(&one, version.clone(), &first).await?;
                store.expect(&other, &second).await?;
                let version = store.replaced(&one, version, &second).await?;
                store.expect_at(&one, version, &second).await?;
            }
        }
        Ok(())
    }
}

/// Fails unless `create` and `replace` store the payload.
async fn is_kept(store: &StoreUnderTest, payload: &[u8]) -> Checked {
    let key = store.key();
    let entry = Entry::with_payload(payload, store.now());
    let version = store.create(&key, &entry).await?;
    store.expect_at(&key, version.clone(), &entry).await?;
    let version = store.replaced(&key, version, &entry).await?;
    store.expect_at(&key, version, &entry).await
}

/// Fails unless `create` and `replace` reject a payload that is too long, and change nothing.
async fn is_refused(store: &StoreUnderTest, payload: &[u8]) -> Checked {
    let too_long = Entry::with_payload(payload, store.now()).owned_by("ada");
    let key = store.key();
    let created =
        store.store().create(&key, &too_long.as_new()).await.map_err(|error| error.kind());
    store.calls().note(format!(
        "create({}, {}) = {created:?}",
        store.name(&key),
        describe(payload)
    ));
    store.equal(Err(ErrorKind::TooLarge), created)?;
    store.expect_nothing(&key).await?;

    let later = too_long.expires_at + Duration::from_mins(1);
    let (key, entry) = (store.key(), Entry::plain("one", store.now()).expiring_at(later));
    let version = store.create(&key, &entry).await?;
    let replaced = store
        .store()
        .replace(&key, version.clone(), &too_long.as_new())
        .await
        .map_err(|error| error.kind());
    store.calls().note(format!(
        "replace({}, {}) = {replaced:?}",
        store.name(&key),
        describe(payload)
    ));
    store.equal(Err(ErrorKind::TooLarge), replaced)?;
    store.expect_at(&key, version, &entry).await
}

/// Returns random letters, the same in each run, so that the rule detects a displaced part.
fn letters(length: usize) -> Vec<u8> {
    let mut letters = vec![0; length];
    fastrand::Rng::with_seed(1).fill(&mut letters);
    for letter in &mut letters {
        *letter = b'a' + *letter % 26;
    }
    letters
}

/// The lengths of payloads: alternately longer and shorter, then around the sizes of blocks and
/// length fields.
const LENGTHS: [usize; 18] = [
    10, 3000, 5000, 1, 9000, 2999, 127, 128, 129, 255, 256, 257, 1024, 4096, 4095, 8192, 16_384,
    32_768,
];
