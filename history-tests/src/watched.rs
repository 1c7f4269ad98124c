//! A store that yields around its calls, fails some of them, and records the keys of its records.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use session_core::store::{
    NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version,
};
use session_core::{Error, ErrorKind, ManualClock, async_trait};
use tokio::task::JoinHandle;

use crate::clock::Readings;
use crate::plan::Faults;
use crate::world::{Clocks, lock};

/// The duration of a slow call.
const SLOW: Duration = Duration::from_secs(2);

tokio::task_local! {
    /// The request that runs.
    pub(crate) static CURRENT: Current;
}

/// The request that calls the store. It has the same faults in each run.
pub(crate) struct Current {
    request: u64,
    random: Mutex<fastrand::Rng>,
    /// The readings of the clock by the save in progress.
    save: Mutex<Option<Readings>>,
}

impl Current {
    pub(crate) fn new(seed: u64, request: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed ^ request.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Self { request, random: Mutex::new(random), save: Mutex::default() }
    }

    /// Reads or changes the readings of the clock, if a save is in progress.
    pub(crate) fn with_readings<R>(&self, change: impl FnOnce(&mut Readings) -> R) -> Option<R> {
        lock(&self.save).as_mut().map(change)
    }
}

/// The keys of the records that were created in a round, and the calls that are applied late.
#[derive(Default)]
pub(crate) struct Keys {
    keys: Mutex<Vec<StoreKey>>,
    late: Mutex<Vec<JoinHandle<()>>>,
}

impl Keys {
    pub(crate) fn all(&self) -> Vec<StoreKey> {
        lock(&self.keys).clone()
    }

    /// Waits until every late call was applied.
    pub(crate) async fn settle(&self) {
        loop {
            let Some(late) = lock(&self.late).pop() else { return };
            let _ = late.await;
        }
    }
}

/// The store of one engine.
pub(crate) struct Watched {
    store: Arc<dyn OwnerIndex>,
    keys: Arc<Keys>,
    clocks: Clocks,
    clock: ManualClock,
    engine: usize,
    faults: Faults,
}

enum Fault {
    None,
    Lost,
    Refused,
    Late(u32),
    Slow,
}

type Call<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

impl Watched {
    pub(crate) fn new(
        store: Arc<dyn OwnerIndex>,
        keys: &Arc<Keys>,
        clocks: &Clocks,
        engine: usize,
        faults: Faults,
    ) -> Self {
        let clock = clocks.engines[engine].clone();
        Self { store, keys: Arc::clone(keys), clocks: clocks.clone(), clock, engine, faults }
    }

    async fn call<T: fmt::Debug + Send + 'static>(
        &self,
        name: &'static str,
        writes: bool,
        call: impl FnOnce(Arc<dyn OwnerIndex>) -> Call<T>,
    ) -> Result<T, Error> {
        let (pauses, fault) = self.begin(name);
        pause(pauses).await;
        let call = call(Arc::clone(&self.store));
        let result = match fault {
            Fault::None => call.await,
            Fault::Slow => {
                let result = call.await;
                self.clocks.pass(SLOW);
                result
            }
            Fault::Lost => call.await.and_then(|_| Err(lost())),
            Fault::Late(pauses) if writes => {
                let late = tokio::spawn(async move {
                    pause(pauses).await;
                    drop(call.await);
                });
                lock(&self.keys.late).push(late);
                Err(lost())
            }
            Fault::Late(_) | Fault::Refused => Err(lost()),
        };
        self.log_call(name, &result);
        pause(pauses / 2).await;
        result
    }

    /// Logs a call of a round that is repeated.
    fn log_call<T: fmt::Debug>(&self, name: &'static str, result: &Result<T, Error>) {
        if crate::run::given_seed().is_some() {
            let log = |current: &Current| {
                self.clocks.log(current.request, || format!("  `{name}`: {result:?}"));
            };
            let _ = CURRENT.try_with(log);
        }
    }

    /// Decides how the next call of the request ends.
    fn begin(&self, name: &'static str) -> (u32, Fault) {
        let decided = CURRENT.try_with(|current| {
            self.check_deadline(name, current);
            let mut random = lock(&current.random);
            let pauses = random.u32(..4);
            let mut number = random.u32(..1000);
            let mut falls = |share: u32| {
                let falls = number < share;
                number = number.saturating_sub(share);
                number = if falls { u32::MAX } else { number };
                falls
            };
            let faults = self.faults;
            let fault = if falls(faults.lost) {
                Fault::Lost
            } else if falls(faults.refused) {
                Fault::Refused
            } else if falls(faults.late) {
                Fault::Late(random.u32(1..60))
            } else if falls(faults.slow) {
                Fault::Slow
            } else {
                Fault::None
            };
            let text = match fault {
                Fault::None => return (pauses, fault),
                Fault::Lost => "loses its reply",
                Fault::Refused => "fails",
                Fault::Late(_) => "fails and is applied late",
                Fault::Slow => "is slow",
            };
            self.clocks.disturb(current.request);
            self.clocks.log(current.request, || format!("  `{name}` {text}"));
            (pauses, fault)
        });
        decided.unwrap_or((0, Fault::None))
    }

    /// Records a call that starts after the deadline of its save.
    fn check_deadline(&self, name: &'static str, current: &Current) {
        let late = current.with_readings(|readings| readings.overdue(&self.clock));
        if let Some(late) = late.flatten() {
            let text = format!("request {}: `{name}` began {late:?} late", current.request);
            self.clocks.violation("a save returns within its deadline and one store call", text);
        }
    }

    /// Records the start of a save.
    pub(crate) fn begin_save() {
        let _ = CURRENT.try_with(|current| *lock(&current.save) = Some(Readings::default()));
    }

    /// Records the end of a save.
    pub(crate) fn end_save() {
        let _ = CURRENT.try_with(|current| *lock(&current.save) = None);
    }

    fn created(&self, key: &StoreKey) {
        lock(&self.keys.keys).push(*key);
    }
}

/// Lets other tasks run.
pub(crate) async fn pause(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "the reply did not arrive")
}

/// The owned parts of a record, for calls that outlive their caller.
struct Owned {
    payload: Vec<u8>,
    created_at: SystemTime,
    expires_at: SystemTime,
    owner: Option<String>,
}

impl Owned {
    fn of(record: &NewRecord<'_>) -> Self {
        Self {
            payload: record.payload().to_vec(),
            created_at: record.created_at(),
            expires_at: record.expires_at(),
            owner: record.owner().map(str::to_owned),
        }
    }

    fn record(&self) -> NewRecord<'_> {
        NewRecord::new(&self.payload, self.created_at, self.expires_at)
            .owned_by(self.owner.as_deref())
    }
}

#[async_trait]
impl SessionStore for Watched {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let key = *key;
        self.call("load", false, |store| Box::pin(async move { store.load(&key).await })).await
    }

    async fn load_many(&self, keys: &[StoreKey]) -> Result<Vec<Option<Record>>, Error> {
        let keys = keys.to_vec();
        let call = |store: Arc<dyn OwnerIndex>| -> Call<_> {
            Box::pin(async move { store.load_many(&keys).await })
        };
        self.call("load_many", false, call).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        self.created(key);
        let (key, record) = (*key, Owned::of(record));
        let call = |store: Arc<dyn OwnerIndex>| -> Call<_> {
            Box::pin(async move { store.create(&key, &record.record()).await })
        };
        self.call("create", true, call).await
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        let (key, record) = (*key, Owned::of(record));
        let call = |store: Arc<dyn OwnerIndex>| -> Call<_> {
            Box::pin(async move { store.replace(&key, expected, &record.record()).await })
        };
        self.call("replace", true, call).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let key = *key;
        let call = |store: Arc<dyn OwnerIndex>| -> Call<_> {
            Box::pin(async move { store.touch(&key, expected, expires_at).await })
        };
        self.call("touch", true, call).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let key = *key;
        let call = |store: Arc<dyn OwnerIndex>| -> Call<_> {
            Box::pin(async move { store.remove(&key, expected).await })
        };
        self.call("remove", true, call).await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for Watched {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let owner = owner.to_owned();
        let call = |store: Arc<dyn OwnerIndex>| -> Call<_> {
            Box::pin(async move { store.keys_of(&owner).await })
        };
        let mut keys = self.call("keys_of", false, call).await?;
        // Keys are random, but a seed must lead to the same order of calls.
        let created = lock(&self.keys.keys);
        keys.sort_by_key(|key| created.iter().position(|other| other == key));
        Ok(keys)
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("engine", &self.engine).finish_non_exhaustive()
    }
}
