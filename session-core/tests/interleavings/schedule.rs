//! The scheduler: runs requests in every order of their store calls, once for each order that
//! differs.
//!
//! Two orders that differ only in neighbouring calls that commute are one order. Such calls are two
//! reads, or calls on two keys, of two processes. Sleep sets (Godefroid) omit the second order. A
//! late call and a tick of the clocks are also steps.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::clocks::{Clocks, Tick};
use crate::faults::Fault;
use crate::stage::{Call, Stage, TEST};

/// A request in progress.
pub(crate) type Running = Pin<Box<dyn Future<Output = ()>>>;

/// The actor that carries out a late call, and the one that changes the clocks. Those before them
/// are requests.
const LATE: usize = TEST;
const CLOCKS: usize = TEST + 1;

/// The start of all orders.
pub(crate) struct Start<W> {
    pub(crate) world: W,
    pub(crate) stage: Stage,
    pub(crate) clocks: Clocks,
    pub(crate) requests: Vec<Running>,
    pub(crate) ticks: &'static [Tick],
    pub(crate) fault: Option<Fault>,
}

/// A choice between actors, and the state of its exploration.
#[derive(Clone, Debug)]
struct Turn {
    choice: usize,
    /// The actors that could step, and the call of each.
    open: Vec<(usize, Call)>,
    /// The actors whose step here leads only to orders that were run already.
    asleep: Vec<usize>,
}

/// The number of orders that were run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ran {
    pub(crate) orders: usize,
    /// The orders in which the fault happened, or all if there is none.
    pub(crate) judged: usize,
}

/// Runs the requests that `start` creates, in every order, and lets `check` judge each. Orders in
/// which the fault did not happen, or the clocks were not used up, are not judged.
pub(crate) fn every_order<W>(start: impl Fn() -> Start<W>, check: impl Fn(&W, &[usize])) -> Ran {
    let mut turns: Vec<Turn> = Vec::new();
    let mut ran = Ran::default();
    loop {
        let start = start();
        let (world, fault, stage) = (start.world, start.fault, start.stage.clone());
        let mut run = Run::new(start.stage, start.clocks, start.requests, start.ticks, fault);
        if run.finish(&mut turns) {
            ran.orders += 1;
            if fault.is_none() || stage.is_faulted() {
                ran.judged += 1;
                let order: Vec<usize> = turns.iter().map(|turn| turn.choice).collect();
                stage.end();
                check(&world, &order);
            }
        }
        // Back to the last moment at which another actor could have stepped.
        loop {
            let Some(turn) = turns.last_mut() else { return ran };
            turn.asleep.push(turn.choice);
            let next = turn.open.iter().find(|(actor, _)| !turn.asleep.contains(actor));
            if let Some((next, _)) = next {
                turn.choice = *next;
                break;
            }
            turns.pop();
        }
    }
}

/// Runs one future alone, to its end.
pub(crate) fn alone<T>(mut future: Pin<Box<dyn Future<Output = T> + '_>>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("a request alone never ends");
}

/// Notes that a request can continue.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Run {
    stage: Stage,
    clocks: Clocks,
    requests: Vec<Option<Running>>,
    /// The call that each waits at; `None` for one that waits for another request.
    waiting: Vec<Option<Call>>,
    ticks: &'static [Tick],
    fault: Option<Fault>,
    woken: Arc<Woken>,
}

impl Run {
    fn new(
        stage: Stage,
        clocks: Clocks,
        requests: Vec<Running>,
        ticks: &'static [Tick],
        fault: Option<Fault>,
    ) -> Self {
        let waiting = vec![None; requests.len()];
        let requests = requests.into_iter().map(Some).collect();
        Self { stage, clocks, requests, waiting, ticks, fault, woken: Arc::default() }
    }

    /// Follows the turns that are given, then adds its own. Returns `false` if it met only orders
    /// that ran already.
    fn finish(&mut self, turns: &mut Vec<Turn>) -> bool {
        let mut taken = 0;
        let mut asleep = Vec::new();
        loop {
            self.settle();
            let open = self.open();
            if open.iter().all(|(actor, _)| *actor == CLOCKS) {
                let all_done = self.requests.iter().all(Option::is_none);
                assert!(all_done, "requests wait for each other for ever after {turns:?}");
                return open.is_empty();
            }
            if taken == turns.len() {
                let awake = open.iter().find(|(actor, _)| !asleep.contains(actor));
                let Some((choice, _)) = awake else { return false };
                turns.push(Turn { choice: *choice, open: open.clone(), asleep: asleep.clone() });
            }
            let turn = &turns[taken];
            let call = open.iter().find(|(actor, _)| *actor == turn.choice).unwrap().1;
            let still_asleep =
                |other: &(usize, Call)| turn.asleep.contains(&other.0) && other.1.commutes(call);
            asleep =
                open.iter().filter(|other| still_asleep(other)).map(|(actor, _)| *actor).collect();
            self.step(turn.choice);
            taken += 1;
        }
    }

    /// Returns the actors that can step.
    fn open(&self) -> Vec<(usize, Call)> {
        let requests = self.waiting.iter().enumerate();
        let mut open: Vec<_> =
            requests.filter_map(|(request, call)| Some((request, (*call)?))).collect();
        open.extend(self.stage.late().map(|call| (LATE, call)));
        open.extend((!self.ticks.is_empty()).then_some((CLOCKS, Call::FENCE)));
        open
    }

    /// Runs all requests to their next store call that can reach it without another step.
    fn settle(&mut self) {
        if let Some(fault) = self.fault
            && fault.kind.cuts()
            && self.requests[fault.request].is_some()
            && self.stage.calls(fault.request) >= fault.calls
        {
            self.stage.set_faulted();
            self.requests[fault.request] = None;
            self.waiting[fault.request] = None;
        }
        // The end of a request allows others to continue that wait for its response. A failed save
        // wakes the next one in its queue, and may enter the queue again behind it.
        loop {
            let mut progress = false;
            for request in 0..self.requests.len() {
                if self.requests[request].is_some() && self.waiting[request].is_none() {
                    progress |= self.poll(request);
                }
            }
            if !progress && !self.woken.0.swap(false, Ordering::Relaxed) {
                return;
            }
        }
    }

    fn step(&mut self, actor: usize) {
        self.stage.next_step();
        match actor {
            LATE => self.stage.carry_out_late(),
            CLOCKS => {
                let (first, others) = self.ticks.split_first().unwrap();
                self.clocks.apply(*first);
                self.ticks = others;
            }
            request => drop(self.poll(request)),
        }
    }

    /// Polls a request, and returns whether it ended or reached a call.
    fn poll(&mut self, request: usize) -> bool {
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut context = Context::from_waker(&waker);
        let running = self.requests[request].as_mut().unwrap();
        let (polled, waiting) = self.stage.poll(request, running.as_mut(), &mut context);
        self.waiting[request] = waiting;
        if polled.is_ready() {
            self.requests[request] = None;
        }
        polled.is_ready() || waiting.is_some()
    }
}
