//! The versions of the engine's records.
//!
//! A build that supports a newer version than 1 must write version 1 until a setting enables the
//! newer version. Before an operator enables the setting, all instances of the application must
//! support the newer version.

/// The newest version that this build reads.
pub(crate) const NEWEST: u8 = 1;

/// Returns the version that this build writes.
pub(crate) const fn written() -> u8 {
    1
}
