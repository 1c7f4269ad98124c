//! Turns: saves of one session wait for each other inside a process, which spares the store their rivalry.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_lock::MutexGuardArc;

use crate::StoreKey;

/// Who is saving which session. Correctness does not rest on it: other processes do not wait here.
#[derive(Debug, Default)]
pub(super) struct Queue {
    turns: Mutex<HashMap<StoreKey, Arc<async_lock::Mutex<()>>>>,
}

/// Held while a session is saved; dropping it lets the next one in.
pub(super) struct Turn<'a> {
    queue: &'a Queue,
    key: StoreKey,
    lock: Arc<async_lock::Mutex<()>>,
    guard: Option<MutexGuardArc<()>>,
}

impl Queue {
    pub(super) async fn turn(&self, key: StoreKey) -> Turn<'_> {
        // The turn exists before it is waited for, so that giving up cleans up, too.
        let mut turn = Turn { queue: self, key, lock: Arc::clone(self.lock().entry(key).or_default()), guard: None };
        let guard = turn.lock.lock_arc().await;
        turn.guard = Some(guard);
        turn
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<StoreKey, Arc<async_lock::Mutex<()>>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut turns = self.queue.lock();
        self.guard = None;
        // The map's reference and this one are the last: nobody saves this session, and nobody waits to.
        if Arc::strong_count(&self.lock) == 2 {
            turns.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn turns_come_one_after_the_other_and_leave_nothing_behind() {
        let queue = Queue::default();
        let key = StoreKey::from_bytes([1; 32]);
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(first) = pin!(queue.turn(key)).poll(&mut context) else { panic!("the first waits") };
        {
            let mut given_up = pin!(queue.turn(key));
            assert!(given_up.as_mut().poll(&mut context).is_pending());
        }
        let mut second = pin!(queue.turn(key));
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert!(pin!(queue.turn(StoreKey::from_bytes([2; 32]))).poll(&mut context).is_ready());
        drop(first);
        let Poll::Ready(second) = second.poll(&mut context) else { panic!("the second still waits") };
        assert_eq!(queue.lock().len(), 1);
        drop(second);
        assert!(queue.lock().is_empty());
    }
}
