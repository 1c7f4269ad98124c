//! Rules of the observable state after each call, for every kind of record.

use session_core::store::Replaced;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::observer::Observer;
use crate::harness::store::samples::{few_samples, samples};
use crate::harness::store::steps::{disturb, neighbour, read, refuse};
use crate::macros::rules;

rules! {
    ($) pub(crate) const OBSERVING, macro __store_observing, for StoreUnderTest;

    /// After `create`, `load` and `load_many` return the complete record and `keys_of` lists its
    /// key, for every payload and owner.
    ///
    /// Fix failing rules about single calls first. The message names the kind of record. Do not
    /// treat empty, long or binary payloads or long owners differently. If the index limits the
    /// length of its keys, index a hash of the owner.
    async fn created_record_is_observed_whole(store) {
        for sample in samples(store) {
            let (see, key) = (Observer::new(store, &sample.name), store.key());
            let entry = sample.entry(store);
            let version = store.create(&key, &entry).await?;
            see.sees("create", &key, Some(version.clone()), &entry).await?;
            store.removed(&key, version).await?;
        }
        Ok(())
    }

    /// After `replace`, `load` and `load_many` return the complete new record and `keys_of` lists
    /// its key. This holds for every old and new payload and owner.
    ///
    /// Fix failing rules about single calls first. Write all fields and the index entry in one
    /// step, even if the new payload is empty or the new record has no owner.
    async fn replaced_record_is_observed_whole(store) {
        for sample in samples(store) {
            let (see, key) = (Observer::new(store, &sample.name), store.key());
            let plain = Entry::plain("another", store.now()).owned_by("another owner");
            let mut version = store.create(&key, &plain).await?;
            for (what, entry) in [
                ("replace of a plain record", sample.entry(store)),
                ("replace by the same payload and owner", sample.later(store, 2)),
                ("replace without an owner", Entry { owner: None, ..sample.later(store, 3) }),
                ("replace of a record without an owner", sample.later(store, 4)),
                ("replace by a plain record", plain),
            ] {
                version = store.replaced(&key, version, &entry).await?;
                see.sees(what, &key, Some(version.clone()), &entry).await?;
            }
            store.removed(&key, version).await?;
        }
        Ok(())
    }

    /// After `touch`, `load` and `load_many` return the record with the new expiry and no other
    /// change, and `keys_of` lists its key. This holds for every payload and owner.
    ///
    /// Fix failing rules about single calls first. Update only the expiry. A `touch` that reads and
    /// writes the whole record must not change the payload, the owner or the index entry.
    async fn touched_record_is_observed_whole(store) {
        for sample in samples(store) {
            let (see, key) = (Observer::new(store, &sample.name), store.key());
            let entry = sample.later(store, 30);
            let mut version = store.create(&key, &entry).await?;
            for (minutes, what) in [(60, "touch to a later expiry"), (5, "touch to an earlier expiry")] {
                // A touch does not change the creation time.
                let entry = Entry { created_at: entry.created_at, ..sample.later(store, minutes) };
                store.touched(&key, version, entry.expires_at).await?;
                version = see.sees(what, &key, None, &entry).await?;
            }
            let entry = sample.later(store, 90);
            let version = store.replaced(&key, version, &entry).await?;
            see.sees("touch and replace", &key, Some(version.clone()), &entry).await?;
            store.removed(&key, version).await?;
        }
        Ok(())
    }

    /// After `remove`, no call returns the record, and calls at the removed version change nothing.
    /// A record that is created afterwards under the same key is loaded and listed as under an
    /// unused key.
    ///
    /// Fix failing rules about single calls first. Remove the payload, the index entry and the
    /// entry that a sweep uses together with the record. Do not store a deletion marker that a
    /// later `create` does not replace.
    async fn removed_record_is_observed_nowhere(store) {
        for sample in few_samples(store) {
            let (see, key) = (Observer::new(store, &sample.name), store.key());
            let entry = sample.entry(store);
            let version = store.create(&key, &entry).await?;
            store.removed(&key, version.clone()).await?;
            see.sees_nothing("remove", &key).await?;
            let later = sample.later(store, 1);
            store.equal(Replaced::Stale, store.replace(&key, version.clone(), &later).await?)?;
            store.equal(false, store.touch(&key, version.clone(), later.expires_at).await?)?;
            store.equal(false, store.remove(&key, version).await?)?;
            see.sees_nothing("calls at the removed version", &key).await?;
            for (what, next) in [("the same", later), ("another", Entry::plain("next", store.now()).owned_by("next"))] {
                let version = store.create(&key, &next).await?;
                see.sees(&format!("remove, and create of {what} record"), &key, Some(version.clone()), &next).await?;
                store.removed(&key, version).await?;
            }
        }
        Ok(())
    }

    /// A call that returns `Stale`, `false` or an error because of the version or an existing
    /// record changes nothing observable. This holds for every kind of record.
    ///
    /// Fix failing rules about single calls first. Compare the version before the first write. This
    /// includes writes to the index of owners, to the entry that a sweep uses, and to a payload in
    /// another table. A stale `remove` that deletes the index entry hides a live session from "log
    /// out everywhere".
    async fn refused_call_changes_nothing(store) {
        for sample in few_samples(store) {
            let see = Observer::new(store, &sample.name);
            refuse(&see, &sample).await?;
        }
        Ok(())
    }

    /// `load`, `load_many`, `keys_of` and a sweep change nothing observable of a live record. This
    /// holds for every kind of record.
    ///
    /// Fix failing rules about single calls first. A call that reads must not write. A repair of
    /// the index during a read must remove only entries without a record.
    async fn reading_changes_nothing(store) {
        for sample in few_samples(store) {
            let see = Observer::new(store, &sample.name);
            read(&see, &sample).await?;
        }
        Ok(())
    }

    /// Calls on one record change nothing observable of another record, even if both have the same
    /// owner, payload and expiry.
    ///
    /// Fix failing rules about single calls first. Use the whole key in every statement. If two
    /// records share a payload, an index entry or an entry for a sweep, remove the shared data only
    /// with the second record.
    async fn call_on_other_record_changes_nothing(store) {
        for sample in few_samples(store) {
            let see = Observer::new(store, &sample.name);
            neighbour(&see, &sample).await?;
        }
        Ok(())
    }

    /// After any order of calls on one key, the record has the values that the successful calls
    /// wrote.
    ///
    /// Fix failing rules about single calls first. The message ends with these calls. If the store
    /// divides a record into several parts, each call must update all affected parts.
    async fn calls_in_any_order_leave_what_they_wrote(store) {
        for (number, sample) in (0..).zip(few_samples(store)) {
            let see = Observer::new(store, &sample.name);
            disturb(&see, &sample, number).await?;
        }
        Ok(())
    }
}
