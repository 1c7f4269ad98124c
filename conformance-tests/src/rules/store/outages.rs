//! Rules of a store that cannot reach its data.

use session_core::{Error, ErrorKind};

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind};
use crate::harness::store::observer::Observer;
use crate::macros::rules;
use crate::report::Checked;

rules! {
    ($) pub(crate) const OUTAGES, macro __store_outages, for StoreUnderTest;

    /// While the data cannot be reached, `load`, `load_many` and `keys_of` fail. They never return
    /// `None` or an empty list. `load_recent` does not return `None` for an existing record.
    ///
    /// Return `None` only if the backend replied that there is no record. If the store returns
    /// `None` or an empty list instead of an error, every user is logged out, and "log out
    /// everywhere" misses sessions. A missing directory, table or bucket is also an error.
    async fn outage_is_no_missing_record(store) {
        let (key, entry) = (store.key(), Entry::plain("one", store.now()).owned_by("ada"));
        let version = store.create(&key, &entry).await?;
        let unused = store.key();
        store.set_outage(true)?;
        let seen = [
            ("load", refused(store.store().load(&key).await)),
            // A cache may return a copy.
            (
                "load_recent",
                match store.store().load_recent(&key).await {
                    Ok(None) => Err("None".to_owned()),
                    _ => Ok(()),
                },
            ),
            ("load of an unused key", refused(store.store().load(&unused).await)),
            ("load_many", refused(store.store().load_many(&[key, unused]).await)),
            (
                "keys_of",
                match store.index() {
                    Ok(index) => refused(index.keys_of("ada").await),
                    Err(_) => Ok(()),
                },
            ),
        ];
        store.set_outage(false)?;
        all_refused(store, seen)?;
        let see = Observer::new(store, "a text that was written before an outage");
        let version = see.sees("an outage", &key, Some(version), &entry).await?;
        store.removed(&key, version).await
    }

    /// While the data cannot be reached, `create`, `replace`, `touch`, `remove` and `sweep` fail.
    /// They never return `Stale`, `false` or 0. After the outage, an existing record is still
    /// stored.
    ///
    /// Return the error of the driver. `Stale` and `false` mean that the backend has compared the
    /// version. If `remove` returns `false`, the engine treats the session as ended.
    async fn outage_is_no_stale_version(store) {
        let (key, entry) = (store.key(), Entry::new(Kind::Owned, "one", store.now()));
        let version = store.create(&key, &entry).await?;
        let unused = store.key();
        store.set_outage(true)?;
        let target = store.store();
        let seen = [
            ("create", refused(target.create(&unused, &entry.as_new()).await)),
            ("touch", refused(target.touch(&key, version.clone(), entry.expires_at).await)),
            ("replace", refused(target.replace(&key, version.clone(), &entry.as_new()).await)),
            ("remove of an unused key", refused(target.remove(&unused, version).await)),
            (
                "sweep",
                match store.sweeper() {
                    Some(sweep) => refused(sweep.sweep(store.now(), 1).await),
                    None => Ok(()),
                },
            ),
        ];
        store.set_outage(false)?;
        all_refused(store, seen)?;
        // The calls may have been applied.
        let record = store.expect(&key, &entry).await?;
        store.removed(&key, record.version()).await
    }

    /// While the data cannot be reached, each call fails with an error of kind `Unavailable` or
    /// `Backend`.
    ///
    /// Return `Unavailable` if the backend did not reply, and `Backend` if the backend replied with
    /// an error. Other kinds have other meanings for the engine and for the status of the response.
    async fn outage_is_unavailable_or_backend_error(store) {
        let (key, entry) = (store.key(), Entry::new(Kind::Owned, "one", store.now()));
        let version = store.create(&key, &entry).await?;
        let unused = store.key();
        store.set_outage(true)?;
        let target = store.store();
        let mut kinds = vec![
            ("load", kind_of(target.load(&key).await)),
            ("load_many", kind_of(target.load_many(&[key]).await)),
            ("create", kind_of(target.create(&unused, &entry.as_new()).await)),
            ("touch", kind_of(target.touch(&key, version.clone(), entry.expires_at).await)),
            ("replace", kind_of(target.replace(&key, version.clone(), &entry.as_new()).await)),
            ("remove", kind_of(target.remove(&unused, version).await)),
        ];
        if let Ok(index) = store.index() {
            kinds.push(("keys_of", kind_of(index.keys_of("an unknown owner").await)));
        }
        if let Some(sweep) = store.sweeper() {
            kinds.push(("sweep", kind_of(sweep.sweep(store.now(), 1).await)));
        }
        store.set_outage(false)?;
        for (call, kind) in kinds {
            // Other rules check whether the call fails.
            let Some(kind) = kind else { continue };
            store.calls().note(format!("during an outage: {call} = {kind:?}"));
            if !matches!(kind, ErrorKind::Unavailable | ErrorKind::Backend) {
                return Err(store.failure("Unavailable or Backend", format!("{kind:?}")));
            }
        }
        Ok(())
    }
}

/// Returns the result of a call as an error, or `Ok` if the call failed.
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Result<(), String> {
    match result {
        Ok(value) => Err(format!("{value:?}")),
        Err(_) => Ok(()),
    }
}

fn all_refused<const N: usize>(
    store: &StoreUnderTest,
    seen: [(&str, Result<(), String>); N],
) -> Checked {
    for (call, result) in seen {
        let shown = result.as_ref().map_or_else(String::as_str, |()| "an error");
        store.calls().note(format!("during an outage: {call} = {shown}"));
        if let Err(value) = result {
            return Err(store.failure(format!("an error of {call} during an outage"), value));
        }
    }
    Ok(())
}

fn kind_of<T>(result: Result<T, Error>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}
