//! Rules of `load_many`.

use std::collections::HashMap;
use std::time::Instant;

use session_core::store::{Record, StoreKey, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::crowd::BUSY;
use crate::harness::store::entry::{Entry, Kind};
use crate::harness::store::under_test::calls::show_record;
use crate::harness::store::values::{random_key, someone};
use crate::macros::rules;
use crate::report::Checked;

rules! {
    ($) pub(crate) const LOADING, macro __store_loading, for StoreUnderTest;

    /// `load_many` returns the result of `load` for each key, in the order of the keys. A repeated
    /// key has the same result at each position. The result for a key without a record is `None`.
    ///
    /// Sort the rows by the keys of the call. `WHERE key IN (…)` returns rows in any order, each
    /// row once, and no row for a key without a record. Split a list that is too long for one
    /// statement. Do not limit the number of keys. Return an empty list for an empty list of keys.
    async fn load_many_returns_what_load_returns(store) {
        let mut keys: Vec<_> = (0..RECORDS).map(|_| store.key()).collect();
        for (key, number) in keys.iter().zip(0..) {
            let kind = Kind::ALL[number % Kind::ALL.len()];
            let entry = Entry::new(kind, &format!("record {number}"), store.now());
            store.create(key, &entry).await?;
        }
        let version = store.expect_version(&keys[3]).await?;
        store.removed(&keys[3], version).await?;
        keys.push(store.key());
        let mut alone = HashMap::new();
        for key in &keys {
            alone.insert(*key, store.load(key).await?);
        }
        are_loaded(store, &alone, &[]).await?;
        are_loaded(store, &alone, &keys).await?;
        keys.reverse();
        keys.extend([keys[2], keys[2], keys[5]]);
        are_loaded(store, &alone, &keys).await?;
        let (begun, mut length) = (Instant::now(), MANY);
        while length <= MOST && (length == MANY || begun.elapsed() < BUSY) {
            let many = (0..length).map(|number| match number % 100 {
                99 => keys[number / 100 % keys.len()],
                _ => random_key(),
            });
            are_loaded(store, &alone, &many.collect::<Vec<_>>()).await?;
            length *= 4;
        }
        Ok(())
    }

    /// `load_recent` returns the complete record, or a complete copy of an earlier record under the
    /// key. It returns `None` for a key that was never used.
    ///
    /// Do not override `load_recent` unless the store is a cache. A cache stores the whole record
    /// under the whole key.
    async fn recent_copy_is_whole_record(store) {
        for kind in Kind::ALL {
            let (key, owner) = (store.key(), someone("ada"));
            recent_is_one_of(store, &store.key(), &[]).await?;
            let mut written = Vec::new();
            let entry = Entry::new(kind, "one", store.now()).owned_by(&owner);
            let mut version = store.create(&key, &entry).await?;
            written.push((version.clone(), entry));
            recent_is_one_of(store, &key, &written).await?;
            for text in ["two", "three"] {
                let entry = Entry::new(kind, text, store.now()).owned_by(text);
                version = store.replaced(&key, version, &entry).await?;
                written.push((version.clone(), entry));
                recent_is_one_of(store, &key, &written).await?;
            }
            store.removed(&key, version).await?;
        }
        Ok(())
    }
}

/// More keys than a page of a listing usually has.
const MANY: usize = 1_200;

/// The length of the longest list. A slow store loads only shorter lists.
const MOST: usize = 4 * MANY;

/// The number of records.
const RECORDS: usize = 8;

/// Loads these keys with one call, and fails unless the results are equal to the results of
/// separate calls. Keys that were not loaded separately have no record.
async fn are_loaded(
    store: &StoreUnderTest,
    alone: &HashMap<StoreKey, Option<Record>>,
    keys: &[StoreKey],
) -> Checked {
    let names: Vec<_> = keys.iter().take(RECORDS + 4).map(|key| store.name(key)).collect();
    let more = if keys.len() > names.len() { ", …" } else { "" };
    let call = format!("load_many({}{more})", names.join(", "));
    let show = |found: &Vec<Option<Record>>| {
        format!("{} results, {} of them records", found.len(), found.iter().flatten().count())
    };
    let found = store.note(call, store.store().load_many(keys).await, show)?;
    if found.len() != keys.len() {
        let (expected, seen) = (keys.len(), found.len());
        return Err(store.failure(format!("{expected} results"), format!("{seen} results")));
    }
    for (at, (key, found)) in keys.iter().zip(&found).enumerate() {
        let expected = alone.get(key).unwrap_or(&None);
        if expected != found {
            let number = at + 1;
            let expected =
                format!("result {number}, for {}: {}", store.name(key), show_record(expected));
            return Err(store.failure(expected, format!("result {number}: {}", show_record(found))));
        }
    }
    Ok(())
}

/// Fails unless `load_recent` returns one of these records, or `None` if there are none.
async fn recent_is_one_of(
    store: &StoreUnderTest,
    key: &StoreKey,
    written: &[(Version, Entry)],
) -> Checked {
    let call = format!("load_recent({})", store.name(key));
    let found = store.note(call, store.store().load_recent(key).await, show_record)?;
    let Some(record) = found else {
        let expected = "the record, or an earlier record under the key";
        return if written.is_empty() { Ok(()) } else { Err(store.failure(expected, "None")) };
    };
    let Some((_, entry)) = written.iter().find(|(version, _)| *version == record.version()) else {
        return Err(store.failure("a version of this key", record.version().get().to_string()));
    };
    match store.difference(entry, &record).await? {
        None => Ok(()),
        Some((expected, seen)) => Err(store.failure(expected, seen)),
    }
}
