//! A client for tests of whole applications. It sends requests, stores cookies, follows redirects,
//! and changes sessions without HTTP. This module needs the feature `testing`.
//!
//! The crate `session-testing` has the parts that do not depend on actix-web.
//!
//! # Examples
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{Duration, SystemTime};
//!
//! use actix_web::test::init_service;
//! use actix_web::web::{self, Redirect};
//! use actix_web::{App, Responder};
//! use session_actix::testing::TestClient;
//! use session_actix::{Error, Session, SessionMiddleware};
//! use session_core::{ManualClock, SessionConfig, SessionInterface};
//! use session_memory::{MemorySessions, MemoryStore};
//!
//! async fn greet(session: Session) -> Result<String, Error> {
//!     Ok(match session.get::<String>("user")? {
//!         Some(user) => format!("Hello {user}"),
//!         None => "Please log in".to_owned(),
//!     })
//! }
//!
//! async fn log_in(session: Session, user: String) -> Result<impl Responder, Error> {
//!     session.log_in(&user, None).await?;
//!     session.insert("user", user)?;
//!     Ok(Redirect::to("/").see_other())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # actix_web::rt::System::new().block_on(async {
//! // In an #[actix_web::test]:
//! let clock = ManualClock::at(SystemTime::now());
//! let config = SessionConfig::builder()
//!     .clock(clock.clone())
//!     .idle_timeout(Duration::from_secs(3600))
//!     .build()?;
//! let sessions: Arc<dyn SessionInterface> =
//!     Arc::new(MemorySessions::new(MemoryStore::new(), config));
//! let app = App::new()
//!     .wrap(SessionMiddleware::new(Arc::clone(&sessions)))
//!     .route("/", web::get().to(greet))
//!     .route("/login", web::post().to(log_in));
//! let mut client = TestClient::new(init_service(app).await, sessions);
//!
//! // Log in with HTTP requests:
//! let response = client.post("/login", "text/plain", "ada").await?;
//! assert_eq!(response.status(), 303);
//! assert_eq!(client.follow(response).await?.text(), "Hello ada");
//!
//! // Change the session without HTTP, and inspect it:
//! client.browser_mut().session_transaction(async |session| session.insert("user", "bob")).await?;
//! assert_eq!(client.get("/").await?.text(), "Hello bob");
//! assert_eq!(client.browser().session().await?.owner().as_deref(), Some("ada"));
//!
//! // Let the session expire:
//! clock.advance(Duration::from_secs(3700));
//! assert_eq!(client.get("/").await?.text(), "Please log in");
//! # Ok(())
//! # })
//! # }
//! ```

use std::fmt;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};

use actix_web::HttpResponse;
use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::test::TestRequest;
use session_core::{Error, ErrorKind, SessionInterface};

#[doc(no_inline)]
pub use session_testing::{Application, Browser, Request, TestResponse};

/// A client of an application in this process. The application is the service that
/// [`init_service`](actix_web::test::init_service) creates from an `App`.
///
/// This type dereferences to [`session_testing::TestClient`], which has the methods.
pub struct TestClient<S> {
    client: session_testing::TestClient<ActixApplication<S>>,
}

impl<S> TestClient<S> {
    /// Returns a client of an application with these sessions. Pass an `Arc` of the same interface
    /// to the middleware and to the client.
    pub fn new(service: S, sessions: impl SessionInterface) -> Self {
        let application = ActixApplication { service };
        Self { client: session_testing::TestClient::new(application, sessions) }
    }
}

impl<S> Deref for TestClient<S> {
    type Target = session_testing::TestClient<ActixApplication<S>>;

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

/// An actix-web service as the [`Application`] of a [`TestClient`]. An error of the service is
/// converted into its error response, as in a server.
#[derive(Debug)]
pub struct ActixApplication<S> {
    service: S,
}

impl<S, B> Application for ActixApplication<S>
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    async fn call(&mut self, request: Request) -> Result<TestResponse, Error> {
        let request = in_actix(&request)?;
        let ready = poll_fn(|context| self.service.poll_ready(context)).await;
        let response = match ready {
            Ok(()) => self.service.call(request).await,
            Err(error) => Err(error),
        };
        match response {
            Ok(response) => read(response.into_parts().1).await,
            Err(error) => read(HttpResponse::from_error(error)).await,
        }
    }
}

fn in_actix(request: &Request) -> Result<actix_http::Request, Error> {
    let method = Method::from_bytes(request.method().as_bytes()).map_err(unusable)?;
    let uri = Uri::try_from(request.path()).map_err(unusable)?;
    let mut built = TestRequest::with_uri(&uri.to_string()).method(method);
    for (name, value) in request.headers() {
        let name = HeaderName::try_from(name).map_err(unusable)?;
        built = built.append_header((name, HeaderValue::try_from(value).map_err(unusable)?));
    }
    if !request.body().is_empty() {
        built = built.set_payload(request.body().to_vec());
    }
    Ok(built.to_request())
}

async fn read<B: MessageBody>(response: HttpResponse<B>) -> Result<TestResponse, Error> {
    let mut read = TestResponse::new(response.status().as_u16());
    for (name, value) in response.headers() {
        read = read.with_header(name.as_str(), value);
    }
    let body = to_bytes(response.into_body()).await.map_err(|error| {
        let message = format!("response body is incomplete: {}", error.into());
        Error::new(ErrorKind::Backend, message)
    })?;
    Ok(read.with_body(body))
}

fn unusable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Configuration, "request cannot be represented in HTTP").with_source(error)
}
