//! The settings of remember-me, and the records of series.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::series::Series;
use super::token::SeriesId;
use crate::config::SecretKey;
use crate::csrf::Keys;
use crate::engine::{ServerSideSessions, check_version};
use crate::error::{Error, ErrorKind};
use crate::events::{Events, StoreCall};
use crate::interface::{OwnerSessions, SessionInterface as _};
use crate::store::{NewRecord, OwnerIndex, Record, Replaced, SessionStore};

/// The maximum number of attempts to change a series while other requests are faster.
pub(super) const ATTEMPTS: usize = 8;
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// The settings of remember-me. Clones share the settings.
///
/// Remember-me needs sessions in a store with an [`OwnerIndex`]. All instances of an application
/// need the same key, which may also be the key of other cookies.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use session_core::config::SecretKey;
/// use session_core::remember::RememberMe;
/// use session_core::store::OwnerIndex;
/// use session_core::{Error, ServerSideSessions};
///
/// fn remember_me(
///     sessions: &Arc<ServerSideSessions<impl OwnerIndex>>,
///     key: &SecretKey,
/// ) -> Result<RememberMe, Error> {
///     RememberMe::new(Arc::clone(sessions), key)
/// }
/// ```
#[derive(Clone)]
pub struct RememberMe {
    backend: Arc<dyn Backend>,
    pub(super) keys: Arc<Keys>,
    pub(super) lifetime: Duration,
}

/// The sessions and their store, without the type of the store.
trait Backend: Send + Sync {
    fn store(&self) -> &dyn SessionStore;
    fn owners(&self) -> &dyn OwnerSessions;
    fn events(&self) -> &Events;
    fn now(&self) -> SystemTime;
}

impl<S: OwnerIndex> Backend for ServerSideSessions<S> {
    fn store(&self) -> &dyn SessionStore {
        Self::store(self)
    }

    fn owners(&self) -> &dyn OwnerSessions {
        self
    }

    fn events(&self) -> &Events {
        self.config().events()
    }

    fn now(&self) -> SystemTime {
        self.config().now()
    }
}

impl RememberMe {
    /// Returns settings for these sessions, which must be the sessions of the session layer.
    /// Browsers are remembered for 30 days after the last use of a token.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the key cannot be used.
    pub fn new<S: OwnerIndex>(
        sessions: Arc<ServerSideSessions<S>>,
        key: &SecretKey,
    ) -> Result<Self, Error> {
        Ok(Self { backend: sessions, keys: Arc::new(Keys::new(key)?), lifetime: LIFETIME })
    }

    /// Sets the time for which browsers are remembered after the last use of a token.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    fn store(&self) -> &dyn SessionStore {
        self.backend.store()
    }

    pub(super) fn events(&self) -> &Events {
        self.backend.events()
    }

    pub(super) fn owners(&self) -> &dyn OwnerSessions {
        self.backend.owners()
    }

    pub(super) async fn create(&self, id: SeriesId, record: &NewRecord<'_>) -> Result<(), Error> {
        let key = id.store_key();
        self.events().observe(StoreCall::Create, self.store().create(&key, record)).await?;
        Ok(())
    }

    /// Loads the record of a series. Fails if a newer build wrote the record.
    async fn load_record(&self, id: SeriesId) -> Result<Option<Record>, Error> {
        let key = id.store_key();
        let record = self.events().observe(StoreCall::Load, self.store().load(&key)).await?;
        if let Some(record) = &record
            && record.expires_at() >= self.backend.now()
        {
            check_version(record.payload())?;
        }
        Ok(record)
    }

    /// Loads a series that has not expired.
    pub(super) async fn load(
        &self,
        id: SeriesId,
        now: SystemTime,
    ) -> Result<Option<(Record, Series)>, Error> {
        let record = self.load_record(id).await?;
        let record = record.filter(|record| record.expires_at() >= now && record.owner().is_some());
        Ok(record.and_then(|record| Series::read(record.payload()).map(|series| (record, series))))
    }

    /// Replaces a series. Returns `false` if another request was faster.
    pub(super) async fn replace(
        &self,
        id: SeriesId,
        old: &Record,
        series: &Series,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let payload = series.payload();
        let new = NewRecord::new(&payload, old.created_at(), expires_at).owned_by(old.owner());
        let key = id.store_key();
        let replacing = self.store().replace(&key, old.version(), &new);
        let replaced = self.events().observe(StoreCall::Replace, replacing).await?;
        Ok(matches!(replaced, Replaced::Done(_)))
    }

    /// Removes a series, unless it belongs to this owner. Returns whether the series no longer
    /// exists.
    pub(super) async fn remove(
        &self,
        id: SeriesId,
        except_of: Option<&str>,
    ) -> Result<bool, Error> {
        for _ in 0..ATTEMPTS {
            let Some(record) = self.load_record(id).await? else { return Ok(true) };
            if except_of.is_some() && record.owner() == except_of {
                return Ok(false);
            }
            let key = id.store_key();
            let removing = self.store().remove(&key, record.version());
            if self.events().observe(StoreCall::Remove, removing).await? {
                return Ok(true);
            }
        }
        Err(overtaken())
    }
}

pub(super) fn overtaken() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "other requests have used the remember-me token at the same time",
    )
}

impl fmt::Debug for RememberMe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RememberMe").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
