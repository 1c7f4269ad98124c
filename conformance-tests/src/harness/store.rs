//! The code that the rules of a store share.

pub(crate) mod crowd;
pub(crate) mod entry;
pub(crate) mod expired;
pub(crate) mod forced;
pub(crate) mod history;
pub(crate) mod limits;
pub(crate) mod model;
pub(crate) mod observer;
pub(crate) mod overlap;
pub(crate) mod process;
pub(crate) mod reading;
pub(crate) mod renewal;
pub(crate) mod samples;
pub(crate) mod siblings;
pub(crate) mod steps;
pub(crate) mod sweeps;
pub(crate) mod threads;
pub(crate) mod under_test;
pub(crate) mod values;
pub(crate) mod waiting;
pub(crate) mod watching;

pub use under_test::StoreUnderTest;
