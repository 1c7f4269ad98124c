//! The progress of a command. It is written to standard error if standard error is a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time between two updates.
const PERIOD: Duration = Duration::from_millis(200);

/// A counter that is shown while a command runs. Clones share the count.
#[derive(Clone)]
pub(crate) struct Progress {
    what: &'static str,
    state: Arc<Mutex<State>>,
}

struct State {
    count: u64,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    /// Returns a counter with this label, such as `ended`.
    pub(crate) fn new(what: &'static str) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { what, state: Arc::new(Mutex::new(State { count: 0, shown: None, is_terminal })) }
    }

    pub(crate) fn add(&self, count: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.count += count;
        if state.is_terminal && state.shown.is_none_or(|shown| shown.elapsed() >= PERIOD) {
            state.shown = Some(Instant::now());
            // The command continues if the terminal is closed.
            let _ = write!(std::io::stderr(), "\r{} {}", state.count, self.what);
        }
    }
}

impl Drop for State {
    /// Removes the line.
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
