//! The store under test, with its capabilities, its clock, and a record of each call.

pub(crate) mod calls;
mod closed;

use std::collections::HashMap;
use std::fmt;
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use session_core::config::SystemClock;
use session_core::store::{OwnerIndex, SessionStore, StoreKey, Sweep};
use session_core::{Clock, Error, ManualClock, SessionConfig};
use tokio::sync::OnceCell;

use crate::harness::store::under_test::closed::Closed;
use crate::report::{Calls, Checked, Failure, chain};

/// A store under test, with its capabilities.
///
/// # Examples
///
/// ```
/// use session_conformance::store::StoreUnderTest;
/// use session_memory::MemoryStore;
/// use std::sync::Arc;
///
/// let store = Arc::new(MemoryStore::new());
/// let under_test = StoreUnderTest::new(Arc::clone(&store)).owner_index(store);
/// ```
pub struct StoreUnderTest {
    handles: Mutex<Handles>,
    reopen: Option<Reopen>,
    outage: Option<Outage>,
    clock: Option<ManualClock>,
    max_payload: Option<usize>,
    calls: Calls,
    names: Arc<Mutex<HashMap<StoreKey, usize>>>,
    /// Whether the store loses fractions of seconds.
    rough: OnceCell<bool>,
    /// A prefix of each call in a note.
    label: &'static str,
}

/// The store, as each of the traits that it implements.
#[derive(Clone)]
struct Handles {
    store: Arc<dyn SessionStore>,
    owner_index: Option<Arc<dyn OwnerIndex>>,
    sweep: Option<Arc<dyn Sweep>>,
    clone: Option<Arc<dyn SessionStore>>,
}

impl Handles {
    fn of(store: Arc<dyn SessionStore>) -> Self {
        Self { store, owner_index: None, sweep: None, clone: None }
    }
}

/// A function that opens the store again.
type Reopen = Box<dyn Fn() -> Pin<Box<dyn Future<Output = StoreUnderTest> + Send>> + Send + Sync>;

/// A function that starts or ends an outage.
type Outage = Box<dyn Fn(bool) + Send + Sync>;

impl StoreUnderTest {
    /// Returns the store, without optional capabilities.
    pub fn new(store: impl SessionStore) -> Self {
        Self::with_handles(Handles::of(Arc::new(store)))
    }

    fn with_handles(handles: Handles) -> Self {
        Self {
            handles: Mutex::new(handles),
            reopen: None,
            outage: None,
            clock: None,
            max_payload: None,
            calls: Calls::default(),
            names: Arc::default(),
            rough: OnceCell::new(),
            label: "",
        }
    }

    /// Sets the store as an index of owners. Pass another handle of the same store.
    #[must_use]
    pub fn owner_index(self, store: impl OwnerIndex) -> Self {
        self.handles().owner_index = Some(Arc::new(store));
        self
    }

    /// Sets the store as a store that can be swept. Pass another handle of the same store.
    #[must_use]
    pub fn sweep(self, store: impl Sweep) -> Self {
        self.handles().sweep = Some(Arc::new(store));
        self
    }

    /// Sets a clone of the store.
    #[must_use]
    pub fn clones(self, clone: impl SessionStore) -> Self {
        self.handles().clone = Some(Arc::new(clone));
        self
    }

    /// Sets a function that opens the same data again. The checks call it after they have dropped
    /// the store.
    #[must_use]
    pub fn reopen<F>(mut self, reopen: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Self> + Send + 'static,
    {
        self.reopen = Some(Box::new(move || Box::pin(reopen())));
        self
    }

    /// Sets a function that starts an outage with `true` and ends the outage with `false`. During
    /// an outage, every call of the store must fail.
    #[must_use]
    pub fn outage(mut self, outage: impl Fn(bool) + Send + Sync + 'static) -> Self {
        self.outage = Some(Box::new(outage));
        self
    }

    /// Sets the clock that the store reads. The checks advance the clock instead of waiting.
    #[must_use]
    pub fn clock(mut self, clock: ManualClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets the maximum length of a payload, if the store's limit is less than 1 MiB.
    #[must_use]
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = Some(bytes);
        self
    }
}

/// Keys, time and messages.
impl StoreUnderTest {
    /// Returns an unused key, and assigns it the next name for messages.
    pub(crate) fn key(&self) -> StoreKey {
        let mut bytes = [0; 32];
        fastrand::fill(&mut bytes);
        let key = StoreKey::from_bytes(bytes);
        self.name(&key);
        key
    }

    /// Returns the time of the store.
    pub(crate) fn now(&self) -> SystemTime {
        self.clock.as_ref().map_or_else(|| SystemClock.now(), Clock::now)
    }

    /// Advances the store's clock, or waits.
    pub(crate) async fn pass(&self, time: Duration) {
        self.calls.note(format!("-- {time:?} pass --"));
        self.pass_unnoted(time).await;
    }

    /// Advances the store's clock, or waits, without a note.
    pub(crate) async fn pass_unnoted(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.advance(time),
            None => tokio::time::sleep(time).await,
        }
    }

    /// Returns a configuration for sessions over the store, with the clock of the store.
    pub(crate) fn session_config(&self) -> SessionConfig {
        let config = match &self.clock {
            Some(clock) => SessionConfig::builder().clock(clock.clone()),
            None => SessionConfig::builder().clock(Patient),
        };
        config.build().unwrap_or_default()
    }

    /// Returns whether the checks advance the store's clock.
    pub(crate) fn moves_time(&self) -> bool {
        self.clock.is_some()
    }

    /// Returns the store as a store that can be swept.
    pub(crate) fn sweeper(&self) -> Option<Arc<dyn Sweep>> {
        self.handles().sweep.clone()
    }

    /// Returns the maximum length of a payload, if the store declares a limit.
    pub(crate) fn max_payload_bytes(&self) -> Option<usize> {
        self.max_payload
    }

    /// Returns the store, for concurrent calls.
    pub(crate) fn store(&self) -> Arc<dyn SessionStore> {
        Arc::clone(&self.handles().store)
    }

    /// Returns the store as an index of owners.
    pub(crate) fn index(&self) -> Result<Arc<dyn OwnerIndex>, Failure> {
        let index = self.handles().owner_index.clone();
        index.ok_or_else(|| self.lacks("owner_index"))
    }

    pub(crate) fn has_index(&self) -> bool {
        self.handles().owner_index.is_some()
    }

    fn handles(&self) -> MutexGuard<'_, Handles> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopen_store(&self) -> Checked {
        let reopen = self.reopen.as_ref().ok_or_else(|| self.lacks("reopen"))?;
        // Drops the store, because some databases can be opened only once.
        *self.handles() = Handles::of(Arc::new(Closed));
        let again = reopen().await;
        *self.handles() = again.handles().clone();
        self.calls.note("-- the store was dropped and opened again --");
        Ok(())
    }

    /// Starts or ends an outage.
    pub(crate) fn set_outage(&self, down: bool) -> Checked {
        let outage = self.outage.as_ref().ok_or_else(|| self.lacks("outage"))?;
        outage(down);
        self.calls.note(if down { "-- an outage begins --" } else { "-- the outage ends --" });
        Ok(())
    }

    /// Returns the clone of the store. Calls of the clone and of the store are noted in one list.
    pub(crate) fn other_clone(&self) -> Result<Self, Failure> {
        let clone = self.handles().clone.clone().ok_or_else(|| self.lacks("clones"))?;
        Ok(Self {
            clock: self.clock.clone(),
            max_payload: self.max_payload,
            calls: self.calls.clone(),
            names: Arc::clone(&self.names),
            label: "clone.",
            ..Self::with_handles(Handles::of(clone))
        })
    }

    /// Drops the clone of the store.
    pub(crate) fn drop_clone(&self) -> Checked {
        let clone = self.handles().clone.take();
        clone.map(drop).ok_or_else(|| self.lacks("clones"))
    }

    /// Returns the failure of a rule for a capability that the store does not have.
    pub(crate) fn lacks(&self, what: &str) -> Failure {
        self.failure(format!("a store with `{what}`"), format!("the suite was not given `{what}`"))
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    pub(crate) fn equal<T: Debug + PartialEq>(&self, expected: T, seen: T) -> Checked {
        self.calls.equal(expected, seen)
    }

    pub(crate) fn failure(&self, expected: impl Into<String>, seen: impl Into<String>) -> Failure {
        self.calls.failure(expected, seen)
    }

    /// Returns the name of a key in messages: A, B, C in the order of first use.
    pub(crate) fn name(&self, key: &StoreKey) -> String {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let next = names.len();
        let number = *names.entry(*key).or_insert(next);
        let letter = char::from(b'A' + u8::try_from(number % 26).unwrap_or(0));
        if number < 26 { letter.to_string() } else { format!("{letter}{}", number / 26) }
    }

    /// Records a call only if it fails. Use this function for one of many calls.
    pub(crate) fn quietly<T>(&self, call: &str, result: Result<T, Error>) -> Result<T, Failure> {
        result.or_else(|error| self.note(call.to_owned(), Err(error), |_| String::new()))
    }

    /// Records a call and its result.
    pub(crate) fn note<T>(
        &self,
        call: String,
        result: Result<T, Error>,
        show: impl Fn(&T) -> String,
    ) -> Result<T, Failure> {
        let label = self.label;
        match result {
            Ok(value) => {
                self.calls.note(format!("{label}{call} = {}", show(&value)));
                Ok(value)
            }
            Err(error) => {
                let seen = format!("the error {:?}: {}", error.kind(), chain(&error));
                self.calls.note(format!("{label}{call} = {:?}", error.kind()));
                Err(self.failure("no error", seen))
            }
        }
    }
}

impl fmt::Debug for StoreUnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreUnderTest").field("store", &self.store()).finish_non_exhaustive()
    }
}

/// The system clock with ten times the usual deadline of saves, because many engines may compete
/// for a slow store.
#[derive(Debug)]
struct Patient;

impl Clock for Patient {
    fn now(&self) -> SystemTime {
        SystemClock.now()
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic() / 10
    }
}
