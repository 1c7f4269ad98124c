//! A call that reads a record while another call writes it.

use std::time::Duration;

use session_core::store::{Record, Replaced, StoreKey, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::overlap::overlap;
use crate::harness::store::values::someone;
use crate::report::{Checked, Failure};

/// A call that reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Read {
    Load,
    LoadMany,
    LoadRecent,
}

/// A call that writes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Write {
    Replace,
    Touch,
    Remove,
}

impl Read {
    pub(crate) const ALL: [Self; 3] = [Self::Load, Self::LoadMany, Self::LoadRecent];

    pub(crate) async fn read(
        self,
        store: &StoreUnderTest,
        key: &StoreKey,
    ) -> Result<Option<Record>, Failure> {
        let target = store.store();
        match self {
            Self::Load => store.quietly("load", target.load(key).await),
            Self::LoadRecent => store.quietly("load_recent", target.load_recent(key).await),
            Self::LoadMany => {
                let found = store.quietly("load_many", target.load_many(&[*key]).await)?;
                Ok(found.into_iter().next().flatten())
            }
        }
    }
}

impl Write {
    pub(crate) const ALL: [Self; 3] = [Self::Replace, Self::Touch, Self::Remove];

    /// Makes the call, and returns whether it was applied.
    async fn write(
        self,
        store: &StoreUnderTest,
        key: &StoreKey,
        at: Version,
        entry: &Entry,
    ) -> Result<bool, Failure> {
        match self {
            Self::Replace => Ok(store.replace(key, at, entry).await? != Replaced::Stale),
            Self::Touch => store.touch(key, at, entry.expires_at).await,
            Self::Remove => store.remove(key, at).await,
        }
    }
}

/// Polls a read of a record `polls` times, then writes the record, and then finishes the read.
pub(crate) async fn read_during_write(
    store: &StoreUnderTest,
    read: Read,
    write: Write,
    polls: u32,
) -> Checked {
    let key = store.key();
    let old = Entry::plain("old", store.now()).owned_by(&someone("ada"));
    let later = old.expires_at + Duration::from_mins(1);
    let new = match write {
        Write::Touch => old.clone(),
        _ => Entry::plain("a newer one", store.now()).owned_by(&someone("bob")),
    };
    let new = new.expiring_at(later);
    let at = store.create(&key, &old).await?;
    let (found, written) =
        overlap(read.read(store, &key), write.write(store, &key, at, &new), polls).await;
    store.equal(true, written?)?;
    store.calls().note(format!("meanwhile: {read:?} of {}", store.name(&key)));
    let Some(found) = found? else {
        return match write {
            Write::Remove => Ok(()),
            _ => Err(store.failure("the old record or the new one", "None")),
        };
    };
    let Some((_, seen)) = store.difference(&old, &found).await? else { return Ok(()) };
    match write {
        Write::Remove => Err(store.failure("the complete old record or None", seen)),
        _ => match store.difference(&new, &found).await? {
            None => Ok(()),
            Some(_) => Err(store.failure("the complete old or new record", seen)),
        },
    }
}
