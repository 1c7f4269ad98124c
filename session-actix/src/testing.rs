//! Testing a whole application in the process: requests, cookies, redirects, and sessions without a login form; behind
//! the feature `testing`.
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
//! use session_memory::MemorySessions;
//!
//! async fn greet(session: Session) -> Result<String, Error> {
//!     Ok(match session.get::<String>("user")? {
//!         Some(user) => format!("Hello {user}"),
//!         None => "Who are you?".to_owned(),
//!     })
//! }
//!
//! async fn log_in(session: Session, user: String) -> Result<impl Responder, Error> {
//!     session.set_owner(&*user)?;
//!     session.insert("user", user)?;
//!     Ok(Redirect::to("/").see_other())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # actix_web::rt::System::new().block_on(async {
//! let clock = ManualClock::at(SystemTime::now());
//! let config = SessionConfig::builder().clock(clock.clone()).idle_timeout(Duration::from_secs(3600)).build()?;
//! let sessions: Arc<dyn SessionInterface> = Arc::new(MemorySessions::new(config));
//! let app = App::new()
//!     .wrap(SessionMiddleware::new(Arc::clone(&sessions)))
//!     .route("/", web::get().to(greet))
//!     .route("/login", web::post().to(log_in));
//! let mut client = TestClient::new(init_service(app).await, sessions);
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

use actix_web::HttpResponse;
use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::test::TestRequest;
use session_core::{Error, ErrorKind, SessionInterface, testing};

#[doc(no_inline)]
pub use session_core::testing::{Answer, Application, Browser, Request};

/// A visitor of an application in this process: what [`init_service`](actix_web::test::init_service) makes of an `App`.
///
/// It dereferences to [`session_core::testing::TestClient`], which has `get`, `post_form`, `follow` and the rest.
///
/// ```
/// use actix_web::{App, test::init_service, web};
/// use session_actix::testing::TestClient;
/// use session_core::NullSessions;
///
/// # actix_web::rt::System::new().block_on(async {
/// let app = App::new().route("/", web::get().to(async || "hello"));
/// let mut client = TestClient::new(init_service(app).await, NullSessions::new("no key"));
/// assert_eq!(client.get("/").await?.text(), "hello");
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
pub struct TestClient<S> {
    client: testing::TestClient<ActixApplication<S>>,
}

impl<S> TestClient<S> {
    /// A visitor of an application with these sessions: give the middleware and the client an `Arc` of the same.
    ///
    /// ```
    /// # use actix_web::{App, test::init_service};
    /// # use session_actix::testing::TestClient;
    /// # use session_core::NullSessions;
    /// # actix_web::rt::System::new().block_on(async {
    /// let client = TestClient::new(init_service(App::new()).await, NullSessions::new("no key"));
    /// assert_eq!(client.browser().host(), "localhost");
    /// # });
    /// ```
    pub fn new(service: S, sessions: impl SessionInterface) -> Self {
        Self { client: testing::TestClient::new(ActixApplication { service }, sessions) }
    }
}

impl<S> Deref for TestClient<S> {
    type Target = testing::TestClient<ActixApplication<S>>;

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

/// A service of actix-web's, as a [`TestClient`] visits it. As with actix-web's server, an error of the service is the
/// response that it becomes.
///
/// ```
/// use actix_web::{App, test::init_service};
/// use session_actix::testing::{ActixApplication, Application, TestClient};
/// use session_core::NullSessions;
///
/// fn visits<S>(_: &TestClient<S>) where ActixApplication<S>: Application {}
///
/// # actix_web::rt::System::new().block_on(async {
/// visits(&TestClient::new(init_service(App::new()).await, NullSessions::new("no key")));
/// # });
/// ```
#[derive(Debug)]
pub struct ActixApplication<S> {
    service: S,
}

impl<S, B> Application for ActixApplication<S>
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    async fn answer(&mut self, request: Request) -> Result<Answer, Error> {
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

async fn read<B: MessageBody>(response: HttpResponse<B>) -> Result<Answer, Error> {
    let mut answer = Answer::new(response.status().as_u16());
    for (name, value) in response.headers() {
        answer = answer.with_header(name.as_str(), value);
    }
    let body = to_bytes(response.into_body()).await.map_err(|error| {
        Error::new(ErrorKind::Backend, format!("the body of the response breaks off: {}", error.into()))
    })?;
    Ok(answer.with_body(body))
}

fn unusable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Configuration, "this request cannot be sent").with_source(error)
}
