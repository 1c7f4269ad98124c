//! The sessions for which this thread is running user-supplied code.
//!
//! A function that is passed to `Session::update` runs outside the lock. It runs again if the
//! session was changed in the meantime. A function that changes its own session would run forever.
//! Therefore the thread records the session while the function runs. Changes by other threads are
//! allowed, and cause another run.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use super::holder::Holder;
use crate::error::{Error, ErrorKind};

thread_local! {
    /// The addresses of the holders, the outermost first.
    static RUNNING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// A weak reference that identifies a session. The address of the session is not reused while this
/// value exists.
#[derive(Clone)]
pub(super) struct Identity {
    holder: Weak<dyn Holder>,
}

impl Identity {
    pub(super) fn of(holder: &Arc<dyn Holder>) -> Self {
        Self { holder: Arc::downgrade(holder) }
    }

    /// Runs user-supplied code for the session.
    pub(super) fn run<R>(&self, code: impl FnOnce() -> R) -> R {
        let _running = Running::enter(self.holder.as_ptr().cast::<()>().addr());
        code()
    }
}

/// Fails if this thread is running code for the session.
pub(super) fn check_not_running(holder: &Arc<dyn Holder>) -> Result<(), Error> {
    let address = Arc::as_ptr(holder).cast::<()>().addr();
    // A thread that is exiting runs no such code.
    let is_running = RUNNING.try_with(|running| running.borrow().contains(&address));
    if !is_running.unwrap_or(false) {
        return Ok(());
    }
    let message = "a function passed to Session::update changes its own session; \
                   return the new value instead, or make the change after the update";
    Err(Error::new(ErrorKind::Reentrant, message))
}

/// A guard that removes the entry of a thread when the code returns or panics.
struct Running;

impl Running {
    fn enter(address: usize) -> Self {
        let _exiting = RUNNING.try_with(|running| running.borrow_mut().push(address));
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _exiting = RUNNING.try_with(|running| running.borrow_mut().pop());
    }
}
