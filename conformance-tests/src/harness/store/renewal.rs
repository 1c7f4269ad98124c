//! The two calls that change the expiry of a record.

use session_core::store::{Replaced, StoreKey, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::report::{Checked, Failure};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Renewal {
    Touch,
    Replace,
}

impl Renewal {
    pub(crate) const ALL: [Self; 2] = [Self::Touch, Self::Replace];

    /// Changes the expiry of the record to the expiry of the entry. Returns whether the record was
    /// at this version.
    pub(crate) async fn try_renew(
        self,
        store: &StoreUnderTest,
        key: &StoreKey,
        at: Version,
        entry: &Entry,
    ) -> Result<bool, Failure> {
        match self {
            Self::Touch => store.touch(key, at, entry.expires_at).await,
            Self::Replace => Ok(store.replace(key, at, entry).await? != Replaced::Stale),
        }
    }

    /// Changes the expiry of the record to the expiry of the entry. Fails if the record is not at
    /// this version.
    pub(crate) async fn renew(
        self,
        store: &StoreUnderTest,
        key: &StoreKey,
        at: Version,
        entry: &Entry,
    ) -> Checked {
        match self {
            Self::Touch => store.touched(key, at, entry.expires_at).await,
            Self::Replace => store.replaced(key, at, entry).await.map(|_| ()),
        }
    }
}
