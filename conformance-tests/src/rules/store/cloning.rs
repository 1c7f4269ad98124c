//! Rules of clones of a store.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use session_core::store::Replaced;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind};
use crate::harness::store::forced::Overlaps;
use crate::harness::store::overlap::overlap;
use crate::harness::store::values::someone;
use crate::macros::rules;

rules! {
    ($) pub(crate) const CLONING, macro __store_cloning, for StoreUnderTest;

    /// A clone immediately reads the complete result of another clone's `create`, `replace`,
    /// `touch` and `remove`.
    ///
    /// Share records, caches and write queues between clones with an `Arc`. An adapter clones the
    /// store for each worker.
    async fn clone_reads_records_of_other_clone(store) {
        let clone = &store.other_clone()?;
        for (writer, reader) in [(store, clone), (clone, store)] {
            for kind in Kind::LENGTHS {
                let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
                let version = writer.create(&key, &entry).await?;
                reader.expect_at(&key, version.clone(), &entry).await?;
                let entry = Entry::new(kind, "two", store.now());
                let version = writer.replaced(&key, version, &entry).await?;
                reader.expect_at(&key, version.clone(), &entry).await?;
                let entry = entry.expiring_at(store.now() + Duration::from_mins(90));
                writer.touched(&key, version, entry.expires_at).await?;
                reader.expect(&key, &entry).await?;
                let version = writer.expect_version(&key).await?;
                writer.removed(&key, version).await?;
                reader.expect_nothing(&key).await?;
            }
        }
        Ok(())
    }

    /// A clone replaces, touches and removes records of another clone at the version that the other
    /// clone returned. The clone need not read the record first.
    ///
    /// Compare with the version in the store, not with a version that the clone has cached.
    async fn clone_changes_records_of_other_clone(store) {
        let clone = &store.other_clone()?;
        for (writer, changer) in [(store, clone), (clone, store)] {
            for kind in Kind::LENGTHS {
                let (key, entry) = (store.key(), Entry::new(kind, "one", store.now()));
                let version = writer.create(&key, &entry).await?;
                let version = changer.replaced(&key, version, &entry).await?;
                writer.touched(&key, version, store.now() + Duration::from_mins(90)).await?;
                let version = writer.expect_version(&key).await?;
                changer.removed(&key, version).await?;
                let key = store.key();
                let version = writer.create(&key, &entry).await?;
                changer.touched(&key, version, store.now() + Duration::from_mins(90)).await?;
            }
        }
        Ok(())
    }

    /// A version is never used twice for one key, even if different clones write the record.
    ///
    /// Share the counter between clones, or use random versions. Two counters with the same initial
    /// value return the same versions.
    async fn clones_never_return_same_version(store) {
        let clone = &store.other_clone()?;
        let (key, mut seen) = (store.key(), HashSet::new());
        for round in 0..20 {
            let (one, other) = if round % 2 == 0 { (store, clone) } else { (clone, store) };
            let entry = Entry::plain(&round.to_string(), store.now());
            let created = one.create(&key, &entry).await?;
            let replaced = other.replaced(&key, created.clone(), &entry).await?;
            for version in [created, replaced.clone()] {
                if !seen.insert(version.clone()) {
                    return Err(store.failure("a version that was not used before", format!("{} again", version.get())));
                }
            }
            other.removed(&key, replaced).await?;
        }
        Ok(())
    }

    /// If two clones replace a record at the same version concurrently, one call succeeds and the
    /// other returns `Stale`.
    ///
    /// All clones must share the lock that makes a call atomic. Preferably, compare and write in
    /// one step on the server.
    async fn concurrent_replace_by_clones_succeeds_once(store) {
        let begun = Instant::now();
        for round in 0..ROUNDS {
            let (key, entry) = (store.key(), Entry::new(Kind::Middling, "one", store.now()));
            let version = store.create(&key, &entry).await?;
            let clone = store.other_clone()?;
            let (first, second) = (store.store(), clone.store());
            let (one, other) = overlap(
                first.replace(&key, version.clone(), &entry.as_new()),
                second.replace(&key, version.clone(), &entry.as_new()),
                1 + round % 6,
            )
            .await;
            let mut done = 0;
            for replaced in [one, other] {
                let call = format!("at once, a clone: replace({}, at {}, \"one\")", store.name(&key), version.get());
                let replaced = store.note(call, replaced, |replaced| format!("{replaced:?}"))?;
                done += u32::from(replaced != Replaced::Stale);
            }
            if done != 1 {
                return Err(store.failure("one Done and one Stale", format!("{done} Done")));
            }
            if begun.elapsed() > LONG_ENOUGH {
                break;
            }
        }
        Ok(())
    }

    /// A clone lists the keys of records that another clone wrote.
    ///
    /// Share the index between clones, like the records.
    async fn clone_lists_keys_of_other_clone(store) {
        let clone = &store.other_clone()?;
        for (writer, reader) in [(store, clone), (clone, store)] {
            let target = reader.store();
            let Some(index) = target.owner_index() else { return Ok(()) };
            let (key, owner) = (store.key(), someone("ada"));
            let entry = Entry::plain("one", store.now()).owned_by(&owner);
            let version = writer.create(&key, &entry).await?;
            for text in ["create", "replace"] {
                let listed = index.keys_of(&owner).await;
                let call = format!("the other clone, after {text}: keys_of({owner:?})");
                let listed = store.note(call, listed, |listed| format!("{} keys", listed.len()))?;
                if !listed.contains(&key) {
                    return Err(store.failure(format!("{} among the keys", store.name(&key)), "it is missing"));
                }
                if text == "create" {
                    writer.replaced(&key, version.clone(), &entry).await?;
                }
            }
        }
        Ok(())
    }

    /// Concurrent calls of two clones on one key have an order, like concurrent calls of one store.
    ///
    /// All clones must share the locks that make calls atomic.
    async fn concurrent_calls_of_clones_have_order(store) {
        let other = store.other_clone()?.store();
        Overlaps { store, other, owned: false }.check().await
    }

    /// A store is usable after one of its clones was dropped.
    ///
    /// Close connections and stop tasks when the last clone is dropped, not in the `Drop` of each
    /// clone.
    async fn dropped_clone_leaves_store_usable(store) {
        let (key, entry) = (store.key(), Entry::plain("one", store.now()));
        let version = store.create(&key, &entry).await?;
        store.drop_clone()?;
        store.calls().note("-- a clone was dropped --");
        store.expect_at(&key, version.clone(), &entry).await?;
        let version = store.replaced(&key, version, &entry).await?;
        store.removed(&key, version).await
    }
}

const ROUNDS: u32 = 24;

/// The time after which no new round starts. With a slow store, the rule runs fewer rounds.
const LONG_ENOUGH: Duration = Duration::from_secs(4);
