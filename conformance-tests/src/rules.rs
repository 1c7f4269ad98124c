//! The rules, by what they check. Each file has the rules of one subject.

pub(crate) mod adapter;
pub(crate) mod interface;
pub(crate) mod store;
