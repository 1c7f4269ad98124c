//! Rules of contents: payloads, creation times and owners are stored unchanged.

use std::time::{Duration, SystemTime};

use session_core::ErrorKind;

use super::StoreUnderTest;
use super::entry::{Entry, describe};
use crate::failure::Checked;
use crate::rule::rules;

/// The longest payload that a store accepts, unless it declares a smaller maximum.
const MEGABYTE: usize = 1 << 20;

rules! {
    ($) pub(crate) const BYTES, macro __store_bytes, for StoreUnderTest;

    /// A payload may contain every byte value and need not be valid UTF-8. It is stored unchanged.
    ///
    /// Store the payload in a binary column or value (`BLOB`, `BYTEA`, a byte array). Pass it to
    /// the driver as bytes, never as text.
    async fn every_byte_of_a_payload_is_kept(store) {
        // Spaces and zeros at the ends are another rule.
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

    /// Spaces, line ends and zero bytes at the start and the end of a payload are stored.
    ///
    /// Do not use a column of fixed length, which pads or trims, or a text type, where a zero byte
    /// ends the text. Do not trim what you read.
    async fn blanks_and_zeros_at_the_ends_are_kept(store) {
        for payload in [&b"one "[..], b" one", b"one\r\n", b"\tone", b"\0one", b"one\0\0", b"   ", b"\0\0\0", b"\0"] {
            is_kept(store, payload).await?;
        }
        Ok(())
    }

    /// A payload that looks like JSON is stored byte for byte: blanks, the order of keys, duplicate
    /// keys, escapes, and numbers outside the range of floats.
    ///
    /// Do not use a JSON column (`JSON`, `JSONB`) and do not parse the payload. It is bytes.
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

    /// `create` and `replace` accept a payload of 1 MiB and store all of it. A store with a smaller
    /// maximum accepts a payload of that length, and rejects one more byte with an error of kind
    /// `TooLarge`, changing nothing.
    ///
    /// Choose a type that is large enough (`MEDIUMBLOB`, not `BLOB`) and raise the limits of driver
    /// and server. Otherwise set `max_payload = ..` in the suite, document the limit, and compare
    /// the length before you write. Never truncate a payload.
    async fn the_largest_payload_is_taken_and_none_is_cut(store) {
        let largest = letters(store.max_payload_bytes().unwrap_or(MEGABYTE));
        is_kept(store, &largest).await?;
        if store.max_payload_bytes().is_some() {
            is_refused(store, &letters(largest.len() + 1)).await?;
        }
        Ok(())
    }

    /// A payload that replaces a longer or a shorter one is stored with its own length.
    ///
    /// Write the payload with its length. Do not write over the old bytes.
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

    /// The creation time is exact to the millisecond, however old it is. After a `replace` it is
    /// the one that `replace` was called with.
    ///
    /// Store the given time as 64-bit milliseconds, also in `replace`. It is not the time at which
    /// the row was created, because a session keeps its creation time when it gets a new id.
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

    /// An owner is stored character for character. Owners that differ only in case, in spaces at
    /// the ends, or in composed and decomposed letters are different.
    ///
    /// Store the owner as UTF-8 bytes (`VARBINARY`, `BYTEA`, a binary collation). Do not trim,
    /// fold, normalize, escape or parse it. Zero bytes and line ends are valid characters.
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

    /// An owner of 1,000 characters is stored without truncation.
    ///
    /// Give the owner a column of at least 1,000 bytes. If an index is limited to fewer bytes,
    /// index a hash of the owner and store the whole owner next to it.
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

    /// The empty owner `""` is an owner: `""` and no owner are stored as different values.
    ///
    /// Store "no owner" as an absent value (`NULL`, a missing field, a separate flag), not as an
    /// empty text.
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

/// Owners that a store might confuse with each other, or with no owner.
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

/// Fails unless `create` and `replace` store the payload.
async fn is_kept(store: &StoreUnderTest, payload: &[u8]) -> Checked {
    let key = store.key();
    let entry = Entry::with_payload(payload, store.now());
    let version = store.create(&key, &entry).await?;
    store.expect_at(&key, version, &entry).await?;
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
        .replace(&key, version, &too_long.as_new())
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

/// Returns random letters, the same in each run, so that a displaced part is noticed.
fn letters(length: usize) -> Vec<u8> {
    let mut letters = vec![0; length];
    fastrand::Rng::with_seed(1).fill(&mut letters);
    for letter in &mut letters {
        *letter = b'a' + *letter % 26;
    }
    letters
}

/// Returns the start of the second of this time.
pub(super) fn whole_second(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}
