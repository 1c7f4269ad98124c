//! A cache in front of any store, which stores recent copies of records in the memory of the
//! process.

mod builder;
mod copies;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use session_core::store::{
    ChangeListener, KeyPage, NewRecord, OwnerIndex, Record, Replaced, ReportChanges, Scan,
    SessionStore, StoreKey, Sweep, Version,
};
use session_core::{Error, async_trait};

pub use builder::CachedBuilder;
use copies::Copies;

/// A store with a cache in front of it. A request opens its session from a copy in the memory of
/// this process, if there is a recent copy. Use the cache in front of a store on a network, for
/// sessions that are read far more often than they change.
///
/// # Guarantees
///
/// A copy is used for at most the [time to live](CachedBuilder::time_to_live), 5 seconds by
/// default. Only opening a session uses copies. Every write compares the version with the store,
/// and loads the record again if the store has another version. Therefore:
///
/// - `insert`, `update`, and taking flash messages lose no change, as without a cache.
/// - A change by another process is visible after at most the time to live. Changes are values,
///   flash messages, CSRF secrets and renewals.
/// - `get` followed by `insert` can overwrite a change that another process made within the last
///   time to live. Use `update`.
/// - **A session that another process ends can be read for up to the time to live.** A logout in
///   this process is effective before the call returns. Do not use the cache if a session must end
///   everywhere at once.
///
/// # Invalidation
///
/// Some stores report the changes of other processes, such as `RedisStore` on one server or behind
/// Sentinel. With [`CachedBuilder::build_with_invalidation`], the cache then removes its copy when
/// the report arrives, which is usually within a millisecond of the write. A lost connection clears
/// the cache.
///
/// Invalidation is not a guarantee. The write returns before the report arrives. A connection that
/// is broken without notice delivers no reports. In this case, the time to live applies.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use session_core::store::SessionStore;
/// use session_core::{ServerSideSessions, SessionConfig};
/// use session_memory::Cached;
///
/// fn sessions<S: SessionStore>(store: S) -> ServerSideSessions<Cached<S>> {
///     let store = Cached::builder().time_to_live(Duration::from_secs(2)).build(store);
///     ServerSideSessions::new(store, SessionConfig::default())
/// }
/// ```
#[derive(Clone)]
pub struct Cached<S> {
    store: S,
    copies: Arc<Copies>,
}

impl<S> Cached<S> {
    /// Returns a store with a cache that has the default settings.
    pub fn new(store: S) -> Self {
        CachedBuilder::default().build(store)
    }

    /// Returns the store behind the cache.
    pub fn store(&self) -> &S {
        &self.store
    }
}

impl Cached<()> {
    /// Returns a builder with the default settings.
    pub fn builder() -> CachedBuilder {
        CachedBuilder::default()
    }
}

#[async_trait]
impl<S: SessionStore> SessionStore for Cached<S> {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.store.load(key).await
    }

    async fn load_recent(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        if let Some(record) = self.copies.get(key) {
            return Ok(Some(record));
        }
        let reserved = self.copies.reserve(key);
        let record = self.store.load(key).await?;
        if let (Some(reserved), Some(record)) = (reserved, &record) {
            reserved.fill(record.clone());
        }
        Ok(record)
    }

    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        self.store.load_many(keys).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let _write = self.copies.begin_write(key);
        self.store.create(key, record).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        let write = self.copies.begin_write(key);
        let replaced = self.store.replace(key, expected.clone(), record).await?;
        if let Replaced::Done(version) = &replaced {
            write.replaced(&expected, Record::new(version.clone(), record));
        }
        Ok(replaced)
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let _write = self.copies.begin_write(key);
        self.store.touch(key, expected, expires_at).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let _write = self.copies.begin_write(key);
        self.store.remove(key, expected).await
    }

    async fn check(&self) -> Result<(), Error> {
        self.store.check().await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        self.store.owner_index()
    }
}

#[async_trait]
impl<S: OwnerIndex> OwnerIndex for Cached<S> {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        self.store.keys_of(owner).await
    }
}

#[async_trait]
impl<S: Sweep> Sweep for Cached<S> {
    async fn sweep(&self, now: SystemTime, limit: usize) -> Result<usize, Error> {
        self.store.sweep(now, limit).await
    }
}

#[async_trait]
impl<S: Scan> Scan for Cached<S> {
    async fn scan(&self, after: Option<&str>, limit: usize) -> Result<KeyPage, Error> {
        self.store.scan(after, limit).await
    }

    async fn count(&self, now: SystemTime) -> Result<u64, Error> {
        self.store.count(now).await
    }
}

#[async_trait]
impl<S: ReportChanges> ReportChanges for Cached<S> {
    async fn report_changes(&self, listener: Weak<dyn ChangeListener>) -> Result<(), Error> {
        self.store.report_changes(listener).await
    }
}

impl<S: fmt::Debug> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").field("store", &self.store).finish_non_exhaustive()
    }
}
