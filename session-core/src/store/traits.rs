//! The traits that a store implements.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::SystemTime;

use async_trait::async_trait;

use super::record::{NewRecord, Record, Replaced, StoreKey, Version};
use crate::error::Error;

type Loading<'a> = Pin<Box<dyn Future<Output = Result<Option<Record>, Error>> + Send + 'a>>;

/// A store of server-side sessions, such as Redis, a database or memory.
///
/// A store does not interpret sessions. It stores a [`Record`] under a [`StoreKey`], unchanged, and
/// changes a record only for a caller that passes the current [`Version`] of the record.
/// [`ServerSideSessions`](crate::ServerSideSessions) implements ids, expiry, merging, rotation and
/// ending for every store.
///
/// Write each method as an `async fn`, with the attribute [`async_trait`](crate::async_trait) on
/// the implementation. The attribute generates the signatures that this page shows.
///
/// # Contract
///
/// **Atomic calls.** Each call is atomic with respect to all other calls on the same key, from this
/// process or another. A call should need only one round trip. A call that starts after another
/// call has returned must observe the effects of that call. Therefore `load` must not read from a
/// stale cache or from a replica that lags.
///
/// **Unique versions.** A version is never used twice for one key, even if the record was removed
/// and created again. Use 64 random bits, or one counter for all keys that is stored durably with
/// the records. A counter inside the record restarts after `remove`.
///
/// **Exact contents.** The store returns every byte of the payload and every character of the owner
/// unchanged. The empty owner `""` is an owner.
///
/// **Sizes.** A store accepts a payload of 1 MiB, unless it documents a smaller limit, and an owner
/// of 1000 bytes.
///
/// **Times.** Times are exact to the millisecond, and an expiry is never rounded down. An expiry
/// may be in the past, or as late as the end of the year 9999. A time may be before 1970.
///
/// **Expiry.** A store may remove a record some time after its `expires_at`, but not before; see
/// [`MAX_CLOCK_SKEW`](super::MAX_CLOCK_SKEW). The store returns the record until this expiry. The
/// engine checks the expiry of every record that it loads, with the clock of `SessionConfig`.
/// Therefore a store needs a clock only to remove records itself. If an expired record is still
/// stored, `create` may fail or replace it. The other calls may or may not find the record.
///
/// **Newer formats.** A store that adds its own format to the payload must store the version of the
/// format. A call that finds a newer version than the store reads changes nothing and fails with
/// [`Error::newer_format`](crate::Error::newer_format). The engine then loads the other records of
/// a `load_many` one by one.
///
/// **No retries.** A conditional call is never repeated inside the store or its driver, because the
/// first attempt may have been applied.
///
/// **Blocking and timeouts.** A call must not block the thread. Run a blocking database call on a
/// thread pool. The engine sets no timeout. A store on a network must fail with
/// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) after its time limit.
///
/// **Cancellation.** If the future of a call is dropped, the call must have been applied completely
/// or not at all.
///
/// **Wrappers.** A store that wraps another store must also forward `load_recent`, `load_many`,
/// `check` and `owner_index`. The default implementations do not call the methods of the wrapped
/// store.
///
/// # Errors
///
/// Every call fails with [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the store did
/// not reply. In this case, the call may have been applied. Every call fails with
/// [`ErrorKind::Backend`](crate::ErrorKind::Backend) if the store replied with a failure, or has a
/// record that cannot be decoded. A write fails with
/// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge), and changes nothing, if the payload exceeds
/// the limit of the store. A missing record and another version are results, not errors.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use session_core::store::{NewRecord, Replaced, SessionStore, StoreKey};
///
/// # async fn show(store: impl SessionStore, key: StoreKey) -> Result<(), session_core::Error> {
/// let now = SystemTime::now();
/// let expires_at = now + Duration::from_secs(60);
/// let version = store.create(&key, &NewRecord::new(b"one", now, expires_at)).await?;
/// let newer = NewRecord::new(b"two", now, expires_at);
/// let replaced = store.replace(&key, version.clone(), &newer).await?;
/// assert!(matches!(replaced, Replaced::Done(_)));
/// assert_eq!(store.replace(&key, version, &newer).await?, Replaced::Stale);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait SessionStore: Debug + Send + Sync + 'static {
    /// Returns the record under a key, or `None` if the record does not exist. The store may or may
    /// not return an expired record.
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error>;

    /// Returns the record under a key, or a copy of the record that was current a short time ago.
    /// The default implementation calls [`load`](Self::load). A cache in front of another store
    /// overrides this method.
    ///
    /// The engine calls this method only to open a session. The engine never relies on a copy for
    /// the absence of a record or for the version of a write. A write at an outdated version
    /// returns [`Replaced::Stale`]. The engine repeats such a write after a `load`. A store that
    /// returns copies must document the time for which a session that another process has ended can
    /// still be read.
    fn load_recent<'life0, 'life1, 'async_trait>(
        &'life0 self,
        key: &'life1 StoreKey,
    ) -> Loading<'async_trait>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        // This is the signature that `async_trait` generates, without a second boxed future.
        self.load(key)
    }

    /// Returns the records under several keys, in the order of the keys, as if by one
    /// [`load`](Self::load) for each. The default implementation makes these calls. Override this
    /// method if the store can load many records in one round trip. `keys` may be empty, and may
    /// contain a key twice.
    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            records.push(self.load(key).await?);
        }
        Ok(records)
    }

    /// Creates a record under a key without a record, and returns the version.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Backend`](crate::ErrorKind::Backend) if there is a live record, which must not
    /// change. Keys have 256 random bits, so this case is a bug.
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error>;

    /// Replaces the record if its current version is `expected`. Returns [`Replaced::Stale`] and
    /// changes nothing if the record has another version or does not exist. This method never
    /// creates a record.
    ///
    /// Payload, owner, creation time and expiry are all replaced. The new expiry may be earlier
    /// than the old expiry. A rotation, for example, replaces the old record with a short tombstone
    /// that expires after about ten minutes.
    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error>;

    /// Sets the expiry of the record if its current version is `expected`, and changes no other
    /// part of the record except possibly the version. Returns `false` and changes nothing if the
    /// record has another version or does not exist.
    ///
    /// The new version is not returned. A later call at `expected` succeeds if the store has not
    /// changed the version. Otherwise the caller loads the record again.
    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error>;

    /// Removes the record if its current version is `expected`. Returns `false` and changes nothing
    /// if the record has another version or does not exist.
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error>;

    /// Checks whether the store can serve sessions, for health checks. The call has a low cost and
    /// changes nothing.
    ///
    /// The default implementation loads a record that does not exist. A store that can check more
    /// overrides this method, for example to check whether its table exists.
    ///
    /// Calls may overlap with each other and with any other call. The conformance suite checks
    /// every statement of this page, except the cost and records under internal keys of the store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the store cannot be reached, or
    /// the error of other calls.
    async fn check(&self) -> Result<(), Error> {
        self.load(&StoreKey::from_bytes([0; 32])).await.map(drop)
    }

    /// Returns the index of owners, or `None` if the store cannot find the records of an owner. The
    /// default implementation returns `None`. A store that implements [`OwnerIndex`] must return
    /// `Some(self)`.
    ///
    /// The engine uses the index to end a session whose id was rotated long ago. Without an index,
    /// a request with the old id cannot find the session after the tombstone has expired.
    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        None
    }
}

/// A store that finds the records of an owner, so that an application can list and end a user's
/// sessions.
#[async_trait]
pub trait OwnerIndex: SessionStore {
    /// Returns the keys of the records that have this owner, in any order. Owners are compared byte
    /// by byte.
    ///
    /// The result may contain other keys, but must not omit a key of the owner. A key must be
    /// listed before its record can be loaded, and may be listed for some time after the record was
    /// removed. The caller checks the record. A key must occur only once. The result is empty for
    /// an owner without records, and its length is not limited.
    ///
    /// # Errors
    ///
    /// Fails like the methods of [`SessionStore`].
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error>;
}

/// A store that removes expired records only on request.
///
/// The engine never calls [`sweep`](Self::sweep). The application, or a task of the store's crate,
/// calls `sweep` regularly, for example every minute, with the current time. If the result equals
/// `limit`, there may be more expired records.
/// [`ServerSideSessions::store`](crate::ServerSideSessions::store) returns the store, and an `Arc`
/// of a store is also a store.
#[async_trait]
pub trait Sweep: SessionStore {
    /// Removes at most `limit` records whose expiry is before `now`, and returns the number of
    /// removed records. For a limit of 0, the method returns 0. A record that is renewed in the
    /// meantime stays.
    ///
    /// A store may keep a record until [`MAX_CLOCK_SKEW`](super::MAX_CLOCK_SKEW) after its expiry.
    /// The store must keep the record if processes with different clocks share the store. For a
    /// process whose clock is behind `now`, the session is still live.
    ///
    /// # Errors
    ///
    /// Fails like the methods of [`SessionStore`]. After an error, some records may have been
    /// removed.
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error>;
}
