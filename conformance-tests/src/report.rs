//! The report of a failed check, and the list of all rules.

mod contract;
mod failure;

pub use contract::contract;
pub use failure::Failure;
pub(crate) use failure::{Calls, Checked, chain};
