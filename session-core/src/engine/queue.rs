//! The queue of saves. Saves of one session wait for each other within the process. Each save
//! starts from the record that the previous save stored. The queue only reduces contention.
//! Correctness comes from the version check.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::deadline::Deadline;
use super::position::RecordRef;
use crate::Error;
use crate::store::StoreKey;

/// The saves in progress, by session.
#[derive(Debug, Default)]
pub(super) struct Queue {
    cells: Mutex<HashMap<StoreKey, Cell>>,
}

/// The lock of one session, and the record that the last save stored.
type Cell = Arc<tokio::sync::Mutex<Option<Stored>>>;

/// The record that a save stored. Another process may have stored a newer record.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) record: RecordRef,
    pub(super) payload: String,
}

/// A permit to save a session. Dropping the permit admits the next save.
pub(super) struct Permit<'a> {
    queue: &'a Queue,
    key: StoreKey,
    cell: Cell,
    guard: Option<OwnedMutexGuard<Option<Stored>>>,
}

impl Queue {
    /// Waits for the saves before this one. Returns the permit, and the record that the previous
    /// save stored.
    ///
    /// Fails if the deadline has passed after the wait. Each save before this one finishes soon
    /// after its own deadline, which is earlier. Therefore no timer is needed.
    pub(super) async fn wait(
        &self,
        key: StoreKey,
        deadline: &Deadline<'_>,
    ) -> Result<(Permit<'_>, Option<Stored>), Error> {
        // The permit is created before the wait. If the future is dropped, the permit removes the
        // entry.
        let cell = Arc::clone(self.lock().entry(key).or_default());
        let mut permit = Permit { queue: self, key, cell, guard: None };
        // `lock_owned` can be pending although the lock is free, if the task has used up its
        // budget.
        let mut guard = match Arc::clone(&permit.cell).try_lock_owned() {
            Ok(guard) => guard,
            Err(_) => Arc::clone(&permit.cell).lock_owned().await,
        };
        deadline.check()?;
        let stored = guard.take();
        permit.guard = Some(guard);
        Ok((permit, stored))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<StoreKey, Cell>> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Passes the stored record to the next save, if one is waiting.
    pub(super) fn publish(&mut self, record: &RecordRef, payload: impl FnOnce() -> String) {
        // The map, this permit, its guard and each waiting save refer to the cell.
        if Arc::strong_count(&self.cell) > 3
            && record.key == self.key
            && let Some(guard) = &mut self.guard
        {
            **guard = Some(Stored { record: record.clone(), payload: payload() });
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut cells = self.queue.lock();
        self.guard = None;
        // Only the map and this permit refer to the cell, so no save is waiting.
        if Arc::strong_count(&self.cell) == 2 {
            cells.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};
    use std::time::{Duration, SystemTime};

    use super::super::content::Nonces;
    use super::super::lineage::Lineage;
    use super::super::position::Seen;
    use super::*;
    use crate::SessionConfig;
    use crate::store::Version;

    #[test]
    fn saves_wait_for_each_other_and_leave_no_entry() {
        let (queue, config) = (Queue::default(), SessionConfig::default());
        let deadline = Deadline::start(&config);
        let key = StoreKey::from_bytes([1; 32]);
        let first = at_once(queue.wait(key, &deadline)).expect("the first waits").unwrap();
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut given_up = pin!(queue.wait(key, &deadline));
            assert!(given_up.as_mut().poll(&mut context).is_pending());
        }
        let mut second = pin!(queue.wait(key, &deadline));
        assert!(second.as_mut().poll(&mut context).is_pending());
        assert!(at_once(queue.wait(StoreKey::from_bytes([2; 32]), &deadline)).is_some());
        drop(first);
        let Poll::Ready(second) = second.poll(&mut context) else {
            panic!("the second still waits")
        };
        assert_eq!(queue.lock().len(), 1);
        drop(second);
        assert!(queue.lock().is_empty());
    }

    #[test]
    fn only_next_waiting_save_gets_stored_record() {
        let (queue, config) = (Queue::default(), SessionConfig::default());
        let deadline = Deadline::start(&config);
        let key = StoreKey::from_bytes([1; 32]);
        let mut context = Context::from_waker(Waker::noop());
        let (mut first, _) = at_once(queue.wait(key, &deadline)).expect("the first waits").unwrap();
        first.publish(&record(key, 1), String::new);
        assert!(first.guard.as_ref().expect("it is held").is_none());
        let (mut second, mut third) =
            (pin!(queue.wait(key, &deadline)), pin!(queue.wait(key, &deadline)));
        assert!(
            second.as_mut().poll(&mut context).is_pending()
                && third.as_mut().poll(&mut context).is_pending()
        );
        first.publish(&record(StoreKey::from_bytes([2; 32]), 2), String::new);
        assert!(first.guard.as_ref().expect("it is held").is_none());
        first.publish(&record(key, 3), || "{}".to_owned());
        drop(first);
        let Poll::Ready(Ok((second, stored))) = second.poll(&mut context) else {
            panic!("the second still waits")
        };
        let stored = stored.expect("the first stored something");
        assert_eq!((stored.record.version, &*stored.payload), (Version::new(3), "{}"));
        drop(second);
        let Poll::Ready(Ok((_third, stored))) = third.poll(&mut context) else {
            panic!("the third still waits")
        };
        assert!(stored.is_none(), "the second stored nothing");
    }

    fn at_once<F: Future>(future: F) -> Option<F::Output> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    fn record(key: StoreKey, version: u64) -> RecordRef {
        let (created_at, expires_at) = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH);
        let (version, lineage) = (Version::new(version), Lineage::generate().expect("randomness"));
        RecordRef {
            id: None,
            key,
            version,
            seen: Seen::default(),
            kept_for: Duration::ZERO,
            is_retried: false,
            is_removal_tried: false,
            successor: None,
            unused: None,
            created_at,
            expires_at,
            login: None,
            lineage,
            nonces: Nonces::default(),
            attempts: Vec::new(),
        }
    }
}
