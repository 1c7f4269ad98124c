//! A call that reads an expired record while another call writes a live one.

use std::time::Duration;

use session_core::store::{Replaced, StoreKey, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::overlap::overlap;
use crate::harness::store::reading::Read;
use crate::harness::store::values::someone;
use crate::report::{Checked, Failure};

/// A call that reads records, and may remove expired records.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ExpiredRead {
    Record(Read),
    KeysOf,
}

/// A call that converts an expired record into a live one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ExpiredWrite {
    Create,
    Replace,
    Touch,
}

impl ExpiredRead {
    pub(crate) const ALL: [Self; 4] = [
        Self::Record(Read::Load),
        Self::Record(Read::LoadMany),
        Self::Record(Read::LoadRecent),
        Self::KeysOf,
    ];

    async fn read(self, store: &StoreUnderTest, key: &StoreKey, owner: &str) -> Checked {
        match self {
            Self::Record(read) => read.read(store, key).await.map(drop),
            Self::KeysOf if store.has_index() => {
                store.quietly("keys_of", store.index()?.keys_of(owner).await).map(drop)
            }
            Self::KeysOf => Ok(()),
        }
    }
}

impl ExpiredWrite {
    pub(crate) const ALL: [Self; 3] = [Self::Create, Self::Replace, Self::Touch];

    /// Makes the call, and returns whether it was applied.
    async fn write(
        self,
        store: &StoreUnderTest,
        key: &StoreKey,
        at: Version,
        live: &Entry,
    ) -> Result<bool, Failure> {
        match self {
            // An expired record that is still stored may make `create` fail.
            Self::Create => Ok(store.store().create(key, &live.as_new()).await.is_ok()),
            Self::Replace => Ok(store.replace(key, at, live).await? != Replaced::Stale),
            Self::Touch => store.touch(key, at, live.expires_at).await,
        }
    }
}

/// Reads an expired record while another call writes a live one. The write starts after `polls`
/// polls of the read.
pub(crate) async fn read_expired(
    store: &StoreUnderTest,
    read: ExpiredRead,
    write: ExpiredWrite,
    polls: u32,
) -> Checked {
    let (key, owner, now) = (store.key(), someone("ada"), store.now());
    let live = Entry::plain("one", now).owned_by(&owner);
    let over = live.clone().expiring_at(now - Duration::from_secs(1));
    let at = store.create(&key, &over).await?;
    let reading = read.read(store, &key, &owner);
    let (seen, written) = overlap(reading, write.write(store, &key, at, &live), polls).await;
    seen?;
    let name = store.name(&key);
    let written = written?;
    store.calls().note(format!("{write:?} of {name}, during {read:?} = {written}"));
    if !written {
        return Ok(());
    }
    store.expect(&key, &live).await?;
    if store.has_index() {
        store.expect_listed(&owner, &[key]).await?;
    }
    Ok(())
}
