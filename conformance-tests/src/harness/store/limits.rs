//! Records beyond the maximum that every store must accept.

use std::time::Duration;

use session_core::ErrorKind;
use session_core::store::Replaced;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::observer::Observer;
use crate::report::Checked;

/// Fails unless `create` and `replace` store the complete record, or refuse it.
pub(crate) async fn whole_or_refused(
    store: &StoreUnderTest,
    kind: &str,
    entry: &Entry,
    refusals: &[ErrorKind],
) -> Checked {
    let (see, key, name) = (Observer::new(store, kind), store.key(), "the record");
    let created = store.store().create(&key, &entry.as_new()).await;
    let call = format!("create({}, {name})", store.name(&key));
    match created {
        Err(error) if refusals.contains(&error.kind()) => {
            store.calls().note(format!("{call} = {:?}", error.kind()));
            see.sees_nothing("a refused create", &key).await?;
        }
        created => {
            let version =
                store.note(call, created, |version| format!("version {}", version.get()))?;
            see.sees("create", &key, Some(version.clone()), entry).await?;
            store.removed(&key, version).await?;
        }
    }
    replaced_or_refused(&see, entry, refusals).await
}

pub(crate) async fn replaced_or_refused(
    see: &Observer<'_>,
    entry: &Entry,
    refusals: &[ErrorKind],
) -> Checked {
    let (store, key) = (see.store, see.store.key());
    let plain = Entry::plain("plain", store.now()).owned_by("a plain owner");
    let version = store.create(&key, &plain).await?;
    let replaced = store.store().replace(&key, version.clone(), &entry.as_new()).await;
    let call = format!("replace({}, at {}, the record)", store.name(&key), version.get());
    match replaced {
        Err(error) if refusals.contains(&error.kind()) => {
            store.calls().note(format!("{call} = {:?}", error.kind()));
            see.sees("a refused replace", &key, Some(version.clone()), &plain).await?;
            store.removed(&key, version).await
        }
        replaced => {
            let Replaced::Done(version) =
                store.note(call, replaced, |replaced| format!("{replaced:?}"))?
            else {
                return Err(store.failure("Done, because that version is current", "Stale"));
            };
            see.sees("replace", &key, Some(version.clone()), entry).await?;
            let later = entry.clone().expiring_at(entry.expires_at + Duration::from_mins(1));
            store.touched(&key, version, later.expires_at).await?;
            let version = see.sees("touch", &key, None, &later).await?;
            store.removed(&key, version).await
        }
    }
}
