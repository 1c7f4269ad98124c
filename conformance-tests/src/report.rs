//! Reports of the failure of a rule and of all rules.

mod contract;
mod failure;

pub use contract::contract;
pub use failure::Failure;
pub(crate) use failure::{Calls, Checked, chain};
