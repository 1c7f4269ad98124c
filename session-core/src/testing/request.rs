//! A request that a test makes, before any framework has its own type for it.

use std::fmt;

/// A request to an application under test.
///
/// ```
/// use session_core::testing::Request;
///
/// let request = Request::new("DELETE", "/cart/7").with_header("accept-language", "de");
/// assert_eq!((request.method(), request.path()), ("DELETE", "/cart/7"));
/// ```
#[derive(Clone)]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request without headers and body. The path begins with `/` and may have a query.
    ///
    /// ```
    /// # use session_core::testing::Request;
    /// assert!(Request::new("GET", "/").body().is_empty());
    /// ```
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self { method: method.into(), path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header.
    ///
    /// ```
    /// # use session_core::testing::Request;
    /// let request = Request::new("GET", "/").with_header("user-agent", "Lynx");
    /// assert!(request.headers().eq([("user-agent", "Lynx")]));
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    ///
    /// ```
    /// # use session_core::testing::Request;
    /// assert_eq!(Request::new("PUT", "/theme").with_body("dark").body(), b"dark");
    /// ```
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The method.
    ///
    /// ```
    /// # use session_core::testing::Request;
    /// assert_eq!(Request::new("PUT", "/theme").method(), "PUT");
    /// ```
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, with its query.
    ///
    /// ```
    /// # use session_core::testing::Request;
    /// assert_eq!(Request::new("GET", "/cart?page=2").path(), "/cart?page=2");
    /// ```
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The headers, in the order in which they were added.
    ///
    /// ```
    /// # use session_core::testing::Request;
    /// assert_eq!(Request::new("GET", "/").headers().count(), 0);
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body.
    ///
    /// ```
    /// # use session_core::testing::Request;
    /// assert_eq!(Request::new("GET", "/").body(), b"");
    /// ```
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    pub(super) fn at(self, path: String) -> Self {
        Self { path, ..self }
    }

    /// With this header in place of all of its name.
    pub(super) fn replacing_header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(kept, _)| !kept.eq_ignore_ascii_case(name));
        self.with_header(name, value)
    }
}

impl fmt::Debug for Request {
    /// Leaves headers and body out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}
