//! Turns: saves of one session wait for each other inside a process, and each leaves to the next what it stored, which spares
//! the store their rivalry.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_lock::MutexGuardArc;

use super::Handle;
use crate::StoreKey;

/// Who is saving which session. Correctness does not rest on it: other processes do not wait here.
#[derive(Debug, Default)]
pub(super) struct Queue {
    turns: Mutex<HashMap<StoreKey, Line>>,
}

/// Those who wait for one session.
type Line = Arc<async_lock::Mutex<Option<Stored>>>;

/// What a turn stored under its key. Another process may have stored something else since.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) handle: Handle,
    pub(super) payload: String,
}

/// Held while a session is saved; dropping it lets the next one in.
pub(super) struct Turn<'a> {
    queue: &'a Queue,
    key: StoreKey,
    line: Line,
    guard: Option<MutexGuardArc<Option<Stored>>>,
}

impl Queue {
    /// The turn, and what the one just before it stored.
    pub(super) async fn turn(&self, key: StoreKey) -> (Turn<'_>, Option<Stored>) {
        // The turn exists before it is waited for, so that giving up cleans up, too.
        let mut turn = Turn { queue: self, key, line: Arc::clone(self.lock().entry(key).or_default()), guard: None };
        let mut guard = turn.line.lock_arc().await;
        let stored = guard.take();
        turn.guard = Some(guard);
        (turn, stored)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<StoreKey, Line>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Leaves to whoever waits what was stored.
    pub(super) fn leave(&mut self, handle: &Handle, payload: String) {
        // The map, this turn and its guard hold the line, and each one that waits.
        if Arc::strong_count(&self.line) > 3
            && handle.key == self.key
            && let Some(guard) = &mut self.guard
        {
            **guard = Some(Stored { handle: handle.clone(), payload });
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut turns = self.queue.lock();
        self.guard = None;
        // The map's reference and this one are the last: nobody saves this session, and nobody waits to.
        if Arc::strong_count(&self.line) == 2 {
            turns.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::SystemTime;

    use super::super::lineage::Lineage;
    use super::*;
    use crate::Version;

    #[test]
    fn turns_come_one_after_the_other_and_leave_nothing_behind() {
        let queue = Queue::default();
        let key = StoreKey::from_bytes([1; 32]);
        let first = at_once(queue.turn(key)).expect("the first waits");
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut given_up = pin!(queue.turn(key));
            assert!(given_up.as_mut().poll(&mut context).is_pending());
        }
        let mut second = pin!(queue.turn(key));
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert!(at_once(queue.turn(StoreKey::from_bytes([2; 32]))).is_some());
        drop(first);
        let Poll::Ready(second) = second.poll(&mut context) else { panic!("the second still waits") };
        assert_eq!(queue.lock().len(), 1);
        drop(second);
        assert!(queue.lock().is_empty());
    }

    #[test]
    fn what_a_turn_stored_is_known_to_the_next_one_and_to_nobody_else() {
        let queue = Queue::default();
        let key = StoreKey::from_bytes([1; 32]);
        let mut context = Context::from_waker(Waker::noop());
        let (mut first, _) = at_once(queue.turn(key)).expect("the first waits");
        first.leave(&handle(key, 1), "nobody waits for this".to_owned());
        assert!(first.guard.as_ref().expect("it is held").is_none());
        let (mut second, mut third) = (pin!(queue.turn(key)), pin!(queue.turn(key)));
        assert!(second.as_mut().poll(&mut context).is_pending() && third.as_mut().poll(&mut context).is_pending());
        first.leave(&handle(StoreKey::from_bytes([2; 32]), 2), "another record".to_owned());
        assert!(first.guard.as_ref().expect("it is held").is_none());
        first.leave(&handle(key, 3), "{}".to_owned());
        drop(first);
        let Poll::Ready((second, stored)) = second.poll(&mut context) else { panic!("the second still waits") };
        let stored = stored.expect("the first stored something");
        assert_eq!((stored.handle.version, &*stored.payload), (Version::new(3), "{}"));
        drop(second);
        let Poll::Ready((_third, stored)) = third.poll(&mut context) else { panic!("the third still waits") };
        assert!(stored.is_none(), "the second stored nothing");
    }

    fn at_once<F: Future>(future: F) -> Option<F::Output> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn handle(key: StoreKey, version: u64) -> Handle {
        let (created_at, expires_at) = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH);
        let (version, lineage) = (Version::new(version), Lineage::generate().expect("randomness"));
        Handle { id: None, key, version, created_at, expires_at, owner: None, lineage }
    }
}
