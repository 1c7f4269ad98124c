//! Calls that overlap at a chosen `await` of the store.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use session_core::store::{
    NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version,
};
use session_core::{Error, async_trait};
use tokio::sync::Notify;

/// The time for which a call may wait for a call that holds a lock.
pub(crate) const BLOCKED: Duration = Duration::from_millis(3);

/// The time for which a call is held if no other call overlaps it.
const ALONE: Duration = Duration::from_millis(40);

/// Returns the result of a call that is ready after one poll.
pub(crate) async fn poll_once<F: Future>(call: &mut Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match call.as_mut().poll(context) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        })
    })
    .await
}

/// Polls the first call this number of times, then makes the second call, and then finishes the
/// first call. If the second call waits for the first call, both calls are polled together.
pub(crate) async fn overlap<A, B>(
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
    polls: u32,
) -> (A, B) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    for poll in 0..polls {
        // A store that waits for the network needs time between two polls.
        if poll > 2 {
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        if let Some(result) = poll_once(&mut first).await {
            return (result, second.await);
        }
    }
    if let Ok(result) = tokio::time::timeout(BLOCKED, &mut second).await {
        return (first.await, result);
    }
    tokio::join!(first, second)
}

/// A store that holds each write at its first `await` until another write on the same key has
/// started or finished.
pub(crate) struct Held {
    store: Arc<dyn SessionStore>,
    index: Option<Arc<dyn OwnerIndex>>,
    /// The number of writes that have reached their first `await` or returned, by key.
    met: Mutex<HashMap<StoreKey, Arc<Meeting>>>,
}

#[derive(Default)]
struct Meeting {
    arrived: Mutex<u64>,
    news: Notify,
}

impl Held {
    pub(crate) fn new(store: Arc<dyn SessionStore>, index: Option<Arc<dyn OwnerIndex>>) -> Self {
        Self { store, index, met: Mutex::default() }
    }

    async fn held<T>(&self, key: &StoreKey, call: impl Future<Output = T>) -> T {
        let meeting = {
            let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(met.entry(*key).or_default())
        };
        let mut call = pin!(call);
        if let Some(result) = poll_once(&mut call).await {
            meeting.arrive();
            return result;
        }
        let own = meeting.arrive();
        let _ = tokio::time::timeout(ALONE, meeting.another_than(own)).await;
        let result = call.await;
        meeting.arrive();
        result
    }
}

impl Meeting {
    fn arrive(&self) -> u64 {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        *arrived += 1;
        self.news.notify_waiters();
        *arrived
    }

    async fn another_than(&self, own: u64) {
        loop {
            let news = self.news.notified();
            let arrived = *self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
            if arrived != own {
                return;
            }
            news.await;
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("store", &self.store).finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for Held {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.store.load(key).await
    }

    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        self.store.load_many(keys).await
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
        self.held(key, self.store.replace(key, expected, record)).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.held(key, self.store.touch(key, expected, expires_at)).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.held(key, self.store.remove(key, expected)).await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        self.store.owner_index()
    }
}

#[async_trait]
impl OwnerIndex for Held {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        match &self.index {
            Some(index) => index.keys_of(owner).await,
            None => Ok(Vec::new()),
        }
    }
}
