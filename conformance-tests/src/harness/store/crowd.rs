//! Thousands of records.

use std::time::{Duration, Instant};

use session_core::store::StoreKey;

use crate::harness::store::StoreUnderTest;
use crate::harness::store::entry::Entry;
use crate::harness::store::process::joined;
use crate::harness::store::values::random_key;
use crate::report::Failure;

/// The number of records that a round creates. The number exceeds the usual size of a page of keys.
const ROUND: usize = 1_100;

/// The number of tasks that create and load the records.
const HANDS: usize = 22;

/// The duration after which a rule creates no further records.
pub(crate) const BUSY: Duration = Duration::from_secs(3);

/// Creates equal records in rounds and returns their keys. Stops when there are `most` records, or
/// earlier if the store is slow, but not before the first round is complete.
pub(crate) async fn crowd(
    store: &StoreUnderTest,
    entry: &Entry,
    most: usize,
) -> Result<Vec<StoreKey>, Failure> {
    let (begun, mut keys) = (Instant::now(), Vec::new());
    while keys.len() < most && (keys.is_empty() || begun.elapsed() < BUSY) {
        keys.extend(round(store, entry).await?);
    }
    store.calls().note(format!("-- {} such records were created --", keys.len()));
    Ok(keys)
}

async fn round(store: &StoreUnderTest, entry: &Entry) -> Result<Vec<StoreKey>, Failure> {
    let keys: Vec<_> = (0..ROUND).map(|_| random_key()).collect();
    let mut creating = Vec::new();
    for mine in keys.chunks(ROUND / HANDS) {
        let (target, entry, mine) = (store.store(), entry.clone(), mine.to_vec());
        creating.push(tokio::spawn(async move {
            for key in mine {
                target.create(&key, &entry.as_new()).await?;
            }
            Ok(())
        }));
    }
    for creating in creating {
        store.quietly("create of one of many records", joined(store, creating).await?)?;
    }
    Ok(keys)
}

/// Returns the number of `keys` without a record.
pub(crate) async fn missing(store: &StoreUnderTest, keys: &[StoreKey]) -> Result<usize, Failure> {
    let mut loading = Vec::new();
    for mine in keys.chunks(keys.len().div_ceil(HANDS).max(1)) {
        let (target, mine) = (store.store(), mine.to_vec());
        loading.push(tokio::spawn(async move {
            let mut missing = 0;
            for key in mine {
                missing += usize::from(target.load(&key).await?.is_none());
            }
            Ok(missing)
        }));
    }
    let mut missing = 0;
    for loading in loading {
        missing += store.quietly("load of one of many records", joined(store, loading).await?)?;
    }
    Ok(missing)
}
