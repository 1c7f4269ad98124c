//! Rules of an owner index when records expire and calls overlap.

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::renewal::Renewal;
use crate::harness::store::siblings::{Change, change_together};
use crate::harness::store::values::someone;
use crate::harness::store::waiting::{Attempts, expiry_to_watch, pass_until};
use crate::harness::store::watching::{Deed, watch};
use crate::macros::rules;
use crate::report::Failure;
use std::time::{Duration, Instant};

rules! {
    ($) pub(crate) const INDEX_TIMING, macro __store_index_timing, for StoreUnderTest;

    /// If one record of an owner expires, the owner's other records stay listed.
    ///
    /// Skip missing records. If an owner's list has a time to live, the list must not expire before
    /// the owner's last record. This holds for any order of writes.
    async fn expired_record_hides_no_other_key(store) {
        let (first, second) = (someone("ada"), someone("bob"));
        let (long, short) = (Entry::plain("long", store.now()), Entry::plain("short", store.now()));
        let short = short.expiring_at(store.now() + SHORT);
        let (lives, dies, lives_too, dies_too) = (store.key(), store.key(), store.key(), store.key());
        store.create(&lives, &long.clone().owned_by(&first)).await?;
        store.create(&dies, &short.clone().owned_by(&first)).await?;
        store.create(&dies_too, &short.owned_by(&second)).await?;
        store.create(&lives_too, &long.owned_by(&second)).await?;
        store.pass(SHORT + SHORT / 4).await;
        store.expect_listed(&first, &[lives]).await?;
        store.expect_listed(&second, &[lives_too]).await
    }

    /// A record that can be loaded at or after its expiry is listed.
    ///
    /// Omit records from the list only if `load` does not return them. A record is valid at its
    /// exact expiry.
    async fn loaded_record_is_listed_at_its_expiry(store) {
        let (owner, key) = (someone("ada"), store.key());
        let entry = Entry::plain("one", store.now()).owned_by(&owner).expiring_at(store.now() + SHORT);
        store.create(&key, &entry).await?;
        pass_until(store, entry.expires_at).await;
        for _ in 0..3 {
            let before = store.load(&key).await?;
            let listed = store.keys_of(&owner, &[key]).await?.contains(&key);
            if before.is_some() && !listed && store.load(&key).await?.is_some() {
                return Err(store.failure(format!("{} among the keys of its owner", store.name(&key)), "it is missing"));
            }
            store.pass(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// If a `touch` or a `replace` sets an earlier expiry for one record, the owner's other records
    /// stay listed after this expiry.
    ///
    /// If an owner's list has a time to live, a call that sets an earlier expiry for one record
    /// must not shorten this time.
    async fn shortened_record_hides_no_other_key(store) {
        for renewal in Renewal::ALL {
            let (owner, lives, dies) = (someone("ada"), store.key(), store.key());
            let long = Entry::plain("long", store.now()).owned_by(&owner);
            store.create(&lives, &long).await?;
            let version = store.create(&dies, &long).await?;
            let short = long.expiring_at(store.now() + SHORT);
            renewal.renew(store, &dies, version, &short).await?;
            store.pass(SHORT + SHORT / 4).await;
            store.expect_listed(&owner, &[lives]).await?;
        }
        Ok(())
    }

    /// If a `touch` or a `replace` extends the expiry of a record, the record stays listed after
    /// its first expiry.
    ///
    /// If index entries have a time to live, extend this time together with the expiry of the
    /// record.
    async fn renewed_key_stays_listed(store) {
        for renewal in Renewal::ALL {
            let mut life = SHORT;
            while !stays_listed(store, renewal, life).await? {
                life *= 4;
            }
        }
        Ok(())
    }

    /// A record that can be loaded is listed. If a caller has loaded a record with an owner,
    /// `keys_of` lists the key under this owner, even during other calls.
    ///
    /// Write the new index entry before the record or together with the record, and remove the old
    /// entry afterwards. "Log out everywhere" misses a session whose entry is missing for a moment.
    async fn loaded_record_is_listed_at_same_time(store) {
        store.create(&store.key(), &Entry::plain("neighbour", store.now())).await?;
        let begun = Instant::now();
        for round in 0..ROUNDS {
            watch(store, Deed::KEEPING[round % Deed::KEEPING.len()]).await?;
            if begun.elapsed() > LONG_ENOUGH && round >= Deed::KEEPING.len() {
                break;
            }
        }
        Ok(())
    }

    /// After concurrent calls on different records of one owner, `keys_of` lists each record that
    /// has the owner.
    ///
    /// Add and remove one entry of the list in one step. A list that is read, changed and written
    /// back loses the entry that another call adds in the meantime.
    async fn concurrent_calls_keep_list_of_owner_whole(store) {
        for polls in [1, 2] {
            for first in Change::ALL {
                for second in Change::ALL {
                    change_together(store, [first, second], polls).await?;
                }
            }
        }
        Ok(())
    }

    /// A record that can be loaded is listed under its owner, even while other calls change the
    /// owner.
    ///
    /// Write the entry of the new owner before the record. Remove the entry of the old owner after
    /// writing the record.
    async fn loaded_record_is_listed_while_owner_changes(store) {
        for _ in 0..ROUNDS / 8 {
            watch(store, Deed::ChangeOwner).await?;
        }
        Ok(())
    }

    /// If a record is removed or its owner changes, its entry is removed from the list of the old
    /// owner. The entry may stay until some time after the record's expiry.
    ///
    /// Remove the entry after the record, in the same call or in a sweep, or set a time to live for
    /// the entry. Also remove the entries of expired records. Otherwise the list of a user who logs
    /// in often grows forever.
    async fn entry_leaves_list_after_its_record(store) {
        for ending in ["remove", "replace without an owner"] {
            let (key, owner, soon) = (store.key(), someone("ada"), expiry_to_watch(store));
            let entry = Entry::plain("one", store.now()).owned_by(&owner);
            let version = store.create(&key, &entry.clone().expiring_at(soon)).await?;
            match ending {
                // The store may already have removed the record.
                "remove" => drop(store.remove(&key, version).await?),
                _ => drop(store.replace(&key, version, &Entry { owner: None, ..entry }).await?),
            }
            pass_until(store, soon + Duration::from_millis(2)).await;
            let (index, mut attempts) = (store.index()?, Attempts::new(store));
            loop {
                attempts.sweep().await?;
                let listed = index.keys_of(&owner).await;
                if !store.quietly("keys_of(its owner)", listed)?.contains(&key) {
                    break;
                }
                if !attempts.has_next().await {
                    let (key, time) = (store.name(&key), attempts.time);
                    let expected = format!("{key} leaves the list, {time:?} after its {ending}");
                    return Err(store.failure(expected, "it is listed"));
                }
            }
        }
        Ok(())
    }
}

const ROUNDS: usize = 40;

/// The time after which no further round starts, if each change was made once.
const LONG_ENOUGH: Duration = Duration::from_secs(4);

/// A short lifetime.
const SHORT: Duration = Duration::from_secs(1);

/// Returns whether the record was renewed in time. Fails if it is not listed afterwards.
async fn stays_listed(
    store: &StoreUnderTest,
    renewal: Renewal,
    life: Duration,
) -> Result<bool, Failure> {
    let (key, owner) = (store.key(), someone("ada"));
    let entry = Entry::plain("one", store.now()).owned_by(&owner);
    let first = store.now() + life;
    let version = store.create(&key, &entry.clone().expiring_at(first)).await?;
    let renewed = renewal.try_renew(store, &key, version, &entry).await?;
    if !renewed && store.now() >= first {
        return Ok(false);
    }
    store.equal(true, renewed)?;
    store.pass(life + life / 4).await;
    store.expect_listed(&owner, &[key]).await?;
    Ok(true)
}
