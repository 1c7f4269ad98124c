//! Concurrent clients of a store, the history of their calls, and the smallest part of the history
//! that has no order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use session_core::store::{NewRecord, Record, Replaced, SessionStore, StoreKey, Version};
use session_core::{Error, ErrorKind};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use crate::harness::store::model::{Call, CallResult, Model, Seen};
use crate::report::{Calls, Failure, chain};

/// The state that the clients of one round share.
#[derive(Clone)]
pub(crate) struct Clients {
    /// The stores. Each client uses one store.
    stores: [Arc<dyn SessionStore>; 2],
    keys: [StoreKey; 2],
    /// Whether each record has an owner that differs from the owners of the other records.
    owned: bool,
    begun: SystemTime,
    history: Arc<Mutex<History>>,
}

/// The calls of a round. The starts and ends of all calls are numbered in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    moments: u64,
    calls: Vec<Completed>,
}

#[derive(Clone, Debug)]
struct Completed {
    client: u8,
    key: StoreKey,
    call: Call,
    result: CallResult,
    begin: u64,
    end: u64,
}

impl Clients {
    pub(crate) fn new(
        stores: [Arc<dyn SessionStore>; 2],
        keys: [StoreKey; 2],
        begun: SystemTime,
    ) -> Self {
        Self { stores, keys, owned: false, begun, history: Arc::default() }
    }

    /// Sets whether each record has an owner.
    pub(crate) fn owned(self, owned: bool) -> Self {
        Self { owned, ..self }
    }

    /// Creates one record before the clients start, and returns its version.
    pub(crate) async fn first(&self, key: &StoreKey) -> Result<u64, Failure> {
        let call = Call::Create { payload: "first".to_owned(), expires: 3600 };
        match self.make(0, *key, call).await? {
            CallResult::Written(Some(version)) => Ok(version),
            _ => Ok(0),
        }
    }

    /// Makes random calls as one client, each at a version that the client has seen.
    pub(crate) async fn call(&self, client: u8, calls: u8) -> Result<(), Failure> {
        let mut known: HashMap<StoreKey, u64> = HashMap::new();
        for number in 0..calls {
            let key = self.keys[usize::from(fastrand::u8(..10) < 3)];
            let expires = 3600 + 60 * u64::from(client) + u64::from(number);
            let payload = format!("{client}.{number}");
            let call = match (known.get(&key), fastrand::u8(..10)) {
                (None, 0..7) | (Some(_), 0..2) => Call::Load,
                (None, _) | (Some(_), 2) => Call::Create { payload, expires },
                (Some(&expected), 3..6) => Call::Replace { expected, payload, expires },
                (Some(&expected), 6..8) => Call::Touch { expected, expires },
                (Some(&expected), _) => Call::Remove { expected },
            };
            match self.make(client, key, call).await? {
                CallResult::Loaded(Some(Seen { version, .. }))
                | CallResult::Written(Some(version)) => {
                    known.insert(key, version);
                }
                CallResult::Loaded(None) => {
                    known.remove(&key);
                }
                CallResult::Written(None) | CallResult::Done(_) => (),
            }
        }
        Ok(())
    }

    pub(crate) fn history(&self) -> History {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a call as one client, and adds it to the history.
    pub(crate) async fn make(
        &self,
        client: u8,
        key: StoreKey,
        call: Call,
    ) -> Result<CallResult, Failure> {
        let begin = self.moment();
        let store = &*self.stores[usize::from(client) % 2];
        let result = self.execute(store, &key, &call).await.map_err(|error| {
            let calls = Calls::default();
            calls.note(show(&call, "A"));
            calls.failure("no error", format!("the error {:?}: {}", error.kind(), chain(&error)))
        })?;
        let end = self.moment();
        let completed = Completed { client, key, call, result: result.clone(), begin, end };
        self.history.lock().unwrap_or_else(PoisonError::into_inner).calls.push(completed);
        Ok(result)
    }

    async fn execute(
        &self,
        store: &dyn SessionStore,
        key: &StoreKey,
        call: &Call,
    ) -> Result<CallResult, Error> {
        let time = |seconds: u64| self.begun + Duration::from_secs(seconds);
        match call {
            Call::Load => {
                let record = store.load(key).await?;
                Ok(CallResult::Loaded(record.map(|record| {
                    Seen {
                        version: record.version().get(),
                        payload: self.shown(&record),
                        expires: record
                            .expires_at()
                            .duration_since(self.begun)
                            .map_or(0, |since| since.as_secs()),
                    }
                })))
            }
            Call::Create { payload, expires } => {
                let owner = self.owner_of(payload);
                let record = NewRecord::new(payload.as_bytes(), self.begun, time(*expires))
                    .owned_by(owner.as_deref());
                match store.create(key, &record).await {
                    Ok(version) => Ok(CallResult::Written(Some(version.get()))),
                    Err(error) if error.kind() == ErrorKind::Backend => {
                        Ok(CallResult::Written(None))
                    }
                    Err(error) => Err(error),
                }
            }
            Call::Replace { expected, payload, expires } => {
                let owner = self.owner_of(payload);
                let record = NewRecord::new(payload.as_bytes(), self.begun, time(*expires))
                    .owned_by(owner.as_deref());
                Ok(match store.replace(key, Version::new(*expected), &record).await? {
                    Replaced::Done(version) => CallResult::Written(Some(version.get())),
                    Replaced::Stale => CallResult::Written(None),
                })
            }
            Call::Touch { expected, expires } => Ok(CallResult::Done(
                store.touch(key, Version::new(*expected), time(*expires)).await?,
            )),
            Call::Remove { expected } => {
                Ok(CallResult::Done(store.remove(key, Version::new(*expected)).await?))
            }
        }
    }

    fn owner_of(&self, payload: &str) -> Option<String> {
        self.owned.then(|| format!("owner of {payload}"))
    }

    /// Returns the payload of a record, and also the owner if the owner belongs to another payload.
    fn shown(&self, record: &Record) -> String {
        let payload = record.payload().escape_ascii().to_string();
        if record.owner() == self.owner_of(&payload).as_deref() {
            return payload;
        }
        format!("{payload} with the owner {:?}", record.owner())
    }

    fn moment(&self) -> u64 {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.moments += 1;
        history.moments
    }
}

impl History {
    /// Returns the calls on a key that have no order, or `None` if the calls have an order. The
    /// result omits calls that are irrelevant to the order.
    pub(crate) fn explain(&self, key: &StoreKey) -> Option<Self> {
        let mut calls: Vec<_> =
            self.calls.iter().filter(|completed| completed.key == *key).cloned().collect();
        calls.sort_by_key(|completed| completed.begin);
        if has_order(&calls) {
            return None;
        }
        let mut at = 0;
        while at < calls.len() {
            let mut fewer = calls.clone();
            let left_out = fewer.remove(at);
            if is_dispensable(&left_out, &fewer) && !has_order(&fewer) {
                calls = fewer;
            } else {
                at += 1;
            }
        }
        Some(Self { moments: self.moments, calls })
    }

    pub(crate) fn failure(&self, key: &str) -> Failure {
        let calls = Calls::default();
        for Completed { client, call, result, begin, end, .. } in &self.calls {
            let who = if *client == 0 { "before  ".to_owned() } else { format!("client {client}") };
            calls.note(format!(
                "{begin:3}–{end:<3} {who} {} = {}",
                show(call, key),
                show_result(result)
            ));
        }
        calls.failure(
            "an order of these calls in which each call sees the results of the calls before it; the numbers are the times of \
             start and end, and only calls that overlap may be reordered",
            "results that no order explains",
        )
    }
}

fn has_order(calls: &[Completed]) -> bool {
    let mut tester = LinearizabilityTester::new(Model::default());
    let mut moments: Vec<_> =
        calls.iter().flat_map(|call| [(call.begin, call, true), (call.end, call, false)]).collect();
    moments.sort_by_key(|(moment, ..)| *moment);
    for (_, completed, begins) in moments {
        let noted = if begins {
            tester.on_invoke(completed.client, completed.call.clone()).map(|_| ())
        } else {
            tester.on_return(completed.client, completed.result.clone()).map(|_| ())
        };
        // A client waits for each result, so the tester returns no error.
        if noted.is_err() {
            return false;
        }
    }
    tester.is_consistent()
}

/// Returns whether the other calls do not depend on this call, because this call changed nothing
/// and no other call uses its version.
fn is_dispensable(completed: &Completed, others: &[Completed]) -> bool {
    match (&completed.call, &completed.result) {
        (_, CallResult::Loaded(Some(seen))) => {
            !others.iter().any(|other| other.call.expects(seen.version))
        }
        (_, CallResult::Loaded(None) | CallResult::Done(false)) => true,
        (Call::Create { payload, .. }, CallResult::Written(None)) => {
            !others.iter().any(|other| other.shows(payload))
        }
        _ => false,
    }
}

impl Completed {
    fn shows(&self, written: &str) -> bool {
        matches!(&self.result, CallResult::Loaded(Some(Seen { payload, .. })) if payload == written)
    }
}

fn show(call: &Call, key: &str) -> String {
    match call {
        Call::Load => format!("load({key})"),
        Call::Create { payload, expires } => {
            format!("create({key}, \"{payload}\", for {expires} s)")
        }
        Call::Replace { expected, payload, expires } => {
            format!("replace({key}, at {expected}, \"{payload}\", for {expires} s)")
        }
        Call::Touch { expected, expires } => {
            format!("touch({key}, at {expected}, for {expires} s)")
        }
        Call::Remove { expected } => format!("remove({key}, at {expected})"),
    }
}

fn show_result(result: &CallResult) -> String {
    match result {
        CallResult::Loaded(None) => "None".to_owned(),
        CallResult::Loaded(Some(Seen { version, payload, expires })) => {
            format!("version {version}, \"{payload}\", for {expires} s")
        }
        CallResult::Written(Some(version)) => format!("version {version}"),
        CallResult::Written(None) => "refused".to_owned(),
        CallResult::Done(done) => done.to_string(),
    }
}
