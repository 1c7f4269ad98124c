//! Requests and responses, independent of a framework.

/// A request to send, without a body.
#[derive(Clone, Debug)]
pub struct Request {
    method: &'static str,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Request {
    pub(crate) fn new(method: &'static str, target: &str) -> Self {
        Self { method, target: target.to_owned(), headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_vec()));
        self
    }

    /// Returns the method, such as `GET` or `HEAD`. The application handles every method in the
    /// same way.
    pub fn method(&self) -> &str {
        self.method
    }

    /// Returns the path with an optional query. In one rule, the target is an absolute URL, as sent
    /// to a proxy (RFC 9112, section 3.2.2).
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the headers in order, including `Host`. A name may occur more than once, and a value
    /// need not be text.
    pub fn headers(&self) -> &[(String, Vec<u8>)] {
        &self.headers
    }
}

/// A response as the client received it.
///
/// # Examples
///
/// ```
/// use session_conformance::adapter::Response;
///
/// let response = Response::new(200).header("Vary", "Cookie").body("hello");
/// ```
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Response {
    /// Returns a response with this status, no headers and an empty body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header. Add each header as the client received it, and do not join headers of the
    /// same name.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// Returns the body. Bytes that are not UTF-8 are replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the names of all headers.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the values of the headers of this name. Bytes that are not UTF-8 are replaced.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let headers = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        headers.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }
}
