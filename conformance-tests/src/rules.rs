//! The rules by subject, with one file for each subject.

pub(crate) mod adapter;
pub(crate) mod interface;
pub(crate) mod store;
