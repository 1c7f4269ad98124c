//! A client for tests of whole applications. It sends requests, stores cookies, follows redirects,
//! and changes sessions without HTTP. This module needs the feature `testing`.
//!
//! The crate `session-testing` has the parts that do not depend on tower, and a complete example.

use std::fmt;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use session_core::{Error, ErrorKind, SessionInterface};
use tower_service::Service;

#[doc(no_inline)]
pub use session_testing::{Application, Browser, Request, TestResponse};

/// A client of an application in this process: an axum `Router`, or any tower HTTP service with the
/// request body `Full<Bytes>`. Use `tower::ServiceExt::map_request` for other request bodies.
///
/// This type dereferences to [`session_testing::TestClient`], which has the methods.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use axum::routing::get;
/// use axum::Router;
/// use session_core::{SessionConfig, SessionInterface};
/// use session_memory::{MemorySessions, MemoryStore};
/// use session_tower::testing::TestClient;
/// use session_tower::{Session, SessionLayer};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let sessions: Arc<dyn SessionInterface> =
///     Arc::new(MemorySessions::new(MemoryStore::new(), SessionConfig::default()));
/// let app = Router::new()
///     .route("/", get(async |session: Session| session.owner().unwrap_or_default()))
///     .layer(SessionLayer::new(Arc::clone(&sessions)));
///
/// let mut client = TestClient::new(app, sessions);
/// let login = async |session: &session_core::Session| session.log_in("ada", None).await;
/// client.browser_mut().session_transaction(login).await?;
/// assert_eq!(client.get("/").await?.text(), "ada");
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
pub struct TestClient<S> {
    client: session_testing::TestClient<TowerApplication<S>>,
}

impl<S> TestClient<S> {
    /// Returns a client of an application with these sessions. Pass an `Arc` of the same interface
    /// to the layer and to the client.
    pub fn new(service: S, sessions: impl SessionInterface) -> Self {
        let application = TowerApplication { service };
        Self { client: session_testing::TestClient::new(application, sessions) }
    }
}

impl<S> Deref for TestClient<S> {
    type Target = session_testing::TestClient<TowerApplication<S>>;

    fn deref(&self) -> &Self::Target {
        &self.client
    }
}

impl<S> DerefMut for TestClient<S> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.client
    }
}

impl<S> fmt::Debug for TestClient<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

/// A tower service as the [`Application`] of a [`TestClient`].
#[derive(Debug)]
pub struct TowerApplication<S> {
    service: S,
}

impl<S, R> Application for TowerApplication<S>
where
    S: Service<http::Request<Full<Bytes>>, Response = Response<R>, Error: fmt::Display>,
    R: Body<Error: fmt::Display>,
{
    async fn call(&mut self, request: Request) -> Result<TestResponse, Error> {
        let request = in_http(&request)?;
        poll_fn(|context| self.service.poll_ready(context)).await.map_err(failed)?;
        let (head, body) = self.service.call(request).await.map_err(failed)?.into_parts();
        let mut response = TestResponse::new(head.status.as_u16());
        for (name, value) in &head.headers {
            response = response.with_header(name.as_str(), value);
        }
        Ok(response.with_body(body.collect().await.map_err(failed)?.to_bytes()))
    }
}

fn in_http(request: &Request) -> Result<http::Request<Full<Bytes>>, Error> {
    let mut built = http::Request::builder().method(request.method()).uri(request.path());
    for (name, value) in request.headers() {
        built = built.header(name, value);
    }
    built.body(Full::from(request.body().to_vec())).map_err(|error| {
        Error::new(ErrorKind::Configuration, "request cannot be represented in HTTP")
            .with_source(error)
    })
}

fn failed(error: impl fmt::Display) -> Error {
    Error::new(
        ErrorKind::Backend,
        format!("application returned an error instead of a response: {error}"),
    )
}
