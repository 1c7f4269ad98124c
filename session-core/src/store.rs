//! The server-side store: opaque bytes under an opaque key, replaced only by whoever read the version before.

mod forward;
mod record;

use std::fmt::Debug;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::Error;

pub use record::{LogName, NewRecord, Record, Replaced, StoreKey, Version};

/// Where server-side sessions are kept: Redis, a database, memory, a stranger's.
///
/// A store knows nothing of sessions. It keeps a [`Record`] under a [`StoreKey`], exactly as it was given, and changes one
/// only for a caller that knows its current [`Version`]. Ids, expiry, merging, rotation and ending are decided in one place
/// for every store, by [`ServerSideSessions`](crate::ServerSideSessions).
///
/// # The contract
///
/// - **Each call is atomic on its own**, against every other call on the same key, from this process or another, and one
///   round trip where that is possible. A store may carry out several callers' calls in one transaction.
/// - **A version is never used twice** for one key, not even after the record was removed and created again.
/// - **Everything is kept exactly**: every payload byte, the owner's every character, times to the millisecond at least
///   and never rounded to an earlier expiry.
/// - **Expiry is not the store's business.** A store may drop a record some time after its `expires_at`, never before;
///   until then it returns it.
/// - **A conditional call is never retried** inside the store or its driver: the first attempt may have been applied.
/// - **Cancellation**: when a call's future is dropped, the call was carried out wholly or not at all.
///
/// # Errors
///
/// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the store did not answer: the call may have been carried
/// out or not. [`ErrorKind::Backend`](crate::ErrorKind::Backend) if it answered with a failure.
/// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) if the payload is more than it takes. "Not there" and "another
/// version" are results, not errors.
///
/// ```
/// use session_core::{NewRecord, Replaced, SessionStore};
/// use std::time::{Duration, SystemTime};
///
/// # async fn show(store: impl SessionStore, key: session_core::StoreKey) -> Result<(), session_core::Error> {
/// let now = SystemTime::now();
/// let version = store.create(&key, &NewRecord::new(b"one", now, now + Duration::from_secs(60))).await?;
/// let newer = NewRecord::new(b"two", now, now + Duration::from_secs(60));
/// let Replaced::Done(_) = store.replace(&key, version, &newer).await? else { panic!() };
/// assert_eq!(store.replace(&key, version, &newer).await?, Replaced::Stale);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait SessionStore: Debug + Send + Sync + 'static {
    /// The record under a key, or `None` if there is none. A record past its expiry may be either.
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error>;

    /// Adds a record under a key that has none, and gives its version.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Backend`](crate::ErrorKind::Backend) if there is a live record: keys come from 256 random bits, so this
    /// is a bug, and the record that is there must stay.
    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error>;

    /// Puts a record in the place of the one at the `expected` version. [`Replaced::Stale`], and no change, if that version
    /// is not there, be it that there is a newer one or none at all: a replace never creates.
    async fn replace(&self, key: &StoreKey, expected: Version, record: &NewRecord<'_>) -> Result<Replaced, Error>;

    /// Sets the expiry of the record at the `expected` version, and nothing else of it; its version may change. False, and
    /// no change, if that version is not there.
    async fn touch(&self, key: &StoreKey, expected: Version, expires_at: SystemTime) -> Result<bool, Error>;

    /// Removes the record at the `expected` version. False, and no change, if that version is not there.
    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error>;
}

/// A store that finds the records of an owner, so that an application can show and end a user's sessions.
///
/// It may list too much, never too little: a key is listed before its record can be read, and may be listed after it has
/// gone. The caller believes only the record.
///
/// ```
/// use session_core::{OwnerIndex, SessionStore};
///
/// async fn count(store: &impl OwnerIndex) -> Result<usize, session_core::Error> {
///     Ok(store.keys_of("user-42").await?.len())
/// }
/// ```
#[async_trait]
pub trait OwnerIndex: SessionStore {
    /// The keys of the records that bear this owner, in any order, perhaps with others. Owners are compared byte by byte.
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error>;
}

/// A store that must be told to let expired records go.
///
/// ```
/// use session_core::Sweep;
/// use std::time::SystemTime;
///
/// async fn sweep_all(store: &impl Sweep) -> Result<(), session_core::Error> {
///     while store.sweep(SystemTime::now(), 1000).await? == 1000 {}
///     Ok(())
/// }
/// ```
#[async_trait]
pub trait Sweep: SessionStore {
    /// Removes up to `limit` records whose expiry lies before `now`, and says how many those were. A record that is renewed
    /// meanwhile stays.
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error>;
}
