//! Queries the index while another task writes the record.

use std::pin::pin;
use std::time::Duration;

use session_core::store::{Replaced, SessionStore, StoreKey, Version};
use session_core::{Error, ErrorKind};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::overlap::{BLOCKED, poll_once};
use crate::harness::store::values::someone;
use crate::report::Checked;

/// A change to a record by another task.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    Create,
    GiveAnOwner,
    ChangeOwner,
    Replace,
    Touch,
}

impl Deed {
    /// The changes that do not change an existing owner.
    pub(crate) const KEEPING: [Self; 4] =
        [Self::Create, Self::GiveAnOwner, Self::Replace, Self::Touch];

    fn describe(self, key: &str) -> String {
        match self {
            Self::Create => format!("create({key})"),
            Self::GiveAnOwner => {
                format!("replace({key}) three times, the first time to set an owner")
            }
            Self::ChangeOwner => format!("replace({key}) three times, each time by another owner"),
            Self::Replace => format!("replace({key}) three times"),
            Self::Touch => format!("touch({key}) three times"),
        }
    }

    async fn act(
        self,
        store: &dyn SessionStore,
        key: &StoreKey,
        at: Option<Version>,
        entry: &Entry,
    ) -> Result<(), Error> {
        let Some(mut version) = at else {
            return store.create(key, &entry.as_new()).await.map(|_| ());
        };
        for round in 1..=3 {
            let mut later = entry.clone();
            later.expires_at += Duration::from_mins(round);
            if let Self::ChangeOwner = self {
                // No owner is used twice. Therefore, two loads with the same owner show that the
                // owner did not change in between.
                later.owner = entry.owner.as_ref().map(|owner| format!("{owner}-{round}"));
            }
            if let Self::Touch = self {
                store.touch(key, version.clone(), later.expires_at).await?;
                version = store.load(key).await?.map_or(version, |record| record.version());
                continue;
            }
            match store.replace(key, version, &later.as_new()).await? {
                Replaced::Done(newer) => version = newer,
                Replaced::Stale => {
                    return Err(Error::new(ErrorKind::Conflict, "Stale, at the current version"));
                }
            }
        }
        Ok(())
    }
}

/// Changes a record. At each `await` of the change, loads the record and, if the record has an
/// owner, queries the index.
pub(crate) async fn watch(store: &StoreUnderTest, deed: Deed) -> Checked {
    let (key, ada) = (store.key(), someone("ada"));
    let unowned = Entry::with_payload([b'x'; 150], store.now());
    let owned = unowned.clone().owned_by(&ada);
    let at = match deed {
        Deed::Create => None,
        Deed::GiveAnOwner => Some(store.create(&key, &unowned).await?),
        Deed::ChangeOwner | Deed::Replace | Deed::Touch => Some(store.create(&key, &owned).await?),
    };
    let call = format!("meanwhile: {}", deed.describe(&store.name(&key)));
    let target = store.store();
    let mut acting = pin!(deed.act(&*target, &key, at, &owned));
    loop {
        // The load and the query run at each `await` of the change.
        let acted = poll_once(&mut acting).await;
        let mut seeing = pin!(is_listed(store, &key, &ada, &call));
        let seen = tokio::time::timeout(BLOCKED, &mut seeing).await;
        let (acted, seen) = match (acted, seen) {
            (None, Ok(seen)) => {
                seen?;
                continue;
            }
            (Some(acted), Ok(seen)) => (acted, seen),
            (Some(acted), Err(_)) => (acted, seeing.await),
            // The load or the query waits for the change, for example for a connection.
            (None, Err(_)) => tokio::join!(&mut acting, seeing),
        };
        seen?;
        return store.note(call.clone(), acted, |()| String::new());
    }
}

/// Fails if the record can be loaded, has an owner whose name starts with `ada`, and is not listed
/// under this owner.
async fn is_listed(store: &StoreUnderTest, key: &StoreKey, ada: &str, call: &str) -> Checked {
    let loading = format!("load({})", store.name(key));
    let loaded = store.quietly(&loading, store.store().load(key).await)?;
    let owner = loaded.as_ref().and_then(|record| record.owner());
    let Some(owner) = owner.filter(|owner| owner.starts_with(ada)) else { return Ok(()) };
    let asking = format!("keys_of({owner:?})");
    let listed = store.quietly(&asking, store.index()?.keys_of(owner).await)?;
    // The other task may have changed the owner in the meantime.
    let now = store.quietly(&loading, store.store().load(key).await)?;
    if listed.contains(key) || now.is_none_or(|record| record.owner() != Some(owner)) {
        return Ok(());
    }
    store.calls().note(call);
    store.calls().note(format!("{loading} = a record of {owner:?}"));
    store.calls().note(format!("{asking} = {} keys", listed.len()));
    let expected =
        format!("{} among the keys, because its record could be loaded", store.name(key));
    Err(store.failure(expected, "it is missing"))
}
