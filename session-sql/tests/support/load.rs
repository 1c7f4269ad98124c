//! Clients that count in one session, and checks of the session after any faults.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use session_core::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Version};
use session_core::{Error, ErrorKind, ServerSideSessions, Session, SessionConfig, async_trait};
use session_sql::SqlStore;
use tokio::task::JoinHandle;

use super::requests::Client;

const CLIENTS: u32 = 4;

/// Until the load ends, each request of each client appends a unique mark to the session and
/// increments a counter.
pub struct Load {
    sessions: Arc<Engine>,
    cookie: String,
    progress: Arc<Progress>,
    failed: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<u32>>>,
}

type Engine = ServerSideSessions<InTime>;

#[derive(Default)]
struct Progress {
    ends: AtomicBool,
    acknowledged: AtomicUsize,
}

impl Load {
    /// Starts the clients. Each call of the store must end within its deadline plus ten percent.
    pub async fn start(store: &SqlStore, deadline: Duration) -> Self {
        let failed = Arc::<AtomicUsize>::default();
        let store = InTime { store: store.clone(), deadline, failed: Arc::clone(&failed) };
        // Each client has its own engine, as in another process.
        let engine = || Arc::new(ServerSideSessions::new(store.clone(), SessionConfig::default()));
        let sessions = engine();
        let mut first = Client::new(sessions.clone());
        first.request(|session| session.insert("marks", Vec::<u32>::new())).await.unwrap();
        let progress = Arc::<Progress>::default();
        let clients = (0..CLIENTS).map(|number| {
            let mut client = Client::new(engine());
            client.cookie.clone_from(&first.cookie);
            tokio::spawn(count(client, number, Arc::clone(&progress)))
        });
        let clients = clients.collect();
        Self { sessions, cookie: first.cookie, progress, failed, clients }
    }

    /// Waits until more requests have succeeded.
    pub async fn until_progress(&self) {
        let before = self.progress.acknowledged.load(Ordering::SeqCst);
        let start = Instant::now();
        while self.progress.acknowledged.load(Ordering::SeqCst) < before + 40 {
            assert!(start.elapsed() < Duration::from_secs(30), "the store does not recover");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Returns how many calls of the store have failed. Their requests may have succeeded, because
    /// the engine looks for the write.
    pub fn failed(&self) -> usize {
        self.failed.load(Ordering::SeqCst)
    }

    /// Ends the load. The session must have each acknowledged mark, no mark twice, and as many
    /// marks as the counter says.
    pub async fn end(self) {
        self.progress.ends.store(true, Ordering::SeqCst);
        let mut acknowledged = Vec::new();
        for client in self.clients {
            acknowledged.extend(client.await.unwrap());
        }
        let mut client = Client::new(self.sessions);
        client.cookie = self.cookie;
        let read = |session: &Session| {
            Ok((session.get::<Vec<u32>>("marks")?, session.get::<usize>("count")?))
        };
        let (marks, count) = client.request(read).await.unwrap();
        let (marks, count) = (marks.unwrap(), count.unwrap());
        let different: HashSet<u32> = marks.iter().copied().collect();
        assert_eq!(different.len(), marks.len(), "a write was applied twice");
        assert_eq!(count, marks.len(), "the counter and the marks differ");
        let lost: Vec<_> = acknowledged.iter().filter(|mark| !different.contains(mark)).collect();
        assert!(lost.is_empty(), "acknowledged marks are lost: {lost:?}");
    }
}

async fn count(mut client: Client, number: u32, progress: Arc<Progress>) -> Vec<u32> {
    let mut acknowledged = Vec::new();
    for mark in (number * 1_000_000).. {
        if progress.ends.load(Ordering::SeqCst) {
            break;
        }
        match client.request(|session| append(session, mark)).await {
            Ok(()) => {
                acknowledged.push(mark);
                progress.acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}"),
        }
    }
    acknowledged
}

fn append(session: &Session, mark: u32) -> Result<(), Error> {
    session.update("marks", move |marks: Option<Vec<u32>>| {
        let mut marks = marks.unwrap_or_default();
        marks.push(mark);
        Some(marks)
    })?;
    session.update("count", |count: Option<usize>| Some(count.unwrap_or(0) + 1))?;
    Ok(())
}

/// A store whose calls must end within the deadline plus ten percent.
#[derive(Clone, Debug)]
struct InTime {
    store: SqlStore,
    deadline: Duration,
    failed: Arc<AtomicUsize>,
}

impl InTime {
    async fn check<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let result = in_time(self.deadline, call).await;
        self.failed.fetch_add(usize::from(result.is_err()), Ordering::SeqCst);
        result
    }
}

/// Returns the result of a call that must end within its deadline plus ten percent. On a busy
/// machine, the timer of the call and this one are late together.
pub async fn in_time<T>(deadline: Duration, call: impl Future<Output = T>) -> T {
    let Ok(result) = tokio::time::timeout(deadline * 11 / 10, call).await else {
        unreachable!("the call exceeds its deadline of {deadline:?}")
    };
    result
}

#[async_trait]
impl SessionStore for InTime {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        self.check(self.store.load(key)).await
    }

    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        self.check(self.store.load_many(keys)).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.check(self.store.create(key, record)).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        self.check(self.store.replace(key, expected, record)).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        self.check(self.store.touch(key, expected, expires_at)).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        self.check(self.store.remove(key, expected)).await
    }
}
