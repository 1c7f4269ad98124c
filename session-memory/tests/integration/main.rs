//! The tests of the stores in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cached;
mod capacity;
mod model;
mod permanent;
mod saving;
