//! The response of an application, with its whole body.

use std::fmt;

use serde::de::DeserializeOwned;
use session_core::{Error, ErrorKind};

use super::Request;

/// A response with its whole body, independent of any framework.
///
/// A [`TestClient`](super::TestClient) returns this type. An [`Application`](super::Application)
/// converts the response of its framework to this type.
///
/// # Examples
///
/// ```
/// use session_testing::TestResponse;
///
/// let response = TestResponse::new(200).with_header("Vary", "Cookie").with_body("[1, 2]");
/// assert_eq!(response.header("vary"), Some("Cookie"));
/// assert_eq!(response.json::<Vec<u64>>()?, [1, 2]);
/// # Ok::<(), session_core::Error>(())
/// ```
#[derive(Clone)]
pub struct TestResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// The request of the test. A response that an application has just built has no request yet.
    request: Option<Request>,
}

impl TestResponse {
    /// Returns a response without headers and body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), request: None }
    }

    /// Adds a header. Bytes of the value that are not UTF-8 are replaced by U+FFFD.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), String::from_utf8_lossy(value.as_ref()).into_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the value of the first header with this name, regardless of case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find_map(|(other, value)| other.eq_ignore_ascii_case(name).then_some(value))
    }

    /// Returns all headers, in the order in which they were added.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the `Location` header, which is the target of a redirect.
    pub fn location(&self) -> Option<&str> {
        self.header("location")
    }

    /// Returns the body as text. Bytes that are not UTF-8 are replaced by U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Value`] if the body is not JSON of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::new(ErrorKind::Value, "response body is not JSON of the requested type")
                .with_source(error)
        })
    }

    /// Records the request to which the response belongs.
    pub(super) fn to(self, request: Request) -> Self {
        Self { request: Some(request), ..self }
    }

    /// Returns the target of a redirect and the request to send there (Fetch, section 4.4). Returns
    /// `None` if this is not a redirect.
    pub(super) fn redirect(&self) -> Option<(&str, Request)> {
        let request = self.request.clone().unwrap_or_else(|| Request::new("GET", "/"));
        let as_get = match self.status {
            301 | 302 => request.method() == "POST",
            303 => request.method() != "HEAD",
            307 | 308 => false,
            _ => return None,
        };
        let request = if as_get { Request::new("GET", "/") } else { request };
        Some((self.location()?, request))
    }
}

impl fmt::Debug for TestResponse {
    /// Omits cookies and body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestResponse")
            .field("status", &self.status)
            .field("content_type", &self.header("content-type"))
            .field("location", &self.location())
            .finish_non_exhaustive()
    }
}
