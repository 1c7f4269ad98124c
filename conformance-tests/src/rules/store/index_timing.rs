//! Rules of an owner index when records expire and calls overlap.

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::renewal::Renewal;
use crate::harness::store::values::someone;
use crate::harness::store::watching::{Deed, watch};
use crate::macros::rules;
use crate::report::Failure;
use std::time::{Duration, Instant};

rules! {
    ($) pub(crate) const INDEX_TIMING, macro __store_index_timing, for StoreUnderTest;

    /// If one record of an owner expires, the owner's other records stay listed.
    ///
    /// Skip missing records. If an owner's list has a time to live, it must be that of the record
    /// that expires last, for any order of the writes.
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

    /// A record whose expiry a `touch` or a `replace` extends stays listed after its first expiry.
    ///
    /// If index entries have a time to live, extend it together with the record's.
    async fn renewed_key_stays_listed(store) {
        for renewal in Renewal::ALL {
            let mut life = SHORT;
            while !stays_listed(store, renewal, life).await? {
                life *= 4;
            }
        }
        Ok(())
    }

    /// A record that can be loaded is listed: a caller that has loaded a record with an owner finds
    /// the key under this owner, even if other calls are in progress.
    ///
    /// Write the new index entry before the record or together with it, and remove the old entry
    /// afterwards. "Log out everywhere" misses a session whose entry is missing for a moment.
    async fn loaded_record_is_listed_at_same_time(store) {
        store.create(&store.key(), &Entry::plain("neighbour", store.now())).await?;
        let begun = Instant::now();
        for round in 0..ROUNDS {
            watch(store, Deed::ALL[round % Deed::ALL.len()]).await?;
            if begun.elapsed() > LONG_ENOUGH && round >= Deed::ALL.len() {
                break;
            }
        }
        Ok(())
    }
}

const ROUNDS: usize = 40;

/// A slow store has fewer rounds.
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
