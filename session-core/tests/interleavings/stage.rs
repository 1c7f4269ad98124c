//! The stage: a store in which every call is one step of the scheduler, and some calls fail.
//!
//! A store call waits once before it is carried out, and is then carried out completely. Therefore
//! one poll of a request is one step: from the store call at which it waits to the next.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use session_core::store::{
    NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Version,
};
use session_core::{Clock as _, Error, ErrorKind, ManualClock, async_trait};

use crate::faults::{Fate, Fault};
use crate::records::Records;

/// The request that calls of the test itself are counted for.
pub(crate) const TEST: usize = 3;
/// The time in which an operation may call the store.
const DEADLINE: Duration = Duration::from_secs(5);

/// The store of one process. All processes share the records.
#[derive(Clone)]
pub(crate) struct Stage {
    shared: Arc<Mutex<Shared>>,
    process: usize,
}

struct Shared {
    records: Records,
    clocks: Vec<ManualClock>,
    /// The request that is polled.
    current: usize,
    /// The call at which the request that was polled last waits.
    waiting: Option<Call>,
    /// The number of calls of each request.
    calls: [usize; TEST + 1],
    /// The start of the current operation of each request, by the monotonic time of its process.
    began: [Option<Duration>; TEST + 1],
    /// The number of calls that each request started after the deadline of its operation.
    overdue: [usize; TEST + 1],
    fault: Option<Fault>,
    /// Whether the fault happened.
    faulted: bool,
    /// Whether it struck a removal.
    lost_removal: bool,
    /// Whether a record is created late.
    late_create: bool,
    /// Calls that fail now and are carried out later.
    late: Vec<Late>,
    /// Counts the steps of an order.
    step: u64,
}

/// The effect of a store call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// `None`: records of many keys.
    key: Option<StoreKey>,
    writes: bool,
    kind: Kind,
    /// The process that makes it, if its requests may wait for each other.
    process: Option<usize>,
}

/// The kinds of calls that the exceptions distinguish.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Create,
    Remove,
    Other,
}

/// A call that the store received, and that its caller does not wait for any more.
struct Late {
    call: Call,
    request: usize,
    carry_out: Box<dyn FnOnce(&mut Records) + Send>,
}

impl Call {
    /// A step that no other may change places with.
    pub(crate) const FENCE: Self =
        Self { key: None, writes: true, kind: Kind::Other, process: None };

    /// Returns whether two steps may change places without an effect.
    ///
    /// Steps of one process may not, because the order in which two requests enter a queue matters.
    pub(crate) fn commutes(self, other: Self) -> bool {
        let apart = self.key.is_some() && other.key.is_some() && self.key != other.key;
        let same_process = self.process.is_some() && self.process == other.process;
        !same_process && (apart || !(self.writes || other.writes))
    }
}

impl Stage {
    /// Returns the store of the first of these processes, each of which has a clock.
    pub(crate) fn new(clocks: Vec<ManualClock>, records: Records) -> Self {
        let shared = Shared {
            records,
            clocks,
            current: TEST,
            waiting: None,
            calls: [0; TEST + 1],
            began: [None; TEST + 1],
            overdue: [0; TEST + 1],
            fault: None,
            faulted: false,
            lost_removal: false,
            late_create: false,
            late: Vec::new(),
            step: 0,
        };
        Self { shared: Arc::new(Mutex::new(shared)), process: 0 }
    }

    /// Returns the same store in another process.
    pub(crate) fn in_process(&self, process: usize) -> Self {
        Self { process, ..self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    /// Starts the steps of an order, in which one call may fail.
    pub(crate) fn begin(&self, fault: Option<Fault>) {
        let mut shared = self.lock();
        shared.fault = fault;
        shared.records.begin();
    }

    /// Ends the steps of an order. No call fails any more.
    pub(crate) fn end(&self) {
        self.lock().fault = None;
    }

    /// Polls a request, and returns the call at which it waits afterwards.
    pub(crate) fn poll<F: Future + ?Sized>(
        &self,
        request: usize,
        future: Pin<&mut F>,
        context: &mut Context<'_>,
    ) -> (Poll<F::Output>, Option<Call>) {
        {
            let mut shared = self.lock();
            (shared.current, shared.waiting) = (request, None);
        }
        let polled = future.poll(context);
        let mut shared = self.lock();
        shared.current = TEST;
        (polled, shared.waiting.take())
    }

    /// Counts a step, and returns its number.
    pub(crate) fn next_step(&self) -> u64 {
        let mut shared = self.lock();
        shared.step += 1;
        shared.step
    }

    pub(crate) fn now(&self) -> u64 {
        self.lock().step
    }

    /// Returns the call that is carried out later, if there is one.
    pub(crate) fn late(&self) -> Option<Call> {
        self.lock().late.first().map(|late| late.call)
    }

    pub(crate) fn carry_out_late(&self) {
        let mut shared = self.lock();
        let late = shared.late.remove(0);
        shared.records.writer = late.request;
        (late.carry_out)(&mut shared.records);
    }

    /// Returns whether the fault happened.
    pub(crate) fn is_faulted(&self) -> bool {
        self.lock().faulted
    }

    /// Returns whether the fault, or the outage after it, may have struck a removal.
    pub(crate) fn has_lost_removal(&self) -> bool {
        self.lock().lost_removal
    }

    /// Returns whether a record is created after its caller got an error or was dropped.
    pub(crate) fn has_late_create(&self) -> bool {
        self.lock().late_create
    }

    pub(crate) fn set_faulted(&self) {
        self.lock().faulted = true;
    }

    pub(crate) fn calls(&self, request: usize) -> usize {
        self.lock().calls[request]
    }

    /// Starts an operation of the request that is polled. Its calls must start before its deadline.
    pub(crate) fn begin_operation(&self) {
        let mut shared = self.lock();
        let (current, now) = (shared.current, shared.clocks[self.process].monotonic());
        shared.began[current] = Some(now);
    }

    pub(crate) fn end_operation(&self) {
        let mut shared = self.lock();
        let current = shared.current;
        shared.began[current] = None;
    }

    /// Returns the number of calls that a request started after the deadline of its operation.
    pub(crate) fn overdue(&self, request: usize) -> usize {
        self.lock().overdue[request]
    }

    pub(crate) fn restore(&self, records: Records) {
        self.lock().records = records;
    }

    pub(crate) fn records<R>(&self, read: impl FnOnce(&Records) -> R) -> R {
        read(&self.lock().records)
    }

    fn record(&self, record: &NewRecord<'_>) -> Record {
        Record::new(self.lock().records.next_version(), record)
    }

    /// A call on one key, or on many.
    fn call<R: 'static>(
        &self,
        key: Option<&StoreKey>,
        writes: bool,
        carry_out: impl FnOnce(&mut Records) -> R + Send + 'static,
    ) -> Waiting<R> {
        let call =
            Call { key: key.copied(), writes, kind: Kind::Other, process: Some(self.process) };
        Waiting { stage: self.clone(), call, request: None, carry_out: Some(Box::new(carry_out)) }
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("process", &self.process).finish_non_exhaustive()
    }
}

impl Shared {
    /// Counts a call that starts after the deadline of its operation.
    fn note_deadline(&mut self, process: usize) {
        let (request, now) = (self.current, self.clocks[process].monotonic());
        if self.began[request].is_some_and(|began| now > began + DEADLINE) {
            self.overdue[request] += 1;
        }
    }

    fn carry_out<R: 'static>(
        &mut self,
        call: Call,
        request: usize,
        carry_out: CarryOut<R>,
    ) -> Result<R, Error> {
        let number = self.calls[request];
        self.calls[request] += 1;
        let fate = self.fault.map_or(Fate::Replied, |fault| fault.fate(request, number));
        self.faulted |= fate != Fate::Replied;
        self.lost_removal |= fate != Fate::Replied && call.kind == Kind::Remove;
        self.records.writer = request;
        match fate {
            Fate::Replied => return Ok(carry_out(&mut self.records)),
            Fate::ReplyLost => drop(carry_out(&mut self.records)),
            Fate::Delayed => self.delay(call, request, carry_out),
            Fate::Refused => {}
        }
        Err(Error::new(ErrorKind::Unavailable, "the store did not reply"))
    }

    fn delay<R: 'static>(&mut self, call: Call, request: usize, carry_out: CarryOut<R>) {
        let carry_out = Box::new(move |records: &mut Records| drop(carry_out(records)));
        self.late_create |= call.kind == Kind::Create;
        self.late.push(Late { call: Call { process: None, ..call }, request, carry_out });
    }
}

type CarryOut<R> = Box<dyn FnOnce(&mut Records) -> R + Send>;

/// A store call in progress.
struct Waiting<R: 'static> {
    stage: Stage,
    call: Call,
    /// The request that waits, from the first poll.
    request: Option<usize>,
    carry_out: Option<CarryOut<R>>,
}

impl<R: 'static> Future for Waiting<R> {
    type Output = Result<R, Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let stage = self.stage.clone();
        let mut shared = stage.lock();
        let Some(request) = self.request else {
            shared.note_deadline(stage.process);
            shared.waiting = Some(self.call);
            self.request = Some(shared.current);
            return Poll::Pending;
        };
        let carry_out = self.carry_out.take().expect("a call is not polled after its result");
        Poll::Ready(shared.carry_out(self.call, request, carry_out))
    }
}

impl<R: 'static> Drop for Waiting<R> {
    fn drop(&mut self) {
        if let (Some(request), Some(carry_out)) = (self.request, self.carry_out.take()) {
            let mut shared = self.stage.lock();
            shared.waiting = None;
            if shared.faulted && shared.fault.is_some_and(|fault| fault.kind.leaves_calls()) {
                shared.delay(self.call, request, carry_out);
            }
        }
    }
}

#[async_trait]
impl SessionStore for Stage {
    async fn load(&self, key: &StoreKey) -> Result<Option<Record>, Error> {
        let owned = *key;
        self.call(Some(key), false, move |records| records.load(&owned)).await
    }

    async fn create(&self, key: &StoreKey, record: &NewRecord<'_>) -> Result<Version, Error> {
        let (owned, record) = (*key, self.record(record));
        let mut create = self.call(Some(key), true, move |records| records.create(owned, record));
        create.call.kind = Kind::Create;
        create.await?
    }

    async fn replace(
        &self,
        key: &StoreKey,
        expected: Version,
        record: &NewRecord<'_>,
    ) -> Result<Replaced, Error> {
        let (owned, record) = (*key, self.record(record));
        self.call(Some(key), true, move |records| records.replace(owned, expected, record)).await
    }

    async fn touch(
        &self,
        key: &StoreKey,
        expected: Version,
        expires_at: SystemTime,
    ) -> Result<bool, Error> {
        let owned = *key;
        self.call(Some(key), true, move |records| records.touch(&owned, expected, expires_at)).await
    }

    async fn remove(&self, key: &StoreKey, expected: Version) -> Result<bool, Error> {
        let owned = *key;
        let mut removal =
            self.call(Some(key), true, move |records| records.remove(&owned, expected));
        removal.call.kind = Kind::Remove;
        removal.await
    }

    fn owner_index(&self) -> Option<&dyn OwnerIndex> {
        Some(self)
    }
}

#[async_trait]
impl OwnerIndex for Stage {
    async fn keys_of(&self, owner: &str) -> Result<Vec<StoreKey>, Error> {
        let name = owner.to_owned();
        self.call(None, false, move |records| records.keys_of(&name)).await
    }
}
