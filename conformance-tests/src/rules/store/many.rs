//! Rules of thousands of records.

use crate::harness::store::StoreUnderTest;
use crate::harness::store::crowd::{crowd, missing};
use crate::harness::store::entry::Entry;
use crate::macros::rules;

rules! {
    ($) pub(crate) const MANY, macro __store_many, for StoreUnderTest;

    /// A record is stored until its expiry, even if thousands of other records are created later.
    ///
    /// Do not evict live records. If the capacity of the store is limited, document the limit and
    /// let the application set it. Run the suite with a capacity of at least 10,000 records.
    async fn record_stays_beside_thousands_of_others(store) {
        let (key, entry) = (store.key(), Entry::plain("the first", store.now()));
        let version = store.create(&key, &entry).await?;
        let others = crowd(store, &Entry::plain("another", store.now()), RECORDS).await?;
        store.expect_at(&key, version.clone(), &entry).await?;
        let missing = missing(store, &others).await?;
        let seen = format!("{missing} of {} records are missing", others.len());
        if missing > 0 {
            return Err(store.failure("each of the records", seen));
        }
        store.removed(&key, version).await
    }
}

/// The number of records in addition to the first one.
const RECORDS: usize = 4_400;
