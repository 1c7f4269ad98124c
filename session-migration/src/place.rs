//! The location of a session between `open` and `save`.

use std::fmt;

use session_core::interface::Opened;

/// The part of the new backend in the combined interface.
pub(crate) const NEW: u8 = 0;
/// The part of the old backend.
pub(crate) const OLD: u8 = 1;

/// The location of a session when it was opened. This value is the backend state of the session.
#[derive(Debug)]
pub(crate) enum Place {
    New {
        /// Whether a copy of an old cookie may open the session after the session has ended.
        has_copies: bool,
    },
    Old(Box<OldPlace>),
    /// The session has another id in the old backend. Changes are dropped.
    Rotated,
}

/// A session in the old backend.
pub(crate) struct OldPlace {
    pub(crate) id: [u8; 32],
    pub(crate) lineage: [u8; 16],
    /// The session as it was opened.
    pub(crate) opened: Opened,
}

impl fmt::Debug for OldPlace {
    /// Shows neither the id nor the lineage.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OldPlace").field("opened", &self.opened).finish_non_exhaustive()
    }
}
