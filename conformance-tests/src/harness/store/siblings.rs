//! Overlapping calls on two records of one owner.

use std::time::Duration;

use session_core::store::{StoreKey, Version};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::overlap::overlap;
use crate::harness::store::values::someone;
use crate::report::{Checked, Failure};

/// A call that may change the list of an owner.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Create,
    Join,
    Replace,
    Touch,
    Leave,
    Remove,
}

/// A record of the owner, and the call on it.
struct Sibling {
    key: StoreKey,
    change: Change,
    before: Option<Version>,
    after: Entry,
}

impl Change {
    pub(crate) const ALL: [Self; 6] =
        [Self::Create, Self::Join, Self::Replace, Self::Touch, Self::Leave, Self::Remove];

    async fn prepare(self, store: &StoreUnderTest, owner: &str) -> Result<Sibling, Failure> {
        let (key, unowned) = (store.key(), Entry::plain("one", store.now()));
        let listed = unowned.clone().owned_by(owner);
        let before = match self {
            Self::Create => None,
            Self::Join => Some(store.create(&key, &unowned).await?),
            _ => Some(store.create(&key, &listed).await?),
        };
        let after = match self {
            Self::Leave => unowned.owned_by("another owner"),
            Self::Touch => {
                let later = listed.expires_at + Duration::from_mins(1);
                listed.expiring_at(later)
            }
            _ => listed,
        };
        Ok(Sibling { key, change: self, before, after })
    }
}

impl Sibling {
    async fn act(&self, store: &StoreUnderTest) -> Checked {
        let Some(before) = self.before.clone() else {
            return store.create(&self.key, &self.after).await.map(|_| ());
        };
        match self.change {
            Change::Touch => store.touched(&self.key, before, self.after.expires_at).await,
            Change::Remove => store.removed(&self.key, before).await,
            _ => store.replaced(&self.key, before, &self.after).await.map(|_| ()),
        }
    }

    async fn check(&self, store: &StoreUnderTest, owner: &str) -> Checked {
        if matches!(self.change, Change::Remove) {
            return store.expect_nothing(&self.key).await;
        }
        let record = store.expect(&self.key, &self.after).await?;
        if record.owner() == Some(owner) {
            store.expect_listed(owner, &[self.key]).await?;
        }
        store.removed(&self.key, record.version()).await
    }
}

/// Makes two calls on different records of one owner. The second call starts after `polls` polls of
/// the first.
pub(crate) async fn change_together(
    store: &StoreUnderTest,
    changes: [Change; 2],
    polls: u32,
) -> Checked {
    let owner = someone("ada");
    let first = changes[0].prepare(store, &owner).await?;
    let second = changes[1].prepare(store, &owner).await?;
    store.calls().note("the next two calls overlap");
    let (one, other) = overlap(first.act(store), second.act(store), polls).await;
    one?;
    other?;
    first.check(store, &owner).await?;
    second.check(store, &owner).await
}
