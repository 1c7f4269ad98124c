//! Rules of exactness: payloads, creation times and owners come back as they were given.

use std::time::{Duration, SystemTime};

use session_core::ErrorKind;

use super::StoreUnderTest;
use super::entry::{Entry, describe};
use crate::failure::Checked;
use crate::rule::rules;

/// What a store takes at least, unless it declares a smaller maximum.
const MEGABYTE: usize = 1 << 20;

rules! {
    ($) pub(crate) const BYTES, macro __store_bytes, for StoreUnderTest;

    /// A payload may hold every byte value, and is kept byte for byte though it be no valid UTF-8.
    ///
    /// Keep the payload in a binary column or value (`BLOB`, `BYTEA`, a byte array), and pass it to the driver as bytes, never as text.
    async fn every_byte_of_a_payload_is_kept(store) {
        // Its ends are letters, for what becomes of blanks and zeros at the ends is another rule.
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
            "e\u{301} and \u{e9} and \u{1f980}".as_bytes(),
        ] {
            is_kept(store, payload).await?;
        }
        Ok(())
    }

    /// Spaces, line ends and zero bytes at the beginning and at the end of a payload are kept.
    ///
    /// Use no column of fixed length, which pads or trims, and no text type, where a zero byte ends the text. Trim nothing that you read.
    async fn blanks_and_zeros_at_the_ends_are_kept(store) {
        for payload in [&b"one "[..], b" one", b"one\r\n", b"\tone", b"\0one", b"one\0\0", b"   ", b"\0\0\0", b"\0"] {
            is_kept(store, payload).await?;
        }
        Ok(())
    }

    /// A payload that looks like JSON is kept byte for byte: its blanks, the order of its keys, keys that come twice, escapes, and
    /// numbers that no float can hold.
    ///
    /// Do not keep it in a JSON column (`JSON`, `JSONB`) and do not parse it: it is bytes.
    async fn json_is_kept_as_it_was_written(store) {
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

    /// A payload of 1 MiB is taken by `create` and by `replace` and kept whole. A store with a smaller maximum takes a payload of just
    /// that length, and answers one byte more with an error of kind `TooLarge`, changing nothing.
    ///
    /// Choose a type that holds it (`MEDIUMBLOB`, not `BLOB`) and raise the limits of driver and server. If that cannot be, say
    /// `max_payload = ..` in the suite and in your documentation, and compare the length before you write: never cut.
    async fn the_largest_payload_is_taken_and_none_is_cut(store) {
        let largest = letters(store.max_payload_bytes().unwrap_or(MEGABYTE));
        is_kept(store, &largest).await?;
        if store.max_payload_bytes().is_some() {
            is_refused(store, &letters(largest.len() + 1)).await?;
        }
        Ok(())
    }

    /// A payload that is replaced by a shorter or a longer one leaves nothing of itself and cuts nothing off.
    ///
    /// Write the payload anew with its length; do not write over the old bytes.
    async fn a_payload_replaced_by_one_of_another_length_leaves_nothing(store) {
        let key = store.key();
        let mut version = store.create(&key, &Entry::with_payload(letters(5000), store.now())).await?;
        for length in [10, 3000, 5000, 1, 9000, 2999] {
            let entry = Entry::with_payload(letters(length), store.now());
            version = store.replaced(&key, version, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }

    /// The creation time is kept to the millisecond, however long ago it was, and after a `replace` it is the one that `replace` was given.
    ///
    /// Keep what you are given, in milliseconds of 64 bits, and write it in `replace`, too. It is not the time at which your store made
    /// the row: a session that gets a new id keeps its age.
    async fn the_creation_time_is_kept(store) {
        let second = whole_second(store.now());
        let in_2001 = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let times = [
            second - Duration::from_hours(1) + Duration::from_millis(1),
            second - Duration::from_hours(24) + Duration::from_millis(999),
            second - Duration::from_hours(24 * 60) + Duration::from_micros(500_250),
            in_2001 + Duration::from_millis(123),
            second,
        ];
        for (number, created_at) in times.into_iter().enumerate() {
            let key = store.key();
            let entry = Entry { created_at, ..Entry::plain("one", store.now()) };
            let version = store.create(&key, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
            let created_at = times[(number + 1) % times.len()];
            let entry = Entry { created_at, ..Entry::plain("two", store.now()) };
            let version = store.replaced(&key, version, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }

    /// An owner is kept character for character, and two that look alike stay two: in case, in blanks at the ends, in composed and
    /// decomposed letters.
    ///
    /// Keep the owner as the bytes of its UTF-8 (`VARBINARY`, `BYTEA`, a binary collation). Trim, fold, normalise, escape and parse nothing;
    /// a zero byte and a line end are characters, too.
    async fn an_owner_is_kept_character_for_character(store) {
        let mut kept = Vec::new();
        for owner in OWNERS {
            let (key, entry) = (store.key(), Entry::plain("one", store.now()).owned_by(owner));
            kept.push((key, store.create(&key, &entry).await?, entry));
        }
        for (key, version, entry) in &kept {
            store.expect_at(key, *version, entry).await?;
        }
        for (number, (key, version, _)) in kept.iter().enumerate() {
            let owner = OWNERS[(number + 1) % OWNERS.len()];
            let entry = Entry::plain("two", store.now()).owned_by(owner);
            let version = store.replaced(key, *version, &entry).await?;
            store.expect_at(key, version, &entry).await?;
        }
        Ok(())
    }

    /// An owner of a thousand characters is kept whole.
    ///
    /// Give the owner a column of at least 1,000 bytes. Where an index takes less than that, index a hash of it and keep the whole owner
    /// beside it.
    async fn a_long_owner_is_kept(store) {
        for last in ["a", "b"] {
            let owner = "owner-".repeat(166) + "is" + last + ".";
            let (key, entry) = (store.key(), Entry::plain("one", store.now()).owned_by(&owner));
            let version = store.create(&key, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
            let entry = Entry::plain("two", store.now()).owned_by(&owner.replace("owner", "other"));
            let version = store.replaced(&key, version, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }

    /// The empty owner `""` is an owner: it does not come back as none, and none does not come back as `""`.
    ///
    /// Keep "no owner" as an absence (`NULL`, a missing field, a flag of its own), not as an empty text.
    async fn an_empty_owner_is_not_the_lack_of_one(store) {
        for (first, second) in [(Some(""), None), (None, Some("")), (Some(""), Some(""))] {
            let key = store.key();
            let entry = Entry { owner: first.map(str::to_owned), ..Entry::plain("one", store.now()) };
            let version = store.create(&key, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
            let entry = Entry { owner: second.map(str::to_owned), ..Entry::plain("two", store.now()) };
            let version = store.replaced(&key, version, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }
}

/// Owners that a store might confuse with others, or with something that is no owner.
const OWNERS: [&str; 37] = [
    "grace",
    "Grace",
    "GRACE",
    "grace ",
    " grace",
    "  ",
    "grace  hopper",
    "\tgrace\t",
    "line\nbreak",
    "line end\n",
    "line\r\nbreak",
    "nul\0within",
    "nul at the end\0",
    "\0",
    "\"quoted\"",
    "it's",
    "''",
    "`ticks`",
    "%",
    "gr%",
    "*",
    "gr_ce",
    "_",
    "back\\slash",
    "\\n",
    "\\",
    "user:42,43;44|45",
    "{\"owner\":[1]}",
    "null",
    "007",
    "1e3",
    "e\u{301}",
    "\u{e9}",
    "\u{212b} and \u{c5}",
    "stra\u{df}e",
    "\u{1f980} has four bytes",
    "\u{feff}\u{200b}\u{202e}",
];

/// The payload, from `create` and from `replace`.
async fn is_kept(store: &StoreUnderTest, payload: &[u8]) -> Checked {
    let key = store.key();
    let entry = Entry::with_payload(payload, store.now());
    let version = store.create(&key, &entry).await?;
    store.expect_at(&key, version, &entry).await?;
    let version = store.replaced(&key, version, &entry).await?;
    store.expect_at(&key, version, &entry).await
}

/// A payload that is too long, by `create` and by `replace`, which change nothing.
async fn is_refused(store: &StoreUnderTest, payload: &[u8]) -> Checked {
    let too_long = Entry::with_payload(payload, store.now()).owned_by("ada");
    let key = store.key();
    let created = store.store().create(&key, &too_long.as_new()).await.map_err(|error| error.kind());
    store.calls().note(format!("create({}, {}) = {created:?}", store.name(&key), describe(payload)));
    store.equal(Err(ErrorKind::TooLarge), created)?;
    store.expect_nothing(&key).await?;

    let later = too_long.expires_at + Duration::from_mins(1);
    let (key, entry) = (store.key(), Entry::plain("one", store.now()).expiring_at(later));
    let version = store.create(&key, &entry).await?;
    let replaced = store.store().replace(&key, version, &too_long.as_new()).await.map_err(|error| error.kind());
    store.calls().note(format!("replace({}, {}) = {replaced:?}", store.name(&key), describe(payload)));
    store.equal(Err(ErrorKind::TooLarge), replaced)?;
    store.expect_at(&key, version, &entry).await
}

/// Letters without a pattern, the same ones each time, so that a part in the wrong place shows.
fn letters(length: usize) -> Vec<u8> {
    let mut letters = vec![0; length];
    fastrand::Rng::with_seed(1).fill(&mut letters);
    for letter in &mut letters {
        *letter = b'a' + *letter % 26;
    }
    letters
}

/// The second that a time lies in.
pub(super) fn whole_second(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}
