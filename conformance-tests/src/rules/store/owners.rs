//! Rules of the owner of a record.

use session_core::ErrorKind;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::limits::whole_or_refused;
use crate::harness::store::samples::owner_of;
use crate::macros::rules;

rules! {
    ($) pub(crate) const OWNERS, macro __store_owners, for StoreUnderTest;

    /// An owner is stored character for character. Owners that differ only in case, in spaces at
    /// the start or the end, or in Unicode normalization are different.
    ///
    /// Store the owner as UTF-8 bytes (`VARBINARY`, `BYTEA`, a binary collation). Do not trim,
    /// case-fold, normalize, escape or parse the owner. Zero bytes and line ends are valid
    /// characters.
    async fn owner_with_any_character_is_unchanged(store) {
        let mut kept = Vec::new();
        for owner in LOOKALIKES {
            let (key, entry) = (store.key(), Entry::plain("one", store.now()).owned_by(owner));
            kept.push((key, store.create(&key, &entry).await?, entry));
        }
        for (key, version, entry) in &kept {
            store.expect_at(key, version.clone(), entry).await?;
        }
        for (number, (key, version, _)) in kept.iter().enumerate() {
            let owner = LOOKALIKES[(number + 1) % LOOKALIKES.len()];
            let entry = Entry::plain("two", store.now()).owned_by(owner);
            let version = store.replaced(key, version.clone(), &entry).await?;
            store.expect_at(key, version, &entry).await?;
        }
        Ok(())
    }

    /// An owner of 1,000 characters is stored without truncation.
    ///
    /// Use a column of at least 1,000 bytes for the owner. If an index is limited to fewer bytes,
    /// index a hash of the owner and store the whole owner next to the hash.
    async fn long_owner_is_unchanged(store) {
        for last in ["a", "b"] {
            let owner = "owner-".repeat(166) + "is" + last + ".";
            let (key, entry) = (store.key(), Entry::plain("one", store.now()).owned_by(&owner));
            let version = store.create(&key, &entry).await?;
            store.expect_at(&key, version.clone(), &entry).await?;
            let entry = Entry::plain("two", store.now()).owned_by(&owner.replace("owner", "other"));
            let version = store.replaced(&key, version, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }

    /// The empty string `""` is an owner. The store distinguishes the owner `""` from no owner.
    ///
    /// Store "no owner" as an absent value (`NULL`, a missing field, a separate flag), not as an
    /// empty string.
    async fn empty_owner_differs_from_no_owner(store) {
        for (first, second) in [(Some(""), None), (None, Some("")), (Some(""), Some(""))] {
            let key = store.key();
            let entry = Entry { owner: first.map(str::to_owned), ..Entry::plain("one", store.now()) };
            let version = store.create(&key, &entry).await?;
            store.expect_at(&key, version.clone(), &entry).await?;
            let entry = Entry { owner: second.map(str::to_owned), ..Entry::plain("two", store.now()) };
            let version = store.replaced(&key, version, &entry).await?;
            store.expect_at(&key, version, &entry).await?;
        }
        Ok(())
    }

    /// An owner that is longer than 1,000 bytes is stored completely and listed. Otherwise the call
    /// fails with an error and changes nothing.
    ///
    /// Index a hash of the owner and store the whole owner next to the hash. Otherwise document a
    /// limit and compare the length before you write. Never truncate an owner. Never store an owner
    /// whose keys `keys_of` does not list.
    async fn owner_beyond_maximum_is_whole_or_refused(store) {
        for bytes in LONGER {
            let entry = Entry::plain("one", store.now()).owned_by(&owner_of(bytes));
            let kinds = [ErrorKind::TooLarge, ErrorKind::Backend];
            whole_or_refused(store, &format!("an owner of {bytes} bytes"), &entry, &kinds).await?;
        }
        Ok(())
    }
}

/// Owners that a store might confuse with each other, or with no owner.
const LOOKALIKES: [&str; 37] = [
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

/// Lengths that a store may refuse: around the limits of pages, index keys and 16-bit lengths.
const LONGER: [usize; 8] = [1_024, 2_048, 3_072, 4_096, 8_192, 65_535, 65_536, 70_000];
