//! Rules of payloads and owners that a store may refuse, but must not cut.

use std::time::Duration;

use session_core::ErrorKind;
use session_core::store::Replaced;

use super::StoreUnderTest;
use super::entry::Entry;
use super::observing::observer::Observer;
use super::observing::samples::{MEGABYTE, filled, owner_of};
use crate::failure::Checked;
use crate::rule::rules;

/// Lengths that a store may refuse: around the limits of pages, index keys and 16-bit lengths.
const OWNER_BYTES: [usize; 8] = [1_024, 2_048, 3_072, 4_096, 8_192, 65_535, 65_536, 70_000];

rules! {
    ($) pub(crate) const LIMITS, macro __store_limits, for StoreUnderTest;

    /// A payload that is longer than the longest one that must be accepted is stored whole, or
    /// refused with an error of kind `TooLarge` that changes nothing.
    ///
    /// Compare the length with your limit before you write. A column, a buffer or a field for the
    /// length that is too small must never cut a payload.
    async fn payload_beyond_maximum_is_whole_or_refused(store) {
        let most = store.max_payload_bytes().unwrap_or(MEGABYTE);
        for bytes in [most + 1, 2 * most + 1] {
            let payload = filled(bytes, b"beyond the maximum. ");
            let entry = Entry::with_payload(payload, store.now());
            whole_or_refused(store, &format!("a payload of {bytes} bytes"), &entry, &[ErrorKind::TooLarge]).await?;
        }
        Ok(())
    }

    /// An owner that is longer than 1,000 bytes is stored whole and listed, or refused with an
    /// error that changes nothing.
    ///
    /// Index a hash of the owner and store the whole owner next to it, or document a limit and
    /// compare the length before you write. Never cut an owner, and never store an owner that
    /// `keys_of` does not find.
    async fn owner_beyond_maximum_is_whole_or_refused(store) {
        for bytes in OWNER_BYTES {
            let entry = Entry::plain("one", store.now()).owned_by(&owner_of(bytes));
            let kinds = [ErrorKind::TooLarge, ErrorKind::Backend];
            whole_or_refused(store, &format!("an owner of {bytes} bytes"), &entry, &kinds).await?;
        }
        Ok(())
    }
}

/// Fails unless `create` and `replace` store the record whole, or refuse it.
async fn whole_or_refused(
    store: &StoreUnderTest,
    kind: &str,
    entry: &Entry,
    refusals: &[ErrorKind],
) -> Checked {
    let (see, key, name) = (Observer::new(store, kind), store.key(), "the record");
    let created = store.store().create(&key, &entry.as_new()).await;
    let call = format!("create({}, {name})", store.name(&key));
    match created {
        Err(error) if refusals.contains(&error.kind()) => {
            store.calls().note(format!("{call} = {:?}", error.kind()));
            see.sees_nothing("a refused create", &key).await?;
        }
        created => {
            let version =
                store.note(call, created, |version| format!("version {}", version.get()))?;
            see.sees("create", &key, Some(version), entry).await?;
            store.removed(&key, version).await?;
        }
    }
    replaced_or_refused(&see, entry, refusals).await
}

async fn replaced_or_refused(see: &Observer<'_>, entry: &Entry, refusals: &[ErrorKind]) -> Checked {
    let (store, key) = (see.store, see.store.key());
    let plain = Entry::plain("plain", store.now()).owned_by("a plain owner");
    let version = store.create(&key, &plain).await?;
    let replaced = store.store().replace(&key, version, &entry.as_new()).await;
    let call = format!("replace({}, at {}, the record)", store.name(&key), version.get());
    match replaced {
        Err(error) if refusals.contains(&error.kind()) => {
            store.calls().note(format!("{call} = {:?}", error.kind()));
            see.sees("a refused replace", &key, Some(version), &plain).await?;
            store.removed(&key, version).await
        }
        replaced => {
            let Replaced::Done(version) =
                store.note(call, replaced, |replaced| format!("{replaced:?}"))?
            else {
                return Err(store.failure("Done, because that version is the current one", "Stale"));
            };
            see.sees("replace", &key, Some(version), entry).await?;
            let later = entry.clone().expiring_at(entry.expires_at + Duration::from_mins(1));
            store.touched(&key, version, later.expires_at).await?;
            let version = see.sees("touch", &key, None, &later).await?;
            store.removed(&key, version).await
        }
    }
}
