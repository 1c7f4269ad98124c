//! The scheduler: runs requests in every order of their store calls, once for each order that differs.
//!
//! Two orders that differ only in neighbouring calls that commute (two reads, or calls on two keys) are one: sleep sets
//! (Godefroid) leave the second out.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::stage::{Call, Stage};

/// A request on its way.
pub type Running<T> = Pin<Box<dyn Future<Output = T>>>;

/// A request that ends at one of its awaits: the client went away.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub request: usize,
    pub after_steps: usize,
}

/// A moment of choice, and what is known of it.
#[derive(Clone, Debug)]
struct Turn {
    choice: usize,
    /// Who could step, and at which call.
    open: Vec<(usize, Call)>,
    /// Whose step here leads only to orders that were run already.
    asleep: Vec<usize>,
}

/// Runs the requests that `start` makes, in every order; `check` judges each by the outputs, of which one is `None` if that
/// request was cut. Gives the number of orders that were run.
pub fn every_order<W, T>(
    start: impl Fn() -> (W, Stage, Vec<Running<T>>),
    cut: Option<Cut>,
    check: impl Fn(&W, &[usize], &[Option<T>]),
) -> usize {
    let mut turns: Vec<Turn> = Vec::new();
    let mut orders = 0;
    loop {
        let (world, stage, requests) = start();
        let mut run = Run::new(stage, requests, cut);
        if run.finish(&mut turns) {
            let order: Vec<usize> = turns.iter().map(|turn| turn.choice).collect();
            check(&world, &order, &run.outputs);
            orders += 1;
        }
        // Back to the last moment at which somebody else could have stepped.
        loop {
            let Some(turn) = turns.last_mut() else { return orders };
            turn.asleep.push(turn.choice);
            let next = turn.open.iter().find(|(request, _)| !turn.asleep.contains(request));
            if let Some((next, _)) = next {
                turn.choice = *next;
                break;
            }
            turns.pop();
        }
    }
}

/// Runs one request alone, to its end.
pub fn alone<T>(mut request: Running<T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1000 {
        if let Poll::Ready(output) = request.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("a request alone never ends");
}

struct Run<T> {
    stage: Stage,
    requests: Vec<Option<Running<T>>>,
    /// The call that each waits at; `None` for one that waits for another's turn to end.
    waiting: Vec<Option<Call>>,
    outputs: Vec<Option<T>>,
    steps: Vec<usize>,
    cut: Option<Cut>,
}

impl<T> Run<T> {
    fn new(stage: Stage, requests: Vec<Running<T>>, cut: Option<Cut>) -> Self {
        let count = requests.len();
        Self {
            stage,
            requests: requests.into_iter().map(Some).collect(),
            waiting: vec![None; count],
            outputs: (0..count).map(|_| None).collect(),
            steps: vec![0; count],
            cut,
        }
    }

    /// Follows the turns that are given, then adds its own. False if it met only what was run already.
    fn finish(&mut self, turns: &mut Vec<Turn>) -> bool {
        let mut taken = 0;
        let mut asleep = Vec::new();
        loop {
            self.settle();
            let open: Vec<(usize, Call)> =
                self.waiting.iter().enumerate().filter_map(|(request, call)| Some((request, (*call)?))).collect();
            if open.is_empty() {
                assert!(self.requests.iter().all(Option::is_none), "requests wait for each other for ever");
                return true;
            }
            if taken == turns.len() {
                let Some((choice, _)) = open.iter().find(|(request, _)| !asleep.contains(request)) else {
                    return false;
                };
                turns.push(Turn { choice: *choice, open: open.clone(), asleep: asleep.clone() });
            }
            let turn = &turns[taken];
            let call = open.iter().find(|(request, _)| *request == turn.choice).unwrap().1;
            let still_asleep = |other: &(usize, Call)| turn.asleep.contains(&other.0) && other.1.commutes(call);
            asleep = open.iter().filter(|other| still_asleep(other)).map(|(request, _)| *request).collect();
            self.step(turn.choice);
            taken += 1;
        }
    }

    /// Lets everybody come to the next store call who can without one.
    fn settle(&mut self) {
        if let Some(Cut { request, after_steps }) = self.cut
            && self.steps[request] >= after_steps
        {
            self.requests[request] = None;
            self.waiting[request] = None;
        }
        for request in 0..self.requests.len() {
            if self.requests[request].is_some() && self.waiting[request].is_none() {
                self.poll(request);
            }
        }
    }

    fn step(&mut self, request: usize) {
        self.steps[request] += 1;
        self.waiting[request] = None;
        self.poll(request);
    }

    fn poll(&mut self, request: usize) {
        let mut context = Context::from_waker(Waker::noop());
        let running = self.requests[request].as_mut().unwrap();
        self.stage.take_waiting();
        match running.as_mut().poll(&mut context) {
            Poll::Ready(output) => {
                self.outputs[request] = Some(output);
                self.requests[request] = None;
            }
            Poll::Pending => self.waiting[request] = self.stage.take_waiting(),
        }
    }
}
