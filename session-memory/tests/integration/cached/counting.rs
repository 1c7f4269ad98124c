//! A store in memory that counts loads, and that can fail a write, hold back a reply or report
//! changes.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::SystemTime;

use session_core::store::{
    ChangeListener, NewRecord, OwnerIndex, Record, Replaced, ReportChanges, SessionStore, StoreKey,
    Version,
};
use session_core::{Error, ErrorKind, async_trait};
use session_memory::MemoryStore;
use tokio::sync::oneshot;

#[derive(Clone, Default)]
pub(crate) struct Counting {
    store: MemoryStore,
    loads: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
    holds: Arc<AtomicBool>,
    delays: Arc<AtomicBool>,
    held: Arc<Mutex<Vec<oneshot::Sender<()>>>>,
    listener: Arc<Mutex<Option<Weak<dyn ChangeListener>>>>,
}

impl Counting {
    pub(crate) fn take_loads(&self) -> usize {
        self.loads.swap(0, Ordering::SeqCst)
    }

    pub(crate) fn fail_next_write(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }

    /// Applies the next call, but holds back its reply.
    pub(crate) fn hold_next(&self) {
        self.holds.store(true, Ordering::SeqCst);
    }

    /// Holds back the next write before it is applied.
    pub(crate) fn delay_next_write(&self) {
        self.delays.store(true, Ordering::SeqCst);
    }

    pub(crate) fn resume(&self) {
        self.held.lock().unwrap().clear();
    }

    /// Returns the listener, unless the cache was dropped.
    pub(crate) fn listener(&self) -> Option<Arc<dyn ChangeListener>> {
        self.listener.lock().unwrap().as_ref().unwrap().upgrade()
    }

    async fn reply<T>(&self, reply: T) -> T {
        self.pause(&self.holds).await;
        reply
    }

    async fn pause(&self, pauses: &AtomicBool) {
        if pauses.swap(false, Ordering::SeqCst) {
            let (sender, receiver) = oneshot::channel();
            self.held.lock().unwrap().push(sender);
            let _dropped = receiver.await;
        }
    }
}

impl fmt::Debug for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counting").field("store", &self.store).finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for Counting {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.reply(self.store.load(key).await).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.store.create(key, record).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.pause(&self.delays).await;
        let replaced = self.store.replace(key, expected, record).await;
        if self.fails.swap(false, Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "the reply is lost"));
        }
        self.reply(replaced).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.store.touch(key, expected, expires_at).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.store.remove(key, expected).await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for Counting {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        self.store.keys_of(owner).await
    }
}

#[async_trait]
impl ReportChanges for Counting {
    async fn report_changes(&self, listener: Weak<dyn ChangeListener>) -> Result<(), Error> {
        if self.fails.swap(false, Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Configuration, "the store reports no changes"));
        }
        *self.listener.lock().unwrap() = Some(listener);
        Ok(())
    }
}
