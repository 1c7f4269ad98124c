//! The code that the rules of an interface share.

pub(crate) mod browser;
pub(crate) mod hooks;
pub(crate) mod model;
pub(crate) mod owning;
pub(crate) mod permanent;
pub(crate) mod times;
pub(crate) mod under_test;

pub use under_test::InterfaceUnderTest;
