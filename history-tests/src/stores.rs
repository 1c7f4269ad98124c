//! The stores that a round uses.

use std::sync::Arc;
use std::time::Duration;

use session_core::store::{OwnerIndex, Sweep};

use crate::plan::ENGINES;

/// One store over two connections.
#[derive(Debug)]
pub struct Stores {
    pub(crate) name: &'static str,
    pub(crate) engines: [Arc<dyn OwnerIndex>; ENGINES],
    /// Whether calls fail only if the round wants it.
    pub(crate) reliable: bool,
    pub(crate) sweeps: Option<[Arc<dyn Sweep>; ENGINES]>,
    /// The time after their expiry at which the round removes records.
    pub(crate) grace: Duration,
}

impl Stores {
    /// Returns a store over two connections to one server. The name appears in failures.
    pub fn new(name: &'static str, stores: [Arc<dyn OwnerIndex>; 2]) -> Self {
        Self { name, engines: stores, reliable: false, sweeps: None, grace: Duration::ZERO }
    }

    /// Makes the check fail if a store call fails without an injected fault. Without this setting,
    /// a server may be busy.
    #[must_use]
    pub fn reliable(mut self) -> Self {
        self.reliable = true;
        self
    }

    /// Lets the rounds also remove records that expired longer ago than `grace`. A store that
    /// processes with different clocks share adds one itself.
    #[must_use]
    pub fn with_sweeps(mut self, sweeps: [Arc<dyn Sweep>; 2], grace: Duration) -> Self {
        (self.sweeps, self.grace) = (Some(sweeps), grace);
        self
    }
}
