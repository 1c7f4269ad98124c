//! Finding every record of a store, for administration.

use std::time::SystemTime;

use async_trait::async_trait;

use super::record::StoreKey;
use super::traits::SessionStore;
use crate::error::Error;

/// A store that returns the keys of all its records page by page, so that an administrator can
/// count, list and end every session. [`admin`](crate::admin) has these operations.
///
/// Requests do not call these methods. A scan of a large store takes seconds, so it must not delay
/// the calls of requests. Each call of [`scan`](Self::scan) is short and holds no lock when it
/// returns.
#[async_trait]
pub trait Scan: SessionStore {
    /// Returns a page of keys, starting after the position of an earlier page. `None` starts a
    /// scan.
    ///
    /// **Complete.** A record that exists during the whole scan is on at least one page, regardless
    /// of concurrent writes. A record that is created or removed during the scan may be missing.
    ///
    /// **Kinds.** The scan returns the keys of all records, including tombstones, expired records
    /// and records of a newer format. A store does not interpret records, so it does not select
    /// them.
    ///
    /// **Duplicates.** A key may be on several pages, or twice on one page. The record of a key may
    /// no longer exist.
    ///
    /// **Limit.** A page has about `limit` keys. It may have fewer keys or none, even if it is not
    /// the last page. The time and the memory of a call depend on `limit`, and not on the number of
    /// records. A `limit` of 0 counts as 1.
    ///
    /// **Position.** A position is short text. It is valid in every process that uses the store,
    /// and after restarts of the store. If a store loses positions, the scan starts again from the
    /// beginning instead of omitting records.
    ///
    /// **Cancellation.** A call changes nothing, so its future can be dropped at any time.
    ///
    /// # Errors
    ///
    /// Fails like the methods of [`SessionStore`]. The error is
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) if `after` is not a position that the
    /// store returned.
    async fn scan(&self, after: Option<&str>, limit: usize) -> Result<KeyPage, Error>;

    /// Returns the number of records whose expiry is not before `now`. This costs less than loading
    /// the records.
    ///
    /// The number includes all kinds of records. A store that removes expired records itself may
    /// ignore `now` and count every record. Records that are written during the call may be counted
    /// or not.
    ///
    /// # Errors
    ///
    /// Fails like the methods of [`SessionStore`].
    async fn count(&self, now: SystemTime) -> Result<u64, Error>;
}

/// A page of the keys of a store.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<StoreKey>,
    /// The position after this page, or `None` if this page is the last.
    pub next: Option<String>,
}

impl KeyPage {
    /// Returns a page.
    pub fn new(keys: Vec<StoreKey>, next: Option<String>) -> Self {
        Self { keys, next }
    }
}
