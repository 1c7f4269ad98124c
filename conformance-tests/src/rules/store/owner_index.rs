//! Rules of an owner index. The index may list too many keys, but not too few.

use std::collections::HashSet;
use std::time::Duration;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::crowd::crowd;
use crate::harness::store::entry::{Entry, Kind};
use crate::harness::store::samples::owner_of;
use crate::harness::store::values::{random_key, someone};
use crate::macros::rules;

rules! {
    ($) pub(crate) const OWNER_INDEX, macro __store_owner_index, for StoreUnderTest;

    /// After `create` has returned, `keys_of` lists the key under the record's owner, for any
    /// length of the payload.
    ///
    /// Write the index entry in the transaction that writes the record, or before this transaction.
    /// Do not write the entry in a background task. Do not compare the creation time with a clock.
    async fn created_key_is_listed(store) {
        for kind in Kind::LENGTHS {
            let (key, owner) = (store.key(), someone("ada"));
            store.create(&key, &Entry::new(kind, "one", store.now()).owned_by(&owner)).await?;
            store.expect_listed(&owner, &[key]).await?;
        }
        // The creation times of a process whose clock is ahead, and of a session that was renewed
        // for ten years.
        for created_at in [store.now() + Duration::from_mins(4), store.now() - TEN_YEARS] {
            let (key, owner) = (store.key(), someone("ada"));
            let entry = Entry { created_at, ..Entry::plain("one", store.now()) }.owned_by(&owner);
            store.create(&key, &entry).await?;
            store.expect_listed(&owner, &[key]).await?;
        }
        Ok(())
    }

    /// A key is still listed after each `replace` that does not change the owner.
    ///
    /// Do not write the index entry of the new record and then remove the entry of the old record.
    /// Both records have the same entry.
    async fn replaced_key_is_listed(store) {
        for kind in Kind::LENGTHS {
            let (key, owner) = (store.key(), someone("ada"));
            let mut version = store.create(&key, &Entry::new(kind, "one", store.now()).owned_by(&owner)).await?;
            for text in ["two", "three"] {
                version = store.replaced(&key, version, &Entry::new(kind, text, store.now()).owned_by(&owner)).await?;
                store.expect_listed(&owner, &[key]).await?;
            }
        }
        Ok(())
    }

    /// A key is still listed after a `touch` to a later or an earlier expiry.
    ///
    /// A touch changes neither the owner nor the key. Change the index entry only if the entry
    /// contains the version.
    async fn touched_key_is_listed(store) {
        for kind in Kind::LENGTHS {
            let (key, owner) = (store.key(), someone("ada"));
            store.create(&key, &Entry::new(kind, "one", store.now()).owned_by(&owner)).await?;
            for minutes in [90, 30] {
                let current = store.expect_version(&key).await?;
                store.touched(&key, current, store.now() + Duration::from_mins(minutes)).await?;
                store.expect_listed(&owner, &[key]).await?;
            }
        }
        Ok(())
    }

    /// After a `replace` that sets or changes the owner, the key is listed under the new owner.
    ///
    /// Update the index entry in `replace`, not only in `create`. An insert that skips existing
    /// keys does not replace the old owner.
    async fn key_is_listed_under_new_owner(store) {
        for kind in Kind::LENGTHS {
            let (key, ada, bob) = (store.key(), someone("ada"), someone("bob"));
            let mut version = store.create(&key, &Entry::new(kind, "visitor's", store.now())).await?;
            for owner in [Some(&ada), Some(&bob), None, Some(&ada)] {
                let entry = Entry { owner: owner.cloned(), ..Entry::new(kind, "given", store.now()) };
                version = store.replaced(&key, version, &entry).await?;
                if let Some(owner) = owner {
                    store.expect_listed(owner, &[key]).await?;
                }
            }
        }
        Ok(())
    }

    /// `keys_of` lists all keys of an owner, even several thousand. It lists each key once.
    ///
    /// Read all pages of the listing. Do not limit the number of keys. If a scan can return a key
    /// twice, remove repeated keys.
    async fn owner_with_many_keys_lists_all(store) {
        let owner = someone("ada");
        let entry = Entry::plain("one", store.now()).owned_by(&owner);
        let keys = crowd(store, &entry, MANY).await?;
        let all = store.keys_of(&owner, &[]).await?;
        let listed: HashSet<_> = all.iter().copied().collect();
        let repeated = format!("{} keys are listed twice", all.len() - listed.len());
        store.equal("0 keys are listed twice", &*repeated)?;
        store.equal(keys.len(), keys.iter().filter(|key| listed.contains(key)).count())
    }

    /// `keys_of` lists the keys of each of several hundred owners.
    ///
    /// Do not store the lists of owners in a cache that can evict a list.
    async fn hundreds_of_owners_have_lists(store) {
        let (name, mut keys) = (someone("ada"), Vec::new());
        for number in 0..OWNERS {
            let (key, owner) = (random_key(), format!("{name}-{number}"));
            let entry = Entry::plain("one", store.now()).owned_by(&owner);
            store.quietly("create", store.store().create(&key, &entry.as_new()).await)?;
            keys.push((owner, key));
        }
        store.calls().note(format!("-- each of {OWNERS} owners has a record --"));
        for (owner, key) in keys {
            let listed = store.quietly("keys_of", store.index()?.keys_of(&owner).await)?;
            if !listed.contains(&key) {
                return Err(store.failure(format!("the key of {owner:?} in its list"), "it is missing"));
            }
        }
        Ok(())
    }

    /// If one record of an owner is removed or its owner changes, the other records of the first
    /// owner stay listed.
    ///
    /// Remove one entry, not the owner's whole list.
    async fn other_keys_of_owner_stay_listed(store) {
        let (ada, bob) = (someone("ada"), someone("bob"));
        let entry = Entry::new(Kind::Middling, "one", store.now()).owned_by(&ada);
        let keys = [store.key(), store.key(), store.key(), store.key()];
        let mut versions = Vec::new();
        for key in &keys {
            versions.push(store.create(key, &entry).await?);
        }
        store.removed(&keys[1], versions[1].clone()).await?;
        store.expect_listed(&ada, &[keys[0], keys[2], keys[3]]).await?;
        store.replaced(&keys[2], versions[2].clone(), &entry.owned_by(&bob)).await?;
        store.expect_listed(&ada, &[keys[0], keys[3]]).await
    }

    /// `keys_of` lists the keys of an owner with any characters. This includes an owner that
    /// differs from another owner only in case, in a space or in an accent.
    ///
    /// Compare owners byte by byte. Bind owners as parameters. Do not insert an owner into a
    /// pattern or between separators. Use a column and a collation that distinguish all Unicode
    /// characters, case and spaces, or index a hash of the owner.
    async fn owner_with_any_character_lists_its_keys(store) {
        let random = format!("{:08x}", fastrand::u32(..));
        let mut owned = Vec::new();
        for owner in odd_owners(&random) {
            let key = store.key();
            store.create(&key, &Entry::plain("one", store.now()).owned_by(&owner)).await?;
            owned.push((owner, key));
        }
        for (owner, key) in owned {
            // Another rule checks whether the owner is stored unchanged.
            if store.load(&key).await?.is_some_and(|record| record.owner() == Some(&owner)) {
                store.expect_listed(&owner, &[key]).await?;
            }
        }
        Ok(())
    }

    /// `keys_of` lists the keys of owners of each short length, and of the lengths around the
    /// limits of common stores.
    ///
    /// Store the length of the owner in a field that is large enough, or index a hash of the owner.
    async fn owner_of_every_length_lists_its_keys(store) {
        let mut created = Vec::new();
        let limits = [64, 128, 192, 256, 384, 512, 768].into_iter().flat_map(|limit| limit - 2..=limit + 1);
        for length in (1..=40).chain(limits).chain([998, 999, 1_000]) {
            let (key, owner) = (store.key(), owner_of(length));
            store.create(&key, &Entry::plain("one", store.now()).owned_by(&owner)).await?;
            created.push((owner, key));
        }
        for (owner, key) in created {
            store.expect_listed(&owner, &[key]).await?;
        }
        Ok(())
    }

    /// `keys_of` does not fail for an owner without keys, even if the owner's records were removed.
    ///
    /// Return an empty list.
    async fn owner_without_keys_lists_none(store) {
        let owner = someone("unknown");
        store.keys_of(&owner, &[]).await?;
        let (key, entry) = (store.key(), Entry::plain("one", store.now()).owned_by(&owner));
        let version = store.create(&key, &entry).await?;
        store.removed(&key, version).await?;
        store.keys_of(&owner, &[]).await.map(|_| ())
    }

    /// A store that is an `OwnerIndex` returns itself from `SessionStore::owner_index`.
    ///
    /// Return `Some(self)`. With the default, `None`, the engine cannot end a session whose id was
    /// rotated long ago. A wrapper returns itself or forwards the call.
    async fn store_returns_itself_as_owner_index(store) {
        let (key, owner) = (store.key(), someone("ada"));
        store.create(&key, &Entry::plain("one", store.now()).owned_by(&owner)).await?;
        let is_listed = store.keys_of(&owner, &[key]).await?.contains(&key);
        let target = store.store();
        let Some(declared) = target.owner_index() else {
            return Err(store.failure("`Some` from `owner_index`", "it is `None`"));
        };
        // Other rules check whether the key is listed.
        let listed = declared.keys_of(&owner).await;
        let call = format!("owner_index().keys_of({owner:?})");
        let listed = store.note(call, listed, |listed| format!("{} keys", listed.len()))?;
        if is_listed && !listed.contains(&key) {
            let expected = format!("{} among the keys of {owner:?}", store.name(&key));
            return Err(store.failure(expected, "it is missing"));
        }
        Ok(())
    }

    /// `keys_of` lists a key once, even after calls on its record and changes of its owner.
    ///
    /// Use a set of keys, or a row per key. `end_all` and lists of sessions count the keys.
    async fn key_is_listed_once(store) {
        let (key, ada, bob) = (store.key(), someone("ada"), someone("bob"));
        let entry = Entry::plain("one", store.now());
        let mut version = store.create(&key, &entry.clone().owned_by(&ada)).await?;
        for owner in [&ada, &bob, &ada, &ada] {
            store.touched(&key, version, entry.expires_at + Duration::from_mins(1)).await?;
            version = store.expect_version(&key).await?;
            version = store.replaced(&key, version, &entry.clone().owned_by(owner)).await?;
            let listed = store.keys_of(owner, &[key]).await?;
            let times = listed.iter().filter(|listed| **listed == key).count();
            if times > 1 {
                return Err(store.failure(format!("{} once", store.name(&key)), format!("{times} times")));
            }
        }
        store.removed(&key, version).await
    }
}

/// The number of owners.
const OWNERS: usize = 250;

const TEN_YEARS: Duration = Duration::from_hours(24 * 3652);

/// The number of keys of one owner.
const MANY: usize = 6_600;

/// Owners with characters that a store may treat specially.
fn odd_owners(random: &str) -> Vec<String> {
    let odd = [
        "Ada",
        "ada",
        "ADA",
        "a da",
        "ada ",
        " ada",
        "ada\t",
        "'ada'",
        "\"ada\"",
        "a%a",
        "a_a",
        "a*a",
        "a?a",
        "a[d]a",
        "a{d}a",
        "a\\da",
        "a:da",
        "a/../da",
        "a,da",
        "a\nda",
        "a\r\nda",
        "a\0da",
        "ad\u{e1}",
        "ada\u{301}",
        "\u{1f469}\u{200d}\u{1f680}",
    ];
    let odd = odd.iter().map(|owner| {
        // An owner that ends with whitespace must still end with whitespace.
        if owner.ends_with(char::is_whitespace) {
            format!("{random}{owner}")
        } else {
            format!("{owner}{random}")
        }
    });
    odd.chain([String::new(), format!("{}{random}", "long ".repeat(60))]).collect()
}
