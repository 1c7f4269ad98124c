//! A client of a whole application in this process, for any framework.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;

use serde::Serialize;
use session_core::{Error, ErrorKind, SessionInterface};

use super::{Browser, Request, TestResponse};

/// The maximum number of redirects in a row.
const MAX_REDIRECTS: usize = 10;

/// An application that receives the requests of a [`TestClient`].
///
/// Adapters implement this trait for the services of their framework. An asynchronous closure is
/// also an application.
///
/// # Examples
///
/// ```
/// use session_testing::{Application, Request, TestResponse};
///
/// fn is_application(_: &impl Application) {}
///
/// is_application(&async |request: Request| {
///     Ok(TestResponse::new(200).with_body(request.body()))
/// });
/// ```
pub trait Application {
    /// Responds to one request, as the server of the framework would, and reads the complete body.
    ///
    /// The client adds the `Cookie` header and processes the `Set-Cookie` headers.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Configuration`] for a request that the framework cannot represent.
    /// - [`ErrorKind::Backend`] if the application returns an error instead of a response, or if
    ///   the body ends with an error.
    fn call(&mut self, request: Request) -> impl Future<Output = Result<TestResponse, Error>>;
}

impl<F: AsyncFnMut(Request) -> Result<TestResponse, Error>> Application for F {
    async fn call(&mut self, request: Request) -> Result<TestResponse, Error> {
        self(request).await
    }
}

/// A client of an application in this process. Its [`Browser`] stores the cookies.
///
/// Each adapter has a `TestClient`, which accepts an application of the framework and dereferences
/// to this type.
///
/// # Examples
///
/// ```
/// use session_core::interface::NullSessions;
/// use session_testing::{Request, TestClient, TestResponse};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let echo = async |request: Request| Ok(TestResponse::new(200).with_body(request.body()));
/// let mut client = TestClient::new(echo, NullSessions::new("no key"));
/// assert_eq!(client.post_form("/", &[("user", "Ada L.")]).await?.text(), "user=Ada+L.");
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
pub struct TestClient<A> {
    application: A,
    browser: Browser,
}

impl<A> TestClient<A> {
    /// Returns a client of an application with these sessions. Pass an `Arc` of the same interface
    /// to the adapter's layer and to the client.
    pub fn new(application: A, sessions: impl SessionInterface) -> Self {
        Self { application, browser: Browser::new(sessions) }
    }

    /// Returns the browser for reading its cookies and its session.
    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// Returns the browser for changing its origin, its cookies or its session.
    pub fn browser_mut(&mut self) -> &mut Browser {
        &mut self.browser
    }
}

impl<A: Application> TestClient<A> {
    /// Sends a `GET` request. The path may have a query.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`send`](Self::send).
    pub async fn get(&mut self, path: &str) -> Result<TestResponse, Error> {
        self.send(Request::new("GET", path)).await
    }

    /// Sends a `POST` request with a body of this content type.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`send`](Self::send).
    pub async fn post(
        &mut self,
        path: &str,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Result<TestResponse, Error> {
        let request = Request::new("POST", path).with_header("content-type", content_type);
        self.send(request.with_body(body)).await
    }

    /// Sends a `POST` request with an HTML form.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`send`](Self::send).
    pub async fn post_form(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<TestResponse, Error> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post(path, "application/x-www-form-urlencoded", form).await
    }

    /// Sends a `POST` request with a value as JSON.
    ///
    /// # Errors
    ///
    /// - Returns the errors of [`send`](Self::send).
    /// - [`ErrorKind::Value`] if the value cannot be written as JSON.
    pub async fn post_json(
        &mut self,
        path: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<TestResponse, Error> {
        let json = serde_json::to_vec(value).map_err(|error| {
            Error::new(ErrorKind::Value, "request body cannot be written as JSON")
                .with_source(error)
        })?;
        self.post(path, "application/json", json).await
    }

    /// Sends a request with the host and the cookies of the browser, and stores the cookies of the
    /// response. Cookies that browsers reject are ignored.
    ///
    /// Redirects are not followed; see [`follow`](Self::follow).
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Configuration`] for an invalid path, method or header.
    /// - [`ErrorKind::Backend`] if the application returns an error instead of a response, or if
    ///   the body ends with an error.
    pub async fn send(&mut self, request: Request) -> Result<TestResponse, Error> {
        if !request.path().starts_with('/') {
            let message = "path of a request must begin with /";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let mut sent = request.clone().replacing_header("host", self.browser.host());
        if let Some(cookies) = self.browser.cookie_header(request.path()) {
            sent = sent.with_header("cookie", cookies);
        }
        let response = self.application.call(sent).await?;
        for (name, value) in response.headers() {
            if name.eq_ignore_ascii_case("set-cookie") {
                let _rejected = self.browser.receive(request.path(), value);
            }
        }
        Ok(response.to(request))
    }

    /// Follows redirects as a browser does, and returns the last response. If the response is not a
    /// redirect, it is returned unchanged.
    ///
    /// The next request is a `GET` after status 303 (except for `HEAD`), and after a `POST` with
    /// status 301 or 302. Otherwise the request is repeated. A redirect to another origin changes
    /// the origin of the browser.
    ///
    /// # Errors
    ///
    /// - Returns the errors of [`send`](Self::send).
    /// - [`ErrorKind::Backend`] for a `Location` that is invalid or a relative path, and after more
    ///   than ten redirects.
    ///
    /// # Examples
    ///
    /// ```
    /// # use session_core::interface::NullSessions;
    /// # use session_testing::{Request, TestClient, TestResponse};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let app = async |request: Request| match request.path() {
    ///     "/" => Ok(TestResponse::new(303).with_header("location", "/home")),
    ///     path => Ok(TestResponse::new(200).with_body(path)),
    /// };
    /// let mut client = TestClient::new(app, NullSessions::new("no key"));
    /// let response = client.get("/").await?;
    /// assert_eq!(client.follow(response).await?.text(), "/home");
    /// # Ok::<(), session_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn follow(&mut self, mut response: TestResponse) -> Result<TestResponse, Error> {
        let mut redirects = 0;
        while let Some((location, request)) = response.redirect() {
            if redirects == MAX_REDIRECTS {
                return Err(backend(format!("more than {MAX_REDIRECTS} redirects in a row")));
            }
            redirects += 1;
            let path = self.go_along(location)?;
            response = self.send(request.at(path)).await?;
        }
        Ok(response)
    }

    /// Returns the path of a redirect. If the target is at another origin, the browser changes its
    /// origin.
    fn go_along(&mut self, location: &str) -> Result<String, Error> {
        let location = location.split('#').next().unwrap_or_default();
        if location.starts_with('/') && !location.starts_with("//") {
            return Ok(location.to_owned());
        }
        let location = if location.starts_with("//") {
            let scheme = if self.browser.origin.is_secure() { "https" } else { "http" };
            Cow::Owned(format!("{scheme}:{location}"))
        } else {
            Cow::Borrowed(location)
        };
        let scheme_end = location.find("://").ok_or_else(|| {
            backend("redirect to a relative path, which the test client does not resolve")
        })?;
        let host = scheme_end + "://".len();
        let end = location[host..].find(['/', '?']).map_or(location.len(), |length| host + length);
        let (origin, path) = location.split_at(end);
        self.browser
            .go_to(origin)
            .map_err(|error| backend("redirect to an invalid location").with_source(error))?;
        Ok(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
    }
}

impl<A> fmt::Debug for TestClient<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient").field("browser", &self.browser).finish_non_exhaustive()
    }
}

fn backend(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Backend, message)
}
