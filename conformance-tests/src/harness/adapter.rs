//! The code that the rules of an adapter share.

pub(crate) mod application;
pub(crate) mod cases;
pub(crate) mod expected;
pub(crate) mod handlers;
pub(crate) mod message;
pub(crate) mod observed;
pub(crate) mod reply;
pub(crate) mod server;
pub(crate) mod under_test;

pub use handlers::{Chunks, TestResponse, respond, respond_both, respond_twice, respond_untouched};
pub use message::{Request, Response};
pub use server::Server;
pub use under_test::AdapterUnderTest;
