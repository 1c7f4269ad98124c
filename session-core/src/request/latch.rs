//! A latch. The first task that enters the latch does the work once, and the other tasks wait until
//! the work is done.

use std::future::poll_fn;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{Acquire, SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

const IDLE: u8 = 0;
const BUSY: u8 = 1;
/// Busy, and a waker is waiting.
const AWAITED: u8 = 2;
const DONE: u8 = 3;

/// A latch for work that runs once, even if futures that do the work are dropped. The latch
/// allocates memory only if two tasks enter at the same time.
#[derive(Debug, Default)]
pub(super) struct Latch {
    state: AtomicU8,
    waiting: Mutex<Vec<Waker>>,
}

/// The permit to do the work. Dropping it admits the next task.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    latch: &'a Latch,
    /// The state after the drop of the permit.
    next: u8,
}

impl Latch {
    /// Returns whether the work is done. The read is ordered with [`Permit::finish`] and with every
    /// other sequentially consistent operation.
    pub(super) fn is_done(&self) -> bool {
        self.state.load(SeqCst) == DONE
    }

    /// Waits until the work is done, or returns the permit to do it.
    pub(super) async fn enter(&self) -> Option<Permit<'_>> {
        poll_fn(|context| self.poll_enter(context)).await
    }

    fn poll_enter(&self, context: &Context<'_>) -> Poll<Option<Permit<'_>>> {
        loop {
            match self.state.compare_exchange(IDLE, BUSY, Acquire, Acquire) {
                Ok(_) => return Poll::Ready(Some(Permit { latch: self, next: IDLE })),
                Err(DONE) => return Poll::Ready(None),
                Err(_) => {}
            }
            let mut waiting = self.waiting();
            // `Permit::drop` changes the state before it takes the wakers.
            if let Ok(BUSY) | Err(AWAITED) =
                self.state.compare_exchange(BUSY, AWAITED, Acquire, Acquire)
            {
                if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                    waiting.push(context.waker().clone());
                }
                return Poll::Pending;
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Marks the work as done.
    pub(super) fn finish(mut self) {
        self.next = DONE;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.latch.state.swap(self.next, SeqCst) == AWAITED {
            let waiting = std::mem::take(&mut *self.latch.waiting());
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[test]
    fn dropped_permit_lets_next_enter_and_finish_lets_all_pass() {
        let latch = Latch::default();
        let mut context = Context::from_waker(Waker::noop());
        let mut first = pin!(latch.enter());
        let Poll::Ready(Some(permit)) = first.as_mut().poll(&mut context) else {
            panic!("the first did not enter")
        };
        let (mut second, mut third) = (pin!(latch.enter()), pin!(latch.enter()));
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert!(third.as_mut().poll(&mut context).is_pending());
        drop(permit);
        assert!(latch.waiting().is_empty(), "all were woken");
        let Poll::Ready(Some(permit)) = second.as_mut().poll(&mut context) else {
            panic!("the second did not enter")
        };
        assert!(third.as_mut().poll(&mut context).is_pending());
        permit.finish();
        assert!(matches!(third.as_mut().poll(&mut context), Poll::Ready(None)));
        assert!(latch.is_done());
    }

    #[test]
    fn concurrent_threads_do_work_once() {
        for _ in 0..200 {
            let (latch, done) = (Latch::default(), AtomicU8::new(0));
            std::thread::scope(|scope| {
                for give_up in [true, true, false, false] {
                    let (latch, done) = (&latch, &done);
                    scope.spawn(move || {
                        let mut context = Context::from_waker(Waker::noop());
                        let mut enter = pin!(latch.enter());
                        loop {
                            match enter.as_mut().poll(&mut context) {
                                Poll::Ready(Some(permit)) if !give_up => {
                                    done.fetch_add(1, SeqCst);
                                    return permit.finish();
                                }
                                Poll::Ready(_) => return,
                                Poll::Pending => std::thread::yield_now(),
                            }
                        }
                    });
                }
            });
            assert_eq!(done.load(SeqCst), 1);
            assert!(latch.is_done());
        }
    }
}
