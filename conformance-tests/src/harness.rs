//! The parts that the rules share: the backend or adapter under test, records, clients and
//! overlapping calls.

pub(crate) mod adapter;
pub(crate) mod interface;
pub(crate) mod store;
