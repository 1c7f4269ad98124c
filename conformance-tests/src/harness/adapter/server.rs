//! The application for checking an adapter.

use session_core::async_trait;

use crate::harness::adapter::message::{Request, Response};

/// An application in the framework of the adapter, in the process or behind a socket.
///
/// It has three handlers, each for every method:
///
/// | path | handler |
/// |---|---|
/// | begins with `/untouched` | does not obtain the session, and responds with [`respond_untouched`](super::respond_untouched) |
/// | `/twice` | obtains the session twice, and responds with [`respond_twice`](super::respond_twice) |
/// | every other path | obtains the session, and responds with [`respond`](super::respond) |
///
/// One rule sends a request whose handler panics. The panic may reach the caller of
/// [`call`](Self::call). Another rule drops the future of a call while the handler runs.
///
/// With the argument `two_sessions` of the suite, a second application has two types of sessions:
///
/// | path | handler |
/// |---|---|
/// | `/both` | obtains the sessions of both types, and responds with [`respond_both`](super::respond_both) |
/// | begins with `/second/` | obtains the session of the second type, and responds with [`respond`](super::respond) |
/// | every other path | obtains the session of the first type, and responds with [`respond`](super::respond) |
///
/// With the argument `streams` of the suite, the response to a path that begins with `/streamed`
/// has a streamed body of [`TestResponse::chunks`](super::TestResponse::chunks).
///
/// # Examples
///
/// ```
/// use session_conformance::adapter::{Request, Response, Server};
/// use session_core::async_trait;
///
/// struct Teapot;
///
/// #[async_trait]
/// impl Server for Teapot {
///     async fn call(&self, request: Request) -> Response {
///         Response::new(418).body(format!("no {}", request.target()))
///     }
/// }
/// ```
#[async_trait]
pub trait Server: Send + Sync + 'static {
    /// Sends the request and collects the response. Calls may overlap.
    async fn call(&self, request: Request) -> Response;
}
