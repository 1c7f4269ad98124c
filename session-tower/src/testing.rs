//! Testing a whole application in the process: requests, cookies, redirects, and sessions without a login form; behind
//! the feature `testing`.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{Duration, SystemTime};
//!
//! use axum::response::Redirect;
//! use axum::routing::{get, post};
//! use axum::Router;
//! use session_core::{ManualClock, SessionConfig, SessionInterface};
//! use session_memory::MemorySessions;
//! use session_tower::testing::TestClient;
//! use session_tower::{Error, Session, SessionLayer};
//!
//! fn app(sessions: Arc<dyn SessionInterface>) -> Router {
//!     let greet = async |session: Session| match session.get::<String>("user")? {
//!         Some(user) => Ok(format!("Hello {user}")),
//!         None => Ok::<_, Error>("Who are you?".to_owned()),
//!     };
//!     let log_in = async |session: Session, user: String| {
//!         session.set_owner(&*user)?;
//!         session.insert("user", user)?;
//!         Ok::<_, Error>(Redirect::to("/"))
//!     };
//!     Router::new().route("/", get(greet)).route("/login", post(log_in)).layer(SessionLayer::new(sessions))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let clock = ManualClock::at(SystemTime::now());
//! let config = SessionConfig::builder().clock(clock.clone()).idle_timeout(Duration::from_secs(3600)).build()?;
//! let sessions: Arc<dyn SessionInterface> = Arc::new(MemorySessions::new(config));
//! let mut client = TestClient::new(app(Arc::clone(&sessions)), sessions);
//!
//! // Through the front door:
//! let answer = client.post("/login", "text/plain", "ada").await?;
//! assert_eq!(answer.status(), 303);
//! assert_eq!(client.follow(answer).await?.text(), "Hello ada");
//!
//! // Logged in without HTTP:
//! client.browser_mut().session_transaction(|session| session.insert("user", "bob")).await?;
//! assert_eq!(client.get("/").await?.text(), "Hello bob");
//! assert_eq!(client.browser().session().await?.owner().as_deref(), Some("ada"));
//!
//! // An hour and a bit later:
//! clock.advance(Duration::from_secs(3700));
//! assert_eq!(client.get("/").await?.text(), "Who are you?");
//! # Ok(())
//! # })
//! # }
//! ```

use std::fmt;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use http::Response;
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use session_core::{Error, ErrorKind, SessionInterface, testing};
use tower_service::Service;

#[doc(no_inline)]
pub use session_core::testing::{Answer, Application, Browser, Request};

/// A visitor of an application in this process: an axum `Router`, or any tower HTTP service that takes `Full<Bytes>` as a
/// request body; one that wants another has `tower::ServiceExt::map_request`.
///
/// It dereferences to [`session_core::testing::TestClient`], which has `get`, `post_form`, `follow` and the rest.
///
/// ```
/// use session_core::NullSessions;
/// use session_tower::testing::TestClient;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let app: axum::Router = axum::Router::new().route("/", axum::routing::get(async || "hello"));
/// let mut client = TestClient::new(app, NullSessions::new("no key"));
/// assert_eq!(client.get("/").await?.text(), "hello");
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
pub struct TestClient<S> {
    client: testing::TestClient<TowerApplication<S>>,
}

impl<S> TestClient<S> {
    /// A visitor of an application with these sessions: give the layer and the client an `Arc` of the same.
    ///
    /// ```
    /// # use session_core::NullSessions;
    /// # use session_tower::testing::TestClient;
    /// let client = TestClient::new(axum::Router::<()>::new(), NullSessions::new("no key"));
    /// assert_eq!(client.browser().host(), "localhost");
    /// ```
    pub fn new(service: S, sessions: impl SessionInterface) -> Self {
        Self { client: testing::TestClient::new(TowerApplication { service }, sessions) }
    }
}

impl<S> Deref for TestClient<S> {
    type Target = testing::TestClient<TowerApplication<S>>;

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

/// A tower service, as a [`TestClient`] visits it.
///
/// ```
/// use session_tower::testing::{Application, TestClient, TowerApplication};
///
/// fn is_application<A: Application>() {}
///
/// is_application::<TowerApplication<axum::Router>>();
/// ```
#[derive(Debug)]
pub struct TowerApplication<S> {
    service: S,
}

impl<S, R> Application for TowerApplication<S>
where
    S: Service<http::Request<Full<Bytes>>, Response = Response<R>, Error: fmt::Display>,
    R: Body<Error: fmt::Display>,
{
    async fn answer(&mut self, request: Request) -> Result<Answer, Error> {
        let request = in_http(&request)?;
        poll_fn(|context| self.service.poll_ready(context)).await.map_err(failed)?;
        let (head, body) = self.service.call(request).await.map_err(failed)?.into_parts();
        let mut answer = Answer::new(head.status.as_u16());
        for (name, value) in &head.headers {
            answer = answer.with_header(name.as_str(), value);
        }
        Ok(answer.with_body(body.collect().await.map_err(failed)?.to_bytes()))
    }
}

fn in_http(request: &Request) -> Result<http::Request<Full<Bytes>>, Error> {
    let mut built = http::Request::builder().method(request.method()).uri(request.path());
    for (name, value) in request.headers() {
        built = built.header(name, value);
    }
    built
        .body(Full::from(request.body().to_vec()))
        .map_err(|error| Error::new(ErrorKind::Configuration, "this request cannot be sent").with_source(error))
}

fn failed(error: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Backend, format!("the application gave an error instead of a response: {error}"))
}
