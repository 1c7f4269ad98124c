//! Rules of `check`.

use session_core::ErrorKind;
use session_core::store::StoreKey;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::{Entry, Kind};
use crate::harness::store::observer::Observer;
use crate::harness::store::overlap::overlap;
use crate::harness::store::samples::owner_of;
use crate::harness::store::under_test::calls::show_record;
use crate::harness::store::values::someone;
use crate::macros::rules;
use crate::report::Checked;

rules! {
    ($) pub(crate) const CHECKING, macro __store_checking, for StoreUnderTest;

    /// `check` succeeds while the store can serve sessions. It also succeeds if several callers
    /// check the store at the same time, and while other calls are in progress.
    ///
    /// Do not override `check` unless the store can check more than `load` does. A health check
    /// must not acquire a lock, or create a record under a fixed key, because probes of several
    /// processes overlap.
    async fn check_of_working_store_succeeds(store) {
        checked(store).await?;
        let (key, entry) = (store.key(), Entry::new(Kind::Owned, "one", store.now()));
        let mut version = store.create(&key, &entry).await?;
        for polls in POLLS {
            let (one, other) = overlap(checked(store), checked(store), polls).await;
            one.and(other)?;
            let writing = store.replaced(&key, version, &entry);
            let (written, during) = overlap(writing, checked(store), polls).await;
            during?;
            let (during, written) = overlap(checked(store), store.replaced(&key, written?, &entry), polls).await;
            during?;
            version = written?;
        }
        store.removed(&key, version).await?;
        checked(store).await
    }

    /// `check` changes nothing. Each record is returned and listed as before, and no record is
    /// created.
    ///
    /// A health check must only read. The rule cannot detect a record that `check` writes under an
    /// internal key of the store.
    async fn check_changes_nothing(store) {
        let zero = StoreKey::from_bytes([0; 32]);
        let before = store.quietly("load", store.store().load(&zero).await)?;
        for (name, owner) in [("no owner", None), ("an owner", Some(someone("ada"))), ("a long owner", Some(owner_of(1000)))] {
            let see = Observer::new(store, name);
            let (key, unused) = (store.key(), store.key());
            let entry = Entry { owner, ..Entry::plain("one", store.now()) };
            let version = store.create(&key, &entry).await?;
            for _ in 0..2 {
                checked(store).await?;
                see.sees("check", &key, Some(version.clone()), &entry).await?;
                see.sees_nothing("check", &unused).await?;
            }
            store.removed(&key, version).await?;
            checked(store).await?;
            see.sees_nothing("remove and check", &key).await?;
        }
        let call = "load(the key of 32 zeros)".to_owned();
        let after = store.note(call, store.store().load(&zero).await, show_record)?;
        store.equal(show_record(&before), show_record(&after))
    }
}

rules! {
    ($) pub(crate) const CHECKING_OUTAGES, macro __store_checking_outages, for StoreUnderTest;

    /// `check` fails while the data cannot be reached, with an error of kind `Unavailable` or
    /// `Backend`. It succeeds again after the outage.
    ///
    /// In each `check`, make a call that reaches the data, such as the statement of `load`. An
    /// existing connection, a newly opened connection, or the result of an earlier check does not
    /// show that requests can be served.
    async fn check_fails_during_outage(store) {
        let (key, entry) = (store.key(), Entry::new(Kind::Owned, "one", store.now()));
        store.create(&key, &entry).await?;
        checked(store).await?;
        for _ in 0..2 {
            store.set_outage(true)?;
            let during = store.store().check().await.map_err(|error| error.kind());
            store.set_outage(false)?;
            store.calls().note(format!("during the outage: check() = {during:?}"));
            if !matches!(during, Err(ErrorKind::Unavailable | ErrorKind::Backend)) {
                let expected = "an error of kind Unavailable or Backend from check during an outage";
                return Err(store.failure(expected, format!("{during:?}")));
            }
            store.expect_version(&key).await?;
            checked(store).await?;
        }
        let version = store.expect_version(&key).await?;
        store.removed(&key, version).await
    }
}

/// The number of polls of the first call before the second call starts.
const POLLS: [u32; 4] = [1, 2, 3, 6];

/// Fails unless `check` succeeds.
async fn checked(store: &StoreUnderTest) -> Checked {
    store.note("check()".to_owned(), store.store().check().await, |()| "Ok".to_owned())
}
